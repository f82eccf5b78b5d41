"""What chapter 01 has found, in sentences with intervals."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from scipy import stats

from altlib.core.statistics import proportion_interval


def corpus_findings(
    kept: int, collected: int, steps: pd.DataFrame, lengths: Mapping[str, pd.DataFrame], paper: Mapping[str, float]
) -> list[str]:
    """What cleaning has left, and how long the texts are.

    Args:
        kept: Pictures that are kept.
        collected: Pictures that came in.
        steps: As from :meth:`altlib.data.cleaning.pipeline.CleaningLog.table`.
        lengths: As from :func:`altlib.data.lengths.text_lengths`.
        paper: The paper's mean characters of ``alt_text`` and ``text``.
    """
    low, high = proportion_interval(kept, collected)
    found = [
        f"Of {collected:,} collected pictures, {kept:,} are kept: {100 * kept / collected:.1f}% "
        f"[{100 * low:.1f}, {100 * high:.1f}]."
    ]
    left_out = steps[steps["action"] == "left out"].sort_values("pictures", ascending=False, kind="stable")
    if len(left_out) and left_out["pictures"].iloc[0]:
        first = left_out.iloc[0]
        found.append(f"The step that leaves out most is “{first['step']}”, with {first['pictures']:,} pictures.")
    for column, name in (("alt_text", "Alt texts"), ("text", "Posts")):
        characters = lengths[column]["characters"]
        half = stats.norm.ppf(0.975) * characters.sem()
        found.append(
            f"{name} have {characters.mean():.0f} ± {half:.0f} characters on average; the paper's have {paper[column]:.0f}."
        )
    return found
