"""Plots of attributions (chapter 07)."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pandas as pd
from IPython.display import HTML

from altlib.analysis.mediation import correlations_of
from altlib.core.statistics import plus_minus
from altlib.models.interventions import PATHS
from altlib.report import figures


def rating_correlations(correlation: pd.DataFrame, rating: str = "concreteness") -> HTML:
    """Correlation of attributions with ratings of words, one point per seed, by training and path.

    Args:
        correlation: As from :func:`altlib.analysis.mediation.norm_correlations`.
        rating: Which collection of ratings.
    """
    trainings = list(correlation["training"].unique())
    figure, axis = plt.subplots(figsize=(8, 4.5))
    spoken = []
    for number, path in enumerate(PATHS):
        look = figures.series(number) | {"linestyle": "", "markersize": 8}
        for place, training in enumerate(trainings):
            values = correlations_of(correlation, training, path, rating)
            axis.plot([place + 0.22 * (number - 1)] * len(values), values, label=None if place else path, **look)
            spoken.append(f"{training}, {path}: {plus_minus(values)}")
    axis.axhline(0, color="black", linewidth=1)
    axis.set_xticks(range(len(trainings)), trainings)
    axis.set(
        title=f"Attribution and {rating}",
        xlabel="training",
        ylabel=f"Pearson's r with {rating} (one point per seed)",
    )
    axis.legend(title="path")
    return figures.show(
        figure,
        f"Points by training and path, one per seed: Pearson's r of attribution and {rating}. Means and 95% intervals "
        f"over seeds: {'; '.join(spoken)}.",
        f"Correlation of attributions with {rating}, by training and path.",
    )
