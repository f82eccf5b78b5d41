"""Plots of judges and of what flags poor alt text (chapter 05)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import HTML

from altlib.report import figures
from altlib.report.judge_tables import KAPPA, LENGTH, POSITION, STYLE, interval

PANELS = {KAPPA: "Kappa with raters", POSITION: "Position bias", LENGTH: "Length bias", STYLE: "Style bias"}


def judge_dots(validated: pd.DataFrame) -> HTML:
    """Agreement and biases of each judge as dots with their 95% intervals, one panel per measure.

    Args:
        validated: Rows of :func:`altlib.evaluation.judge_validation.validate` for all judges.
    """
    judges = validated["judge"].drop_duplicates().tolist()
    shown = [m for m in PANELS if (validated["measure"] == m).any()]
    figure, axes = plt.subplots(
        1, len(shown), figsize=(3.2 * len(shown) + 2, 0.5 * len(judges) + 2), sharey=True, squeeze=False
    )
    spoken = []
    for axis, measure in zip(axes[0], shown, strict=True):
        rows = validated[validated["measure"] == measure].set_index("judge").reindex(judges)
        for place, (_, row) in enumerate(rows.iterrows()):
            if row["value"] == row["value"]:
                error = [[max(0, row["value"] - row["low"])], [max(0, row["high"] - row["value"])]]
                look = figures.series(place) | {"linestyle": ""}
                axis.errorbar(row["value"], place, xerr=error if row["low"] == row["low"] else None, capsize=3, **look)
        axis.axvline(0, color="black", linewidth=1)
        axis.set(title=PANELS[measure], xlim=(-1.05, 1.05))
        spoken.append(
            f"{PANELS[measure]}: "
            + ", ".join(f"{judge} {interval(r['value'], r['low'], r['high'])}" for judge, r in rows.iterrows())
        )
    axes[0, 0].set_yticks(range(len(judges)), judges)
    axes[0, 0].invert_yaxis()
    return figures.show(
        figure,
        f"{len(shown)} panels of dots with 95% intervals, one row per judge. {'. '.join(spoken)}.",
        "Agreement with raters, and biases, of each judge. Agreement should be high, biases near 0.",
    )


def precision_recall_curves(curves: Mapping[str, pd.DataFrame], base_rate: float) -> HTML:
    """Precision over recall of what flags poor alt text.

    Args:
        curves: Name of each detector -> its curve, from :func:`altlib.evaluation.flagging.precision_recall`.
        base_rate: Share of the texts that are poor.
    """
    figure, axis = plt.subplots(figsize=(8, 5))
    spoken = []
    for number, (name, curve) in enumerate(curves.items()):
        look = figures.series(number) | {"markevery": max(1, len(curve) // 12), "markersize": 5}
        axis.plot(curve["recall"], curve["precision"], label=name, drawstyle="steps-pre", **look)
        half = curve[curve["recall"] >= 0.5]
        spoken.append(f"{name}: precision {half['precision'].iloc[0]:.2f} where half of the poor texts are found")
    axis.axhline(base_rate, color="black", linewidth=1, linestyle=":", label="chance")
    axis.set(title="Flagging poor alt text", xlabel="recall", ylabel="precision", xlim=(0, 1.02), ylim=(0, 1.05))
    axis.legend(fontsize=10)
    return figures.show(
        figure,
        f"Line chart of precision over recall; {100 * base_rate:.0f}% of the texts are poor. {'; '.join(spoken)}.",
        "What flags the planted poor texts, on pictures that no model has seen.",
    )


def prompt_scores(scores: pd.DataFrame, models: Sequence[str], prompts: Sequence[str]) -> HTML:
    """The overall rating of every model with every prompt, with 95% intervals (chapter 10).

    Args:
        scores: One row per model and prompt: model, prompt, value, low, high.
        models: In the order shown.
        prompts: In the order shown.
    """
    figure, axis = plt.subplots(figsize=(9, 0.45 * len(models) * len(prompts) + 1.5))
    labels: list[str] = []
    spoken: list[str] = []
    for number, prompt in enumerate(prompts):
        for model in models:
            row = scores[(scores["model"] == model) & (scores["prompt"] == prompt)]
            if row.empty or not np.isfinite(row["value"].iloc[0]):
                continue
            value, low, high = row[["value", "low", "high"]].iloc[0]
            error = [[max(0.0, value - low)], [max(0.0, high - value)]]
            axis.errorbar(value, len(labels), xerr=error, capsize=3, **figures.series(number) | {"linestyle": ""})
            labels.append(f"{model}, {prompt}")
            spoken.append(f"{labels[-1]}: {interval(value, low, high)}")
    axis.set_yticks(range(len(labels)), labels, fontsize=10)
    axis.invert_yaxis()
    axis.set(title="Models and prompts", xlabel="overall rating (1 to 5), 95% interval", xlim=(0.9, 5.1))
    return figures.show(
        figure,
        f"Dots with 95% intervals, one row per model and prompt. {'; '.join(spoken)}.",
        "The overall rating of every model with every prompt.",
    )
