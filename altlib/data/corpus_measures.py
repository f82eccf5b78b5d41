"""What chapter 01 measured of a corpus, for the living index."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from altlib.core.measured import Results, counted, of_mean, of_share

VALUE = "value"  # the measure of numbers that a work gives in its text
SPLITS = {"train": "training", "val": "validation", "test": "test"}
TEXTS = {"alt_text": "alt text", "text": "post"}


def corpus_measures(
    index: pd.DataFrame, steps: pd.DataFrame, collected: int, lengths: Mapping[str, pd.DataFrame]
) -> Results:
    """Sizes of the corpus and its splits, lengths of the texts, and how many pictures came without alt text.

    Args:
        index: The kept pictures, with the column split.
        steps: As from :meth:`altlib.data.cleaning.pipeline.CleaningLog.table`.
        collected: Pictures that came in.
        lengths: As from :func:`altlib.data.lengths.text_lengths`.
    """
    without = int(steps.loc[steps["step"] == "no alt text", "pictures"].sum())
    found: Results = {
        ("pictures without alt text", VALUE): of_share(without, collected, "pictures"),
        ("pictures after cleaning", VALUE): counted(len(index)),
    }
    for split, name in SPLITS.items():
        found[f"{name} pictures", VALUE] = counted(int((index["split"] == split).sum()))
    for column, name in TEXTS.items():
        for unit in ("characters", "tokens"):
            found[f"{name} {unit}", VALUE] = of_mean(lengths[column][unit].tolist(), "texts")
    return found
