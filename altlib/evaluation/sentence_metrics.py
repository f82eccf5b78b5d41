"""MCM-DPO's own scores: means over sentences, not to be compared with the corpus scores of the COCO evaluation.

Its "BLEU-4" weighs the precision of 4-grams alone, so that a sentence without a common 4-gram scores 0; its
CIDEr is CIDEr-D on the words between spaces, with case and punctuation, times 1,000. Where its code uses
NLTK's tokeniser and the package ``rouge``, words and marks are split by a regular expression here, and
ROUGE-L is that of ``rouge-score``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from altlib.core.estimates import Estimate
from altlib.core.statistics import resample_counts
from altlib.evaluation.caption_metrics import cider

SENTENCE_METRICS = ("BLEU-4 (4-grams alone)", "ROUGE-L (mean of sentences)", "CIDEr-D (spaces)")


def four_gram_score(text: str, reference: str) -> float:
    """Precision of 4-grams times the brevity penalty, of one sentence."""
    words, gold = (re.findall(r"\w+|[^\w\s]", value) for value in (text, reference))
    said, known = (Counter(zip(*(tokens[n:] for n in range(4)), strict=False)) for tokens in (words, gold))
    total = sum(said.values())
    if not total:
        return 0.0
    penalty = min(1.0, float(np.exp(1 - len(gold) / len(words))))
    return penalty * sum((said & known).values()) / total


def sentence_scores(
    systems: Mapping[str, Sequence[str]], references: Sequence[str], seed: int = 0
) -> dict[str, dict[str, Estimate]]:
    """Every system's sentence scores, times 100, with paired bootstrap resamples.

    Args:
        systems: Name of each system -> its n texts.
        references: n reference texts.
        seed: Of the resamples.

    Raises:
        ValueError: There is nothing to score.
    """
    from rouge_score.rouge_scorer import RougeScorer

    if not references:
        raise ValueError("there is nothing to score")
    rouge = RougeScorer(["rougeL"], use_stemmer=False)
    counts = resample_counts(len(references), seed)
    found = {}
    for name, texts in systems.items():
        pairs = list(zip(texts, references, strict=True))
        each = (
            np.array([four_gram_score(text, gold) for text, gold in pairs]),
            np.array([rouge.score(gold, text)["rougeL"].fmeasure for text, gold in pairs]),
            cider(list(texts), [[gold] for gold in references]),  # already ten times the cosine
        )
        found[name] = {
            metric: Estimate(100 * float(values.mean()), 100 * counts @ values / len(values))
            for metric, values in zip(SENTENCE_METRICS, each, strict=True)
        }
    return found
