"""What judges are asked and what they answer.

A judge rates texts on some criteria from 1 to 5, or prefers one of two texts. Whatever gives a text
a score is a judge with one line: ``ScoreJudge("length", lambda texts: [len(t.text) for t in texts])``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import pandas as pd

CRITERIA = ("accuracy", "completeness", "conciseness", "accessibility")  # of the blog, from 1 (poor) to 5 (excellent)
LOWEST, HIGHEST = 1, 5
FIRST, SECOND, EQUAL = "first", "second", "equal"


@dataclass(frozen=True)
class JudgedText:
    """A text to judge, with all that a judge may look at.

    Attributes:
        text: The text.
        image: The picture's file.
        post: What was posted with it.
        reference: What the writer said about it.
        facts: Ground truth of a drawn picture as JSON, or empty.
    """

    text: str
    image: str = ""
    post: str = ""
    reference: str = ""
    facts: str = ""


@dataclass(frozen=True)
class Ratings:
    """What a judge says about n texts.

    Attributes:
        scores: One column per criterion, n rows; NaN where a text was not judged.
        failures: Why a text was not judged, n; empty where it was.
    """

    scores: pd.DataFrame
    failures: list[str]

    @property
    def overall(self) -> np.ndarray:
        """The mean over criteria, (n,)."""
        return self.scores.mean(axis=1, skipna=False).to_numpy(dtype=float)


@dataclass(frozen=True)
class Preferences:
    """Which of two texts a judge prefers, n times.

    Attributes:
        preferred: :data:`FIRST`, :data:`SECOND`, :data:`EQUAL`, or empty where there is no verdict, (n,).
        failures: Why there is none, n.
    """

    preferred: np.ndarray
    failures: list[str]

    def turned(self) -> np.ndarray:
        """The verdicts as they read with the texts in the other order, (n,)."""
        other = {FIRST: SECOND, SECOND: FIRST}
        return np.array([other.get(v, v) for v in self.preferred])


class Judge(Protocol):
    """Rates texts and compares them; ``repeat`` asks again, for judges that may answer differently."""

    @property
    def name(self) -> str:
        """What tables call it."""

    def rate(self, texts: Sequence[JudgedText], repeat: int = 0) -> Ratings:
        """Rate each text alone."""

    def compare(self, first: Sequence[JudgedText], second: Sequence[JudgedText], repeat: int = 0) -> Preferences:
        """Prefer one of two texts, n times; both belong to the same picture."""


def preferences_by_score(first: np.ndarray, second: np.ndarray, tie: float = 0.0) -> np.ndarray:
    """Preferences that follow from scores.

    Args:
        first: (n,).
        second: (n,).
        tie: Texts whose scores differ by no more are equal.

    Returns:
        (n,); empty where a score is NaN.
    """
    difference = np.asarray(first, dtype=float) - np.asarray(second, dtype=float)
    return np.select([difference > tie, difference < -tie, ~np.isnan(difference)], [FIRST, SECOND, EQUAL], "")


Scorer = Callable[[Sequence[JudgedText]], Sequence[float] | np.ndarray]  # one score per text, higher is better


@dataclass(frozen=True)
class ScoreJudge:
    """A judge made of any score.

    Attributes:
        name: What tables call it.
        score: Gives each text a score; NaN where it has none.
        tie: Texts whose scores differ by no more are equal.
    """

    name: str
    score: Scorer = field(repr=False)
    tie: float = 0.0

    def rate(self, texts: Sequence[JudgedText], repeat: int = 0) -> Ratings:
        """The score as the only criterion, on its own scale."""
        scores = np.asarray(self.score(texts), dtype=float) if texts else np.zeros(0)
        return Ratings(pd.DataFrame({self.name: scores}), ["no score" if np.isnan(s) else "" for s in scores])

    def compare(self, first: Sequence[JudgedText], second: Sequence[JudgedText], repeat: int = 0) -> Preferences:
        """Prefer the higher score."""
        one, other = self.rate(first), self.rate(second)
        preferred = preferences_by_score(one.overall, other.overall, self.tie)
        return Preferences(preferred, ["" if v else "no score" for v in preferred])
