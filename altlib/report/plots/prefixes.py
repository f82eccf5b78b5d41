"""Plots of prefix vectors: how often they name their picture, and how far they lie from the words (chapter 04)."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import HTML
from matplotlib.axes import Axes

from altlib.report import figures


def draw_naming(axis: Axes, rate: Mapping[str, np.ndarray]) -> None:
    """Draw the observed rate, and the rate of chance with its 95% range, by prefix position."""
    positions = np.arange(1, len(rate["observed"]) + 1)
    chance = figures.series(1)
    axis.plot(positions, 100 * rate["observed"], label="own picture", **figures.series(0))
    axis.plot(positions, 100 * rate["chance"], label="another picture (chance)", **chance)
    axis.fill_between(
        positions,
        100 * rate["chance_low"],
        100 * rate["chance_high"],
        color=chance["color"],
        alpha=0.2,
        label="95% range of chance",
    )
    axis.set(xlabel="prefix position", xticks=positions)


def naming_rates(rates: Mapping[str, Mapping[str, np.ndarray]], top: int) -> HTML:
    """How often each prefix position names its picture, against chance, one panel per similarity.

    Args:
        rates: Similarity -> rates as from :func:`altlib.analysis.deembedding.naming_rates`.
        top: How many of the nearest tokens count.
    """
    figure, axes = plt.subplots(1, len(rates), figsize=(11, 4.5), sharey=True, squeeze=False)
    spoken = []
    for axis, (measure, rate) in zip(axes[0], rates.items(), strict=True):
        draw_naming(axis, rate)
        axis.set_title(f"Nearest {top} by {measure}")
        own, other = 100 * rate["observed"], 100 * rate["chance"]
        spoken.append(
            f"By {measure}, between {own.min():.0f} and {own.max():.0f}% of prefixes name their own picture, depending on the "
            f"position (most often at position {own.argmax() + 1}), and between {other.min():.0f} and {other.max():.0f}% "
            "another picture."
        )
    axes[0, 0].set_ylabel("prefixes that name the picture (%)")
    axes[0, 0].legend(fontsize=10)
    return figures.show(
        figure,
        "Line charts by prefix position, one per similarity: a line for the own picture, a line for another picture. "
        + " ".join(spoken),
        "How often each prefix position names its picture, against chance.",
    )


def cloud_distances(distances: Mapping[str, np.ndarray]) -> HTML:
    """Prefix vectors beside token embeddings: distances to the nearest token, and norms.

    Args:
        distances: As from :func:`altlib.analysis.deembedding.cloud_distances`.
    """
    panels = (
        ("prefix", "tokens", "Distance to the nearest token", "Euclidean distance (embedding units)"),
        ("prefix_norm", "token_norm", "Length of the vectors", "Euclidean norm (embedding units)"),
    )
    figure, axes = plt.subplots(1, 2, figsize=(11, 4.5))
    for axis, (prefix, tokens, title, label) in zip(axes, panels, strict=True):
        ours, theirs = distances[prefix].ravel(), distances[tokens]
        bins = np.histogram_bin_edges(np.concatenate([ours, theirs]), 40)
        for values, name, colour, hatch in (
            (ours, "prefix vectors", figures.COLOURS[0], "//"),
            (theirs, "token embeddings", figures.COLOURS[1], ".."),
        ):
            axis.hist(
                values, bins=bins, density=True, alpha=0.6, label=name, color=colour, hatch=hatch, edgecolor="white"
            )
        axis.set(title=title, xlabel=label, ylabel="density")
    axes[0].legend()
    medians = {name: float(np.median(values)) for name, values in distances.items()}
    return figures.show(
        figure,
        "Two pairs of overlapping histograms. Median distance to the nearest token: "
        f"{medians['prefix']:.2f} from a prefix vector, {medians['tokens']:.2f} from another token. "
        f"Median length: {medians['prefix_norm']:.2f} of prefix vectors, {medians['token_norm']:.2f} of token embeddings.",
        "Prefix vectors beside the cloud of token embeddings.",
    )
