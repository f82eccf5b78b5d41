"""Plots of attributions."""

import pandas as pd

from altlib.report.plots.attributions import rating_correlations


def test_correlations_are_points_and_told_by_their_means(alt_of, drawn):
    correlation = pd.DataFrame(
        [
            {"training": training, "seed": seed, "path": path, "norm": "concreteness", "r": r + 0.1 * seed}
            for training, r in (("base", 0.1), ("iit-das", 0.4))
            for path in ("none", "through", "around")
            for seed in (0, 1)
        ]
    )
    alt = alt_of(rating_correlations(correlation))
    assert "base, none: 0.15 ± " in alt and "iit-das, through: 0.45 ± " in alt
    axis = drawn[0].axes[0]
    assert sum(len(line.get_xdata()) for line in axis.lines[:-1]) == 12
    assert [label.get_text() for label in axis.get_xticklabels()] == ["base", "iit-das"]
    assert [text.get_text() for text in axis.get_legend().get_texts()] == ["none", "through", "around"]
