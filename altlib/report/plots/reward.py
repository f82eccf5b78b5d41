"""Plots of captioners that learn from a reward (chapter 09)."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import pandas as pd
from IPython.display import HTML

from altlib.report import figures
from altlib.report.reward_tables import parting_in_words

TWO = {"BLEU@4": "BLEU@4", "RefCompare": "RefCompare"}
WATCHED = {
    "CLIP reward": "CLIP reward (cosine)",
    "RefCompare": "RefCompare (share)",
    "BLEU@4": "BLEU@4",
    "perplexity": "perplexity of a frozen LM",
    "repetition": "repeated word pairs (share)",
    "words": "words per text",
}


def epoch_curves(histories: Mapping[str, pd.DataFrame]) -> HTML:
    """BLEU@4 and RefCompare of validation pictures over epochs, one line per run (the paper's Figure 3).

    Args:
        histories: Name of each run -> scores of its evaluations; epoch 0 is the supervised start.
    """
    figure, axes = plt.subplots(1, 2, figsize=(10, 4.5))
    spoken = []
    for number, (name, history) in enumerate(histories.items()):
        for axis, column in zip(axes, TWO, strict=True):
            axis.plot(history["epoch"], history[column], label=name, **figures.series(number))
        first, last = history.iloc[0], history.iloc[-1]
        spoken.append(
            f"{name}: BLEU@4 from {first['BLEU@4']:.1f} to {last['BLEU@4']:.1f}, RefCompare from "
            f"{first['RefCompare']:.2f} to {last['RefCompare']:.2f}"
        )
    for axis, (column, title) in zip(axes, TWO.items(), strict=True):
        axis.set(
            title=title, xlabel="epoch of the self-supervised stage", ylabel="score" if column == "BLEU@4" else "share"
        )
    axes[1].axhline(0.5, color="black", linewidth=0.8, linestyle=":")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize=10)
    return figures.show(
        figure,
        f"Two line charts over epochs of the self-supervised stage, one line per run. {'; '.join(spoken)}.",
        "BLEU@4 and RefCompare on validation pictures; epoch 0 is the supervised start, the dotted line a RefCompare of 0.5.",
    )


def label_curves(rows: pd.DataFrame) -> HTML:
    """Both scores against the number of labelled pictures, before and after the reward (the paper's Figure 4).

    Args:
        rows: From :func:`altlib.report.reward_tables.label_rows`.
    """
    figure, axes = plt.subplots(1, 2, figsize=(10, 4.5))
    spoken = []
    for number, (stage, found) in enumerate(rows.groupby("stage", sort=False)):
        found = found.sort_values("labelled")
        for axis, column in zip(axes, TWO, strict=True):
            values = [estimate.value for estimate in found[column]]
            reach = [
                [max(0.0, e.value - e.interval[0]) for e in found[column]],
                [max(0.0, e.interval[1] - e.value) for e in found[column]],
            ]
            axis.errorbar(found["labelled"], values, yerr=reach, capsize=3, label=stage, **figures.series(number))
        told = [
            f"{row.labelled} labelled: {row[2].value:.1f} and {row[3].value:.2f}"
            for row in found[["labelled", "stage", *TWO]].itertuples(index=False)
        ]
        spoken.append(f"{stage}, BLEU@4 and RefCompare with {'; '.join(told)}")
    for axis, title in zip(axes, TWO.values(), strict=True):
        axis.set(title=title, xlabel="labelled pictures", ylabel="score on test pictures", xscale="log")
        axis.legend(fontsize=10)
    return figures.show(
        figure,
        f"Two line charts against the number of labelled pictures. {'. '.join(spoken)}.",
        "Scores by the number of labelled pictures in the supervised stage, with 95% intervals over test pictures.",
    )


def reward_hacking(histories: Mapping[str, pd.DataFrame], parted: Mapping[str, int | None]) -> HTML:
    """What is rewarded and what is not, over the updates, one line per reward; a circle marks where they part.

    Args:
        histories: Name of each reward -> scores of its run's evaluations.
        parted: Name of each reward -> the step at which it parts from BLEU@4, or None; 0 is the supervised start.
    """
    figure, axes = plt.subplots(2, 3, figsize=(12, 7.5), sharex=True)
    spoken = []
    for number, (name, history) in enumerate(histories.items()):
        look = figures.series(number)
        for axis, column in zip(axes.flat, WATCHED, strict=True):
            axis.plot(history["step"], history[column], label=name, **look)
            at = history[history["step"] == parted[name]] if parted[name] is not None else history[:0]
            axis.plot(
                at["step"],
                at[column],
                linestyle="",
                marker="o",
                markersize=13,
                markerfacecolor="none",
                markeredgecolor="black",
            )
        first, last = history.iloc[0], history.iloc[-1]
        changes = ", ".join(f"{title} {first[c]:.2f} to {last[c]:.2f}" for c, title in WATCHED.items())
        spoken.append(f"Reward {name}: {changes}; it {parting_in_words('BLEU@4', parted[name])}")
    for axis, title in zip(axes.flat, WATCHED.values(), strict=True):
        axis.set(title=title, xlabel="update")
    at_start = " (a circle at update 0: from the first update on)" if 0 in parted.values() else ""
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=10)
    return figures.show(
        figure,
        f"Six line charts over updates, one line per reward. {'. '.join(spoken)}.",
        "Validation pictures while captioners learn from their rewards. Circles mark the update after which a reward "
        f"still rises while BLEU@4 falls{at_start}.",
    )
