"""Plots of preference optimisation (chapter 08)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import HTML

from altlib.core.estimates import Estimate
from altlib.report import figures
from altlib.training.preference_study import PreferencePlan


def reward_curves(plans: Sequence[PreferencePlan], curves: Mapping[str, pd.DataFrame]) -> HTML:
    """Accuracy and margin of rewards on validation pairs by update, one line per run.

    Args:
        plans: The runs; those of supervised fine-tuning have no rewards and are left out.
        curves: Name of each run -> its curve.
    """
    shown: dict[str, list[pd.DataFrame]] = {}
    for plan in plans:
        if plan.loss is not None:
            shown.setdefault(plan.system, []).append(curves[plan.name])
    panels = {"accuracy: response": 100, "margin: response": 1, "accuracy: picture": 100, "margin: picture": 1}
    figure, axes = plt.subplots(2, 2, figsize=(10, 7.5), sharex=True)
    spoken = []
    for number, (system, found) in enumerate(shown.items()):
        look = figures.series(number) | {"markersize": 4, "linewidth": 1.2}
        for turn, curve in enumerate(found):
            for axis, (column, scale) in zip(axes.flat, panels.items(), strict=True):
                if column in curve:
                    axis.plot(curve["step"], scale * curve[column], label=None if turn else system, **look)
        ends = [curve.iloc[-1] for curve in found]
        accuracy = 100 * np.mean([end["accuracy: response"] for end in ends])
        margin = np.mean([end["margin: response"] for end in ends])
        spoken.append(f"{system}: {accuracy:.0f}% and {margin:.2f}")
    for axis, (column, scale) in zip(axes.flat, panels.items(), strict=True):
        measure, of = column.split(": ")
        worse = {"response": "the rejected response", "picture": "the spoilt picture"}[of]
        axis.set(
            title=f"{measure.capitalize()} against {worse}",
            ylabel="validation pairs (%)" if scale > 1 else "difference of rewards",
            xlabel="update",
        )
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=10)
    return figures.show(
        figure,
        "Four line charts over updates, one line per run: how often the better combination of each validation pair has "
        "the higher reward, and by how much, when the response is rejected and when the picture is spoilt. At the end, "
        f"accuracy and margin against the rejected response, means over seeds: {'; '.join(spoken)}.",
        "Rewards of validation pairs during preference optimisation.",
    )


def error_bars(systems: Mapping[str, Mapping[str, Estimate]]) -> HTML:
    """How often each system makes each error of fact, with 95% intervals, one panel per error.

    Args:
        systems: Name of each system -> error -> rate in %.
    """
    errors = list(next(iter(systems.values())))
    figure, axes = plt.subplots(1, len(errors), figsize=(3 * len(errors), 0.5 * len(systems) + 2.2), sharey=True)
    spoken = []
    for axis, error in zip(np.atleast_1d(axes), errors, strict=True):
        for place, (name, rates) in enumerate(systems.items()):
            rate = rates[error]
            low, high = rate.interval
            reach = [[max(0.0, rate.value - low)], [max(0.0, high - rate.value)]]
            colour = figures.COLOURS[place % len(figures.COLOURS)]
            axis.barh(place, rate.value, xerr=reach, color=colour, hatch=("", "//", "..", "xx")[place % 4], capsize=3)
            axis.set_yticks(range(len(systems)), list(systems))
            spoken.append(f"{error}, {name}: {rate.value:.0f}%")
        axis.set(title=error.capitalize().replace(" instead", "\ninstead"), xlabel="pictures (%)")
    np.atleast_1d(axes)[0].invert_yaxis()
    return figures.show(
        figure,
        f"Bar charts, one per kind of error: how often each system's texts make it. {'; '.join(spoken)}.",
        "Errors of fact on test pictures, in % of the pictures for which an error is possible; 95% intervals over pictures.",
    )
