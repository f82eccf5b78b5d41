"""Plots of prefix vectors."""

import numpy as np

from altlib.report.plots.prefixes import cloud_distances, naming_rates


def rate(*observed: float) -> dict[str, np.ndarray]:
    chance = np.full(len(observed), 0.1)
    return {"observed": np.array(observed), "chance": chance, "chance_low": chance / 2, "chance_high": chance * 2}


def test_naming_rates_are_told_for_each_similarity(alt_of, drawn):
    alt = alt_of(naming_rates({"cosine": rate(0.3, 0.5), "dot product": rate(0.2, 0.1)}, top=5))
    assert "By cosine, between 30 and 50% of prefixes name their own picture" in alt
    assert "most often at position 2" in alt and "between 10 and 10% another picture" in alt
    assert [axis.get_title() for axis in drawn[0].axes] == ["Nearest 5 by cosine", "Nearest 5 by dot product"]
    own, chance = drawn[0].axes[0].lines
    assert own.get_linestyle() != chance.get_linestyle() and own.get_marker() != chance.get_marker()


def test_distances_are_told_by_their_medians(alt_of, drawn):
    alt = alt_of(
        cloud_distances(
            {
                "prefix": np.array([[1.0, 2.0], [3.0, 4.0]]),
                "tokens": np.array([0.5, 1.5, 1.0]),
                "prefix_norm": np.array([[5.0, 6.0], [7.0, 8.0]]),
                "token_norm": np.array([1.0, 2.0, 4.0]),
            }
        )
    )
    assert "2.50 from a prefix vector, 1.00 from another token" in alt
    assert "6.50 of prefix vectors, 2.00 of token embeddings" in alt
    assert "embedding units" in drawn[0].axes[0].get_xlabel()
