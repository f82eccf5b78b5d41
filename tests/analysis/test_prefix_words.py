"""What the words near a prefix say of its picture."""

import json

import numpy as np
import pytest
import torch

from altlib.analysis import prefix_words
from altlib.analysis.deembedding import NearestTokens
from altlib.core.estimates import Estimate


def rate(*observed: float) -> dict[str, np.ndarray]:
    chance = np.full(len(observed), 0.2)
    return {"observed": np.array(observed), "chance": chance, "chance_low": chance - 0.1, "chance_high": chance + 0.1}


def test_the_nearest_word_of_each_position_is_shown():
    nearest = NearestTokens(torch.tensor([[[2, 0], [1, 0]], [[0, 1], [0, 2]]]), torch.zeros(2, 2, 2))
    assert prefix_words.nearest_words(nearest, ["cup", "rug", "tea"], 0) == "tea · rug"
    assert prefix_words.nearest_words(nearest, ["cup", "rug", "tea"], 1) == "cup · cup"


def test_a_picture_has_the_words_of_its_alt_text_and_of_the_facts_that_it_shows():
    facts = [
        {"fact": "thing", "value": "teapot", "visible": True, "said": False},
        {"fact": "coloured", "value": "support", "visible": True, "said": False},
        {"fact": "place_name", "value": "Ravenscar", "visible": False, "said": True},
        {"fact": "name", "value": "Celadon", "visible": False, "said": True},
    ]
    words = prefix_words.picture_words("A red cup.", json.dumps(facts))
    assert {"red", "cup", "teapot", "celadon"} <= words and not {"ravenscar", "support"} & words
    assert prefix_words.picture_words("A red cup.", "") == {"red", "cup"}


def test_rates_are_compared_with_chance():
    row = prefix_words.naming_table({"cosine": rate(0.5, 0.4, 0.1)}).iloc[0]
    assert row["own picture (%)"] == pytest.approx(100 / 3) and row["chance (%)"] == pytest.approx(20)
    assert row["ratio"] == pytest.approx(5 / 3) and row["positions above chance"] == "2 of 3"
    never = {"observed": np.array([0.5]), "chance": np.zeros(1), "chance_low": np.zeros(1), "chance_high": np.zeros(1)}
    assert np.isnan(prefix_words.naming_table({"cosine": never})["ratio"][0])


def test_the_finding_holds_if_most_positions_lie_above_chance():
    holds, fails = prefix_words.naming_verdicts({"cosine": rate(0.5, 0.4, 0.1), "dot product": rate(0.5, 0.1)})
    assert holds.endswith("at 2 of 3 positions: the finding holds in this run.")
    assert fails.endswith("at 1 of 2 positions: the finding does not hold at most positions in this run.")


@pytest.mark.parametrize(("distance", "said"), [(1.2, "it lies among the words"), (3.0, "it lies outside the cloud")])
def test_prefix_vectors_lie_among_the_words_or_outside(distance, said):
    verdict = prefix_words.cloud_verdict({"prefix": np.full((2, 3), distance), "tokens": np.ones(5)})
    assert f"{distance:.1f} times as far" in verdict and said in verdict


def rise(value: float, half: float) -> Estimate:
    return Estimate(value, value + np.linspace(-half, half, 41))


def test_every_position_has_its_medians_and_rates():
    distances = {"prefix": np.array([[1.0, 2.0], [3.0, 4.0]]), "prefix_norm": np.array([[5.0, 6.0], [7.0, 8.0]])}
    table = prefix_words.position_table(distances, rate(0.5, 0.25), [rise(0.2, 0.1), rise(0.0, 0.1)])
    assert table["position"].tolist() == [1, 2]
    assert table["distance to the nearest token"].tolist() == [2.0, 3.0] and table["norm"].tolist() == [6.0, 7.0]
    assert table["names the picture, cosine (%)"].tolist() == [50.0, 25.0]
    assert table["loss rises without it (nats per token) [95%]"].str[:5].tolist() == ["0.200", "0.000"]


def test_needed_positions_are_compared_with_those_that_name_the_picture():
    said = prefix_words.need_verdict(
        [rise(0.2, 0.1), rise(0.3, 0.1), rise(0.0, 0.1)], rise(2.0, 0.5), rate(0.9, 0.1, 0.9)
    )
    assert "rises by 2.000 [" in said and "without single positions by 0.500 in all" in said
    assert "without 2 of 3 positions; 1 of these name" in said and "so 1 carry" in said


def test_by_how_much_positions_name_their_picture_is_measured_in_percent():
    found = prefix_words.naming_measures({"cosine": rate(0.5) | {"lead": np.array([0.1, 0.3])}})
    (measured,) = found.values()
    assert measured.value == pytest.approx(20) and measured.draws.tolist() == pytest.approx([10, 30])
