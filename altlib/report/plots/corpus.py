"""Plots of a corpus (chapter 01)."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import pandas as pd
from IPython.display import HTML

from altlib.report import figures

LONGEST = 400  # characters; longer texts are counted at this length
BIN = 10  # characters
LABELS = {"alt_text": "alt texts", "text": "posts"}


def length_histograms(lengths: Mapping[str, pd.DataFrame]) -> HTML:
    """Histograms of the lengths of alt texts and posts.

    Args:
        lengths: As from :func:`altlib.data.lengths.text_lengths`.
    """
    figure, axis = plt.subplots()
    spoken = []
    for (column, label), colour, hatch in zip(LABELS.items(), figures.COLOURS, ("//", ".."), strict=False):
        characters = lengths[column]["characters"]
        axis.hist(
            characters.clip(upper=LONGEST),
            bins=range(0, LONGEST + 1, BIN),
            alpha=0.6,
            label=label,
            color=colour,
            hatch=hatch,
            edgecolor="white",
        )
        low, median, high = characters.quantile([0.25, 0.5, 0.75])
        spoken.append(
            f"The {label} have a median of {median:.0f} characters, half of them between {low:.0f} and {high:.0f}; "
            f"{100 * (characters > LONGEST).mean():.0f}% are longer than {LONGEST}."
        )
    axis.set(
        title="Length of alt texts and posts",
        xlabel=f"length (characters; longer than {LONGEST} counted at {LONGEST})",
        ylabel="pictures",
    )
    axis.legend()
    return figures.show(
        figure,
        f"Two overlapping histograms of text length. {' '.join(spoken)}",
        "Length of the texts that are kept.",
    )
