"""The alt texts of many posts, the poorest first, by rules alone or by a run's models too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import pandas as pd

from altlib.core.images import picture_problem
from altlib.evaluation.flagging import FINDINGS, TAIL, poorness
from altlib.evaluation.poor_alt_text import Finding, findings


class GivesPValues(Protocol):
    """What judges posts by models; see :class:`altlib.evaluation.flagging_models.Flagger`."""

    def p_values(self, posts: pd.DataFrame) -> pd.DataFrame:
        """One column per rule and signal, one row per post."""


@dataclass(frozen=True)
class Flagged:
    """One alt text as it was judged.

    Attributes:
        row: Its place among the posts.
        found: What is wrong with it, rules first.
        poorness: Fisher's combination of its p-values; without models the number of rules it breaks.
    """

    row: int
    found: list[Finding]
    poorness: float


UNUSUAL = 0.5  # a larger share of texts that models flag means that the models do not know pictures of this kind


def unusual_pictures(flagged: Sequence[Flagged]) -> str:
    """That models flag so many texts that they cannot know pictures of this kind; empty if they do not."""
    share = sum(any(f.rule in FINDINGS for f in text.found) for text in flagged) / max(1, len(flagged))
    if share <= UNUSUAL:
        return ""
    return (
        f"the models of this run find fault with {100 * share:.0f}% of the texts. They were calibrated so that each of "
        f"their signals flags {100 * TAIL:.0f}% of the run's own; such pictures or texts are new to them, and what they "
        "find says little"
    )


def flag(posts: pd.DataFrame, flagger: GivesPValues | None = None, known: pd.DataFrame | None = None) -> list[Flagged]:
    """Judge the alt text of every post, the poorest first.

    Args:
        posts: With the columns image, text and alt_text.
        flagger: Of a run; None for rules alone. Texts whose picture cannot be read are judged by rules alone.
        known: The flagger's p-values of these posts, if they have been computed.
    """
    by_rules = [findings(alt, post) for alt, post in zip(posts["alt_text"], posts["text"], strict=True)]
    flagged = {row: Flagged(row, found, float(len(found))) for row, found in enumerate(by_rules)}
    if flagger is not None:
        rows = [row for row, image in enumerate(posts["image"]) if not picture_problem(str(image))]
        if rows:
            p_values = flagger.p_values(posts.iloc[rows].reset_index(drop=True)) if known is None else known.iloc[rows]
            for row, score, (_, values) in zip(rows, poorness(p_values), p_values.iterrows(), strict=True):
                by_models = [FINDINGS[name] for name in FINDINGS if name in values and values[name] <= TAIL]
                flagged[row] = Flagged(row, by_rules[row] + by_models, float(score))
    levels = {"error": 0, "warning": 1, "note": 2}

    def order(text: Flagged) -> tuple[int, float]:
        return min((levels[f.level] for f in text.found), default=3), -text.poorness

    return sorted(flagged.values(), key=order)
