from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from altlib.core.estimates import Estimate
from altlib.generation import prompt_grid as g
from altlib.generation.prompting import Described, Wish
from altlib.models.replies import Spent
from altlib.report import prompt_tables as t


def cell(model, prompt, values, dollars=float("nan")):
    described = [Described("a red boat") if v == v else Described(problem="no answer") for v in values]
    overall = np.array(values, dtype=float)
    known = overall[~np.isnan(overall)]
    return g.RatedCell(g.GridCell(model, prompt, described, dollars), {"overall": g.mean_estimate(known, 0)}, overall)


RATED = [
    cell("a", "plain", [2.0] * 10),
    cell("a", "blog", [4.0] * 9 + [float("nan")], 0.5),
    cell("b", "plain", [3.0] * 10, 0.25),
]


def test_the_best_pair_is_compared_with_the_second_on_the_same_pictures():
    assert g.best_cell(RATED).cell.prompt == "blog"
    first, second = g.grid_verdicts(RATED, "the judge")
    assert "a with “blog” is rated highest: 4.00 [4.00, 4.00] of 5" in first
    assert "it is better than b with “plain”: the difference is 1.00" in second
    table = g.grid_table(RATED)
    assert table["prompt"].tolist() == ["blog", "plain", "plain"] and table["failed"].tolist() == [1, 0, 0]


def test_costs_are_told_if_they_are_known():
    said = t.cost_sentences(RATED, Spent(3, 0, 10, 20, Decimal("0.5")))
    assert said[0].startswith("A thousand alt texts cost from 0.25 dollars (b, “plain”) to 0.50 dollars (a, “blog”)")
    assert said[1] == "Judging them: 3 requests, 10 tokens read and 20 written: 0.5000 dollars."
    assert t.cost_sentences(RATED[:1], None) == [
        "No price is known of these alt texts: they were written on this machine, or no prices were given."
    ]


def test_the_spread_over_models_is_compared_with_that_over_prompts():
    assert t.spread_sentence(RATED).endswith("here, prompts matter more.")


def test_prompts_are_shown_as_a_model_gets_them():
    table = t.prompt_list(["plain", "blog-with-post"], Wish(language="Dutch"))
    assert "Write in Dutch." in table["text"][0] and "Hello!" in table["text"][1]


def test_examples_show_what_failed():
    posts = pd.DataFrame({"image": ["a.png"] * 10, "alt_text": ["gold"] * 10, "text": ["post"] * 10})
    items = t.example_items(posts, RATED[1])
    assert (
        items[0]["a, blog"] == "a red boat"
        and items[9]["a, blog"] == "none: no answer"
        and items[9]["Overall rating"] == "not rated"
    )


@pytest.mark.parametrize("prices", [["0.4"], ["0.4/x"], ["-1/2"], ["1/2", "3/4"]])
def test_prices_that_are_none_are_refused(prices):
    with pytest.raises(ValueError, match="price"):
        g.parse_prices(prices, ["m"])
    assert g.parse_prices(["0.4/1.2"], ["m"]) == [(0.4, 1.2)] and g.parse_prices([], ["m"]) == [(0.0, 0.0)]


def test_a_mean_of_one_has_no_interval():
    assert g.mean_estimate(np.array([2.0]), 0).text() == "2.00" and isinstance(
        g.mean_estimate(np.zeros(0), 0), Estimate
    )
