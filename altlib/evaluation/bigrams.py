"""How much a text reads like the texts of a corpus: the likelihood of each word after the one before."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterable

import numpy as np

BEGIN, END = "<begin>", "<end>"
WEIGHTS = (0.75, 0.2)  # of the word after its predecessor, and of the word alone; the rest is for unknown words


def words_of(text: str) -> list[str]:
    """The words and sentence ends of a text in lower case, between a beginning and an end."""
    return [BEGIN, *re.findall(r"\w[\w'-]*|[.!?]", text.lower()), END]


class BigramFluency:
    """An interpolated bigram model.

    Args:
        texts: The corpus.
    """

    def __init__(self, texts: Iterable[str]):
        self.pairs: Counter[tuple[str, str]] = Counter()
        self.before: Counter[str] = Counter()
        self.alone: Counter[str] = Counter()
        for text in texts:
            words = words_of(text)
            self.pairs.update(itertools.pairwise(words))
            self.before.update(words[:-1])
            self.alone.update(words[1:])
        self.total = sum(self.alone.values())

    def score(self, text: str) -> float:
        """Mean log-likelihood of the words of a text, in nats; higher is more fluent."""
        words = words_of(text)
        rest = (1 - sum(WEIGHTS)) / (len(self.alone) + 1)
        likelihoods = [
            WEIGHTS[0] * self.pairs[a, b] / max(1, self.before[a])
            + WEIGHTS[1] * self.alone[b] / max(1, self.total)
            + rest
            for a, b in itertools.pairwise(words)
        ]
        return float(np.log(likelihoods).mean())
