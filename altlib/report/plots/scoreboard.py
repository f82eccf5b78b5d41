"""How many claims hold, as a figure."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pandas as pd
from IPython.display import HTML

from altlib.evaluation.scoreboard import VERDICTS
from altlib.report.figures import COLOURS, show

HATCHES = ("", "//", "--", "..", "xx")
SHADES = (COLOURS[2], COLOURS[1], COLOURS[4], COLOURS[7], "white")


def verdict_bars(counts: pd.DataFrame) -> HTML:
    """One bar per work, with its claims by verdict.

    Args:
        counts: As from :func:`altlib.report.scoreboard_tables.count_table`; the last row, of all works, is left out.
    """
    works = counts.iloc[:-1]
    figure, axes = plt.subplots(figsize=(9, 0.7 * len(works) + 1.6))
    rows = range(len(works))
    left = pd.Series(0, index=works.index)
    for verdict, colour, hatch in zip(VERDICTS, SHADES, HATCHES, strict=True):
        axes.barh(rows, works[verdict], left=left, color=colour, hatch=hatch, edgecolor="black", label=verdict)
        for row, (count, start) in enumerate(zip(works[verdict], left, strict=True)):
            if count:
                label = {"facecolor": "white", "edgecolor": "none", "pad": 1.0}
                axes.text(start + count / 2, row, str(count), ha="center", va="center", bbox=label)
        left = left + works[verdict]
    axes.set_yticks(rows, [name.partition(" (")[0] for name in works["work"]])
    axes.invert_yaxis()
    axes.set_xlabel("claims (number)")
    axes.set_title("The claims of each work in this run")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.25), ncols=3, frameon=False)
    said = "; ".join(
        f"{row['work']}: " + ", ".join(f"{row[verdict]} {verdict}" for verdict in VERDICTS)
        for _, row in works.iterrows()
    )
    return show(
        figure,
        f"Stacked bars, one for each work, with the number of its claims by verdict. {said}.",
        "Claims by verdict. Colours and hatchings are the same for all works.",
    )
