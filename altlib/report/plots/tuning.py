"""Plots of CLIPs that learn to prefer descriptions (chapter 06)."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import pandas as pd
from IPython.display import HTML

from altlib.report import figures

CONFIGURATION = ["objective", "fine-tuning"]


def chosen_checkpoints(curves: pd.DataFrame) -> pd.DataFrame:
    """The evaluation with the best trade-off of each run, one row per run of ``curves``."""
    return curves.loc[curves.groupby([*CONFIGURATION, "seed"], sort=False)["trade_off"].idxmax()]


def tuning_curves(curves: pd.DataFrame, tasks: Sequence[str]) -> HTML:
    """Accuracy and F1 of the transfer tasks by update, one panel each and one line per run (CLIP paper, Figure 3).

    Args:
        curves: One row per evaluation, with its own index: objective, fine-tuning, seed, step,
            accuracy, and one column per task (shares of 1).
        tasks: Names of the transfer tasks.
    """
    panels = {"accuracy": "Description preferred", **{task: task for task in tasks}}
    figure, axes = plt.subplots(1, len(panels), figsize=(3.6 * len(panels), 4.2), squeeze=False)
    spoken = []
    for number, (configuration, runs) in enumerate(curves.groupby(CONFIGURATION, sort=False)):
        label = ", ".join(configuration)
        look = figures.series(number) | {"markersize": 4, "linewidth": 1.2}
        for turn, (_, run) in enumerate(runs.groupby("seed", sort=False)):
            for axis, column in zip(axes[0], panels, strict=True):
                axis.plot(run["step"], 100 * run[column], label=None if turn else label, **look)
        last = 100 * runs.groupby("seed").last()[list(panels)].mean()
        spoken.append(
            f"{label}: the description is preferred on {last['accuracy']:.0f}% at the end; "
            + ", ".join(f"{task} {last[task]:.0f}%" for task in tasks)
            + "."
        )
    for axis, title in zip(axes[0], panels.values(), strict=True):
        axis.set(title=title, xlabel="update", ylim=(0, 100))
    axes[0, 0].set_ylabel("share of pictures, or macro-F1 (%)")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=10)
    return figures.show(
        figure,
        f"{len(panels)} line charts over updates, one line per run: how often the description is preferred, and macro-F1 "
        f"of each transfer task. Means over seeds. {' '.join(spoken)}",
        "Accuracy and transfer through training (the paper's Figure 3).",
    )


def trade_off(curves: pd.DataFrame, weight: float) -> HTML:
    """Accuracy against the transfer score of every evaluation, one line per run (CLIP paper, Figure 4).

    Args:
        curves: As in :func:`tuning_curves`, with the columns transfer_score and trade_off.
        weight: Weight of accuracy in the trade-off.
    """
    figure, axis = plt.subplots(figsize=(8, 5))
    for number, (configuration, runs) in enumerate(curves.groupby(CONFIGURATION, sort=False)):
        look = figures.series(number) | {"markersize": 5, "linewidth": 0.8}
        for turn, (_, run) in enumerate(runs.groupby("seed", sort=False)):
            label = None if turn else ", ".join(configuration)
            axis.plot(100 * run["accuracy"], 100 * run["transfer_score"], label=label, **look)
    chosen = chosen_checkpoints(curves)
    axis.plot(
        100 * chosen["accuracy"],
        100 * chosen["transfer_score"],
        linestyle="",
        marker="o",
        markersize=13,
        markerfacecolor="none",
        markeredgecolor="black",
        label="chosen checkpoint",
    )
    axis.set(
        title="Preference against transfer",
        xlabel="description preferred, validation pictures (%)",
        ylabel="transfer score (% of base model)",
    )
    axis.legend(fontsize=10)
    spoken = "; ".join(
        f"{', '.join(configuration)}: {100 * found['accuracy'].mean():.0f}% of descriptions preferred, "
        f"{100 * found['transfer_score'].mean():.0f}% of transfer kept"
        for configuration, found in chosen.groupby(CONFIGURATION, sort=False)
    )
    return figures.show(
        figure,
        "Line chart through the evaluations of each run: how often the description is preferred against the transfer "
        f"score. Chosen checkpoints, means over seeds: {spoken}.",
        f"Trade-off of preference and transfer. Circles mark the chosen checkpoints (weight {weight} on preference).",
    )
