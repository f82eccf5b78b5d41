"""The exact judge of the miniature world: what a text states, compared with the facts of its drawn picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from altlib.evaluation.judges.interface import (
    CRITERIA,
    HIGHEST,
    LOWEST,
    JudgedText,
    Preferences,
    Ratings,
    preferences_by_score,
)
from altlib.miniworld.judges import statements, true_facts

NO_FACTS = "no facts are known of the picture"


class FactsJudge:
    """Rates texts on the blog's criteria by what they state.

    - accuracy: the share of the facts that the text says something about and gets right; 0 if it says nothing;
    - completeness: the share of the picture's facts that it states correctly;
    - conciseness: the share of its words that state a fact;
    - accessibility: the mean of the three, as no fact tells what is useful.

    Each share s becomes the rating 1 + 4 s. Fluency is not judged. Two texts are compared by accuracy and
    completeness alone: by what they state, not by how many words they need for it.
    """

    name = "facts"

    def rate(self, texts: Sequence[JudgedText], repeat: int = 0) -> Ratings:
        """Rate each text; texts of pictures without known facts are not judged."""
        rows, failures = [], []
        for text in texts:
            facts = true_facts(text.facts)
            failures.append("" if facts else NO_FACTS)
            rows.append(shares(text.text, facts) if facts else (np.nan,) * 3)
        three = LOWEST + (HIGHEST - LOWEST) * np.array(rows, dtype=float).reshape(-1, 3)
        scores = np.column_stack([three, three.mean(axis=1)])
        return Ratings(pd.DataFrame(scores, columns=list(CRITERIA)), failures)

    def compare(self, first: Sequence[JudgedText], second: Sequence[JudgedText], repeat: int = 0) -> Preferences:
        """Prefer the text with the higher mean of accuracy and completeness."""
        one, other = self.rate(first), self.rate(second)
        stated = [found.scores[["accuracy", "completeness"]].mean(axis=1).to_numpy() for found in (one, other)]
        preferred = preferences_by_score(stated[0], stated[1], 1e-9)
        return Preferences(preferred, [a or b for a, b in zip(one.failures, other.failures, strict=True)])


def shares(text: str, facts: dict[str, str]) -> tuple[float, float, float]:
    """Accuracy, completeness and conciseness of a text as shares of 1."""
    statement = statements(text, facts)
    said = sum(bool(statement.said.get(fact)) for fact in statement.asked)
    accuracy = len(statement.right) / said if said else 0.0
    return accuracy, statement.share_right, statement.share_of_words
