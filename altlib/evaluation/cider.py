"""CIDEr as in the COCO caption evaluation, and its bootstrap resamples with their own document frequencies.

CIDEr weighs an n-gram by how few references hold it, so the score of a resample depends on which
references were drawn. With ``w`` the weight of an n-gram, ``h`` and ``r`` how often it occurs in a
caption and in its reference, the similarity of n-grams of one length is a ratio of sums over
``w**2``: min(h, r) r above, the square root of the sums of h**2 and r**2 below. So the counts are
taken once, and every resample brings its own weights. A caption with several references has the
mean of its similarities with them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from scipy.sparse import csr_array

LONGEST, SIGMA = 4, 6.0  # of n-grams; of the penalty for a different length: COCO's
NUMBERS_HELD = 1 << 23  # weights that are held at a time


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


def count_ngrams(hypotheses: Sequence[str], references: Sequence[str], owners: np.ndarray) -> Iterator[NgramCounts]:
    """Count the n-grams of captions and their references, first those of one word, up to those of four.

    An n-gram is numbered by the pair of its beginning and its last word, so no n-gram is ever held as text.

    Args:
        hypotheses: n captions, tokenised.
        references: m references, tokenised.
        owners: The caption that each reference belongs to, (m,).
    """
    vocabulary: dict[str, int] = {}
    words = [[vocabulary.setdefault(word, len(vocabulary)) for word in t.split()] for t in (*hypotheses, *references)]
    text = np.repeat(np.arange(len(words)), [len(numbers) for numbers in words])  # of each word
    last = np.fromiter(chain.from_iterable(words), dtype=np.int64, count=len(text))
    del words
    ngram = last
    of_picture = csr_array(
        (np.ones(len(owners)), (owners, np.arange(len(owners)))), shape=(len(hypotheses), len(owners))
    )
    for length in range(1, LONGEST + 1):
        if length > 1:
            complete = text[length - 1 :] == text[: len(text) - length + 1]  # begins and ends in the same text
            follows = last[length - 1 :]
            pairs = ngram[: len(follows)] * len(vocabulary) + follows
            ngram = np.full(len(follows), -1)
            ngram[complete] = np.unique(pairs[complete], return_inverse=True)[1]
        here = ngram >= 0
        columns = ngram[here]
        shape = (len(hypotheses) + len(references), int(columns.max(initial=-1)) + 1)
        counted = csr_array((np.ones(len(columns)), (text[: len(ngram)][here], columns)), shape=shape)
        by_caption, by_reference = counted[: len(hypotheses)], counted[len(hypotheses) :]
        yield NgramCounts(by_caption[owners], by_reference, ((of_picture @ by_reference) > 0).astype(np.float64))


def reference_weights(
    hypotheses: Sequence[str], references: Sequence[Sequence[str]]
) -> tuple[np.ndarray, list[str], np.ndarray]:
    """What the similarity of each of m references counts in its caption's score.

    Args:
        hypotheses: n captions, tokenised.
        references: One or more of each caption, tokenised.

    Returns:
        The caption that each reference belongs to, (m,); the references, m; and their weights, (m,): ten times
        the penalty for a different length, for the mean over n-grams and over the references of a caption.
    """
    owners = np.repeat(np.arange(len(hypotheses)), [len(several) for several in references])
    flat = [reference for several in references for reference in several]
    bigrams = [np.array([max(0, len(t.split()) - 1) for t in texts]) for texts in (hypotheses, flat)]
    penalty = np.exp(-((bigrams[0][owners] - bigrams[1]) ** 2) / (2 * SIGMA**2))  # COCO's code counts bigrams
    return owners, flat, 10 / LONGEST * penalty / np.bincount(owners)[owners]


def cider(hypotheses: Sequence[str], references: Sequence[Sequence[str]]) -> np.ndarray:
    """CIDEr of n captions, (n,); document frequencies come from the references.

    Args:
        hypotheses: n captions, tokenised.
        references: One or more of each caption, tokenised.
    """
    owners, flat, weight = reference_weights(hypotheses, references)
    once = np.ones((1, len(hypotheses)))
    similar = [ngrams.similarities(once)[:, 0] for ngrams in count_ngrams(hypotheses, flat, owners)]
    return np.bincount(owners, weight * np.sum(similar, axis=0), minlength=len(hypotheses))


def cider_resamples(hypotheses: Sequence[str], references: Sequence[Sequence[str]], counts: np.ndarray) -> np.ndarray:
    """Corpus CIDEr of each bootstrap resample, its document frequencies counted in the resample itself.

    Args:
        hypotheses: n captions, tokenised.
        references: One or more of each caption, tokenised.
        counts: From :func:`altlib.core.statistics.resample_counts`, (resamples, n).

    Returns:
        (resamples,).
    """
    owners, flat, weight = reference_weights(hypotheses, references)
    scores = np.zeros(len(counts))
    for ngrams in count_ngrams(hypotheses, flat, owners):
        step = max(1, NUMBERS_HELD // max(ngrams.references.shape))
        for start in range(0, len(counts), step):
            drawn = counts[start : start + step]
            similar = ngrams.similarities(drawn) * weight[:, None]
            scores[start : start + step] += (drawn.T[owners] * similar).sum(0) / drawn.sum(1)
    return scores
