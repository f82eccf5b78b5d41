"""CIDEr as in the COCO caption evaluation, and its bootstrap resamples with their own document frequencies.

CIDEr weighs an n-gram by how few references hold it, so the score of a resample depends on which
references were drawn. With ``w`` the weight of an n-gram, ``h`` and ``r`` how often it occurs in a
caption and in its reference, the similarity of n-grams of one length is a ratio of sums over
``w**2``: min(h, r) r above, the square root of the sums of h**2 and r**2 below. So the counts are
taken once, and every resample brings its own weights. A caption with several references has the
mean of its similarities with them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

LONGEST, SIGMA = 4, 6.0  # of n-grams; of the penalty for a different length: COCO's
NUMBERS_HELD = 1 << 23  # weights that are held at a time


def cider(hypotheses: Sequence[str], references: Sequence[Sequence[str]]) -> np.ndarray:
    """CIDEr of n captions, (n,); document frequencies come from the references.

    Args:
        hypotheses: n captions, tokenised.
        references: One or more of each caption, tokenised.
    """
    from pycocoevalcap.cider.cider_scorer import CiderScorer

    scorer = CiderScorer(n=LONGEST, sigma=SIGMA)
    for hypothesis, several in zip(hypotheses, references, strict=True):
        scorer += (hypothesis, list(several))
    return np.array(scorer.compute_score()[1])


@dataclass(frozen=True)
class NgramCounts:
    """How often the n-grams of one length occur in n captions and their m references.

    Attributes:
        hypotheses: The caption of each reference, (m, n-grams).
        references: (m, n-grams).
        pictures: Whether any reference of a picture has the n-gram, (n, n-grams).
    """

    hypotheses: csr_array
    references: csr_array
    pictures: csr_array

    def similarities(self, counts: np.ndarray) -> np.ndarray:
        """The similarity of each caption with each reference in each resample, (m, resamples), whatever their lengths.

        Args:
            counts: How often each picture is drawn, (resamples, n).
        """
        frequency = (self.pictures.T @ counts.T).clip(min=1)  # (n-grams, resamples)
        squares = (np.log(counts.sum(1)) - np.log(frequency)) ** 2
        shared = self.hypotheses.minimum(self.references).multiply(self.references)
        below = (self.hypotheses.power(2) @ squares) * (self.references.power(2) @ squares)
        return np.divide(shared @ squares, np.sqrt(below), out=np.zeros_like(below), where=below > 0)


def count_ngrams(hypotheses: Sequence[str], references: Sequence[str], owners: np.ndarray, length: int) -> NgramCounts:
    """Count the n-grams of one length in captions and their references.

    Args:
        hypotheses: n captions, tokenised.
        references: m references, tokenised.
        owners: The caption that each reference belongs to, (m,).
        length: Of the n-grams.
    """
    columns: dict[tuple[str, ...], int] = {}

    def occurrences(texts: Sequence[str]) -> np.ndarray:
        found = []
        for row, text in enumerate(texts):
            words = text.split()
            for i in range(len(words) - length + 1):
                found.append((row, columns.setdefault(tuple(words[i : i + length]), len(columns))))
        return np.array(found, dtype=np.int64).reshape(-1, 2).T

    pairs = [occurrences(texts) for texts in (hypotheses, references)]
    by_caption, by_reference = (
        csr_array((np.ones(found.shape[1]), tuple(found)), shape=(len(texts), len(columns)))
        for found, texts in zip(pairs, (hypotheses, references), strict=True)
    )
    of_picture = csr_array(
        (np.ones(len(owners)), (owners, np.arange(len(owners)))), shape=(len(hypotheses), len(owners))
    )
    return NgramCounts(by_caption[owners], by_reference, ((of_picture @ by_reference) > 0).astype(np.float64))


def cider_resamples(hypotheses: Sequence[str], references: Sequence[Sequence[str]], counts: np.ndarray) -> np.ndarray:
    """Corpus CIDEr of each bootstrap resample, its document frequencies counted in the resample itself.

    Args:
        hypotheses: n captions, tokenised.
        references: One or more of each caption, tokenised.
        counts: From :func:`altlib.core.statistics.resample_counts`, (resamples, n).

    Returns:
        (resamples,).
    """
    owners = np.repeat(np.arange(len(hypotheses)), [len(several) for several in references])
    flat = [reference for several in references for reference in several]
    bigrams = [np.array([max(0, len(t.split()) - 1) for t in texts]) for texts in (hypotheses, flat)]
    penalty = np.exp(-((bigrams[0][owners] - bigrams[1]) ** 2) / (2 * SIGMA**2))  # COCO's code counts bigrams
    weight = penalty / np.bincount(owners)[owners]  # the mean over the references of a caption
    scores = np.zeros(len(counts))
    for length in range(1, LONGEST + 1):
        ngrams = count_ngrams(hypotheses, flat, owners, length)
        step = max(1, NUMBERS_HELD // max(ngrams.references.shape))
        for start in range(0, len(counts), step):
            drawn = counts[start : start + step]
            similar = ngrams.similarities(drawn) * weight[:, None]
            scores[start : start + step] += 10 / LONGEST * (drawn.T[owners] * similar).sum(0) / drawn.sum(1)
    return scores
