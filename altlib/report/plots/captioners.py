"""Plots of captioners: their loss through training (chapter 02) and their scores (chapter 03)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import HTML
from matplotlib.axes import Axes

from altlib.evaluation.caption_metrics import Scores
from altlib.report import figures

PLOTTED_METRICS = ("BLEU@4", "CIDEr")


def loss_curves(curves: Mapping[str, pd.DataFrame]) -> HTML:
    """Training and validation loss by epoch, one line per captioner.

    Args:
        curves: Name of each captioner -> its curve, one row per epoch, with the columns epoch,
            training_loss and validation_loss (nats per token).
    """
    figure, axes = plt.subplots(1, 2, figsize=(11, 4.5), sharey=True)
    for number, (name, curve) in enumerate(curves.items()):
        for axis, column in zip(axes, ("training_loss", "validation_loss"), strict=True):
            axis.plot(curve["epoch"], curve[column], label=name, **figures.series(number))
    axes[0].set(title="Training", xlabel="epoch", ylabel="negative log-likelihood (nats per token)")
    axes[1].set(title="Validation", xlabel="epoch")
    for axis in axes:
        axis.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
    axes[1].legend(fontsize=10)
    best = {name: curve.loc[curve["validation_loss"].idxmin()] for name, curve in curves.items()}
    spoken = "; ".join(
        f"{name}: {curves[name]['validation_loss'].iloc[0]:.2f} after the first epoch, {row['validation_loss']:.2f} at "
        f"its best in epoch {row['epoch']:.0f} of {len(curves[name])}"
        for name, row in sorted(best.items(), key=lambda item: item[1]["validation_loss"])
    )
    return figures.show(
        figure,
        "Two line charts of the loss by epoch, on training and on validation pictures, one line per captioner. "
        f"Validation losses in nats per token, the lowest first. {spoken}.",
        "Loss by epoch.",
    )


def draw_scores(axis: Axes, metric: str, scores: Mapping[str, Scores], systems: Sequence[str], marked: str) -> None:
    """Draw one horizontal bar per system with its 95% interval; the marked system's bar is hatched."""
    values = np.array([scores[system][metric].value for system in systems])
    low, high = np.array([scores[system][metric].interval for system in systems]).T
    axis.barh(
        range(len(systems)),
        values,
        xerr=np.maximum(0, [values - low, high - values]),
        color=[figures.COLOURS[1] if system == marked else figures.COLOURS[0] for system in systems],
        hatch=["//" if system == marked else "" for system in systems],
        edgecolor="white",
        error_kw={"capsize": 3},
    )
    axis.set(title=metric, xlabel=f"{metric} (x100), 95% interval")


def score_bars(scores: Mapping[str, Scores], systems: Sequence[str], marked: str) -> HTML:
    """BLEU@4 and CIDEr of each system as bars, with 95% intervals.

    Args:
        scores: Name of each system -> its scores.
        systems: The systems to show, from top to bottom.
        marked: The system whose bar is hatched.
    """
    figure, axes = plt.subplots(1, 2, figsize=(11, 5), sharey=True)
    for axis, metric in zip(axes, PLOTTED_METRICS, strict=True):
        draw_scores(axis, metric, scores, systems, marked)
    axes[0].set_yticks(range(len(systems)), systems, fontsize=10)
    axes[0].invert_yaxis()
    spoken = "; ".join(
        f"{system}: " + " and ".join(f"{scores[system][m].value:.1f}" for m in PLOTTED_METRICS) for system in systems
    )
    return figures.show(
        figure,
        f"Two horizontal bar charts, {' and '.join(PLOTTED_METRICS)}, one bar per system with its 95% interval, which the "
        f"table above has in numbers. {spoken}.",
        f"Systems by {' and '.join(PLOTTED_METRICS)}. The hatched bar is {marked}.",
    )
