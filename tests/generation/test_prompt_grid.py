"""Models times prompts."""

import numpy as np

from altlib.core.estimates import Estimate
from altlib.generation.prompt_grid import GridCell, RatedCell, grid_measures
from altlib.generation.prompting import Described


def rated(model: str, overall: float, dollars: float) -> RatedCell:
    cell = GridCell(model, "blog", [Described("a red cup", ""), Described("", "no answer")], dollars)
    return RatedCell(cell, {"overall": Estimate(overall, np.full(3, overall))}, np.array([overall, np.nan]))


def test_ratings_are_measured_with_lengths_and_prices():
    found = grid_measures([rated("a", 4.0, 2.0), rated("b", 3.0, 1.0)], 2)
    assert found["a, blog", "overall"].value == 4.0 and found["a, blog", "overall"].words == 3.0
    assert found["a, blog", "pictures"].value == 1 and found["pictures with good alt text", "value"].value == 2
    assert found["alt texts that 5 dollars of credit pay for", "value"].value == 2500
    assert np.isclose(found["cost of all experiments", "value"].value, 0.006)


def test_what_costs_nothing_has_no_price():
    found = grid_measures([rated("a", 4.0, float("nan"))], 2)
    assert not [name for name, _ in found if "cost" in name or "credit" in name]
