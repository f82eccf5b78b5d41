"""May a judge be trusted? Judges against people, against themselves, and for their biases.

Published findings disagree: one study of 21 judges finds position bias above .10 beside high
self-consistency, and that exact match flatters (arXiv 2606.19544); another finds style bias of .76
to .92 and position bias of at most .04 (arXiv 2604.23178). So each judge is measured: every pair is
shown in both orders, ties are allowed, agreement is corrected for chance, and every number has an
interval over pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from altlib.core.estimates import Estimate
from altlib.core.statistics import resample_counts
from altlib.evaluation.judges.interface import EQUAL, FIRST, SECOND, Judge, JudgedText

OPTIONS = (FIRST, SECOND, EQUAL)
MATCHED = 0.1  # texts whose lengths differ by at most this share count as equally long


@dataclass(frozen=True)
class Verdicts:
    """A judge's verdicts on n pairs; "first" always means the pair's first text, in whichever order it was shown.

    Attributes:
        there: With the first text first, (n,).
        back: With the second text first, (n,).
        again: As ``there``, asked once more, (n,).
        failures: How many questions got no verdict.
    """

    there: np.ndarray
    back: np.ndarray
    again: np.ndarray
    failures: int

    @property
    def settled(self) -> np.ndarray:
        """The verdict that both orders share; equal where they contradict each other; empty where one is missing, (n,)."""
        both = np.where(self.there == self.back, self.there, EQUAL)
        return np.where((self.there == "") | (self.back == ""), "", both)


def verdicts(judge: Judge, first: Sequence[JudgedText], second: Sequence[JudgedText]) -> Verdicts:
    """Ask a judge about every pair in both orders, and once more in the first order."""
    there, again = judge.compare(first, second), judge.compare(first, second, repeat=1)
    back = judge.compare(second, first)
    failures = sum(bool(f) for asked in (there, back, again) for f in asked.failures)
    return Verdicts(there.preferred, back.turned(), again.preferred, failures)


def confusion(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Which of the nine combinations each pair with two verdicts is, (pairs, 9) of 0 and 1."""
    known = (one != "") & (other != "")
    table = np.zeros((int(known.sum()), 9))
    places = [3 * OPTIONS.index(a) + OPTIONS.index(b) for a, b in zip(one[known], other[known], strict=True)]
    table[np.arange(len(places)), places] = 1
    return table


def exact_match(counts: np.ndarray) -> np.ndarray:
    """Share of equal verdicts, (..., 9) -> (...)."""
    square = counts.reshape(*counts.shape[:-1], 3, 3)
    return np.trace(square, axis1=-2, axis2=-1) / square.sum((-2, -1))


def cohens_kappa(counts: np.ndarray) -> np.ndarray:
    """Cohen's kappa, agreement beyond chance, (..., 9) -> (...); NaN where chance alone gives full agreement."""
    square = counts.reshape(*counts.shape[:-1], 3, 3)
    total = square.sum((-2, -1))
    by_chance = (square.sum(-1) * square.sum(-2)).sum(-1) / total**2
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(by_chance < 1, (exact_match(counts) - by_chance) / (1 - by_chance), np.nan)


def over_pairs(statistic: Callable[[np.ndarray], np.ndarray], rows: np.ndarray, seed: int) -> Estimate:
    """A statistic of summed rows with bootstrap resamples of the pairs.

    Args:
        statistic: (..., k) -> (...).
        rows: One per pair, (n, k).
        seed: Of the resamples.
    """
    if not len(rows):
        return Estimate(float("nan"), np.array([np.nan]))
    resamples = statistic(resample_counts(len(rows), seed) @ rows)
    finite = resamples[np.isfinite(resamples)]
    return Estimate(float(statistic(rows.sum(0))), finite if len(finite) else np.array([np.nan]))


def net_share(counts: np.ndarray) -> np.ndarray:
    """For minus against, as a share of all, (..., 3) of for, against and all -> (...)."""
    return (counts[..., 0] - counts[..., 1]) / counts[..., 2]


def position_bias(found: Verdicts, seed: int) -> Estimate:
    """How much more often the text that stands first is preferred than the other, over both orders: -1 to 1, 0 is none."""
    known = (found.there != "") & (found.back != "")
    there, back = found.there[known], found.back[known]
    stands_first = (there == FIRST).astype(float) + (back == SECOND)
    stands_second = (there == SECOND).astype(float) + (back == FIRST)
    return over_pairs(net_share, np.column_stack([stands_first, stands_second, np.full(len(there), 2.0)]), seed)


def prefers_longer(settled: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """For each pair with a verdict and unequal lengths: longer preferred, shorter preferred, 1, (pairs, 3).

    Args:
        settled: Verdicts, (n,).
        lengths: Of both texts, (n, 2).
    """
    known = (settled != "") & ~matched_in_length(lengths)
    first_longer = lengths[known, 0] > lengths[known, 1]
    longer = settled[known] == np.where(first_longer, FIRST, SECOND)
    shorter = settled[known] == np.where(first_longer, SECOND, FIRST)
    return np.column_stack([longer, shorter, np.ones(len(longer))]).astype(float)


def matched_in_length(lengths: np.ndarray) -> np.ndarray:
    """Whether two texts differ by at most :data:`MATCHED` of the longer one, (n, 2) -> (n,)."""
    return np.abs(lengths[:, 0] - lengths[:, 1]) <= MATCHED * lengths.max(1)


def length_bias(settled: np.ndarray, people: np.ndarray, lengths: np.ndarray, seed: int) -> Estimate:
    """How much more a judge prefers longer texts than people do on the same pairs: -2 to 2, 0 is none."""
    both = np.where(people == "", "", settled), np.where(settled == "", "", people)
    judge, humans = (prefers_longer(v, lengths) for v in both)
    return (
        over_pairs(net_share, judge, seed) - over_pairs(net_share, humans, seed)
        if len(judge)
        else over_pairs(net_share, judge, seed)
    )


def style_bias(found: Verdicts, seed: int) -> tuple[Estimate, Estimate]:
    """Verdicts on pairs that state the same facts in two writers' words, and so should be equal.

    Returns:
        The share of pairs that are not judged equal, and by how much the first writer is preferred (-1 to 1).
    """
    settled = found.settled[found.settled != ""]
    first, second = (settled == FIRST).astype(float), (settled == SECOND).astype(float)
    rows = np.column_stack([first, second, np.ones(len(settled))])
    decided = over_pairs(lambda counts: (counts[..., 0] + counts[..., 1]) / counts[..., 2], rows, seed)
    return decided, over_pairs(net_share, rows, seed)


@dataclass(frozen=True)
class Pairs:
    """What judges are validated on.

    Attributes:
        first: n texts.
        second: n texts of the same pictures.
        people: What people prefer, (n,); empty where they were not asked.
        same_facts: Two lists of texts that state the same facts in two writers' words; may be empty.
        facts: What the facts of the pictures prefer, (n,); empty where they are not known.
    """

    first: list[JudgedText]
    second: list[JudgedText]
    people: np.ndarray
    same_facts: tuple[list[JudgedText], list[JudgedText]] = field(default_factory=lambda: ([], []))
    facts: np.ndarray = field(default_factory=lambda: np.array([], dtype=object))

    @property
    def lengths(self) -> np.ndarray:
        """Characters of both texts, (n, 2)."""
        return np.array([[len(a.text), len(b.text)] for a, b in zip(self.first, self.second, strict=True)], dtype=float)


def validate(judge: Judge, pairs: Pairs, seed: int = 0) -> pd.DataFrame:
    """Everything that is measured about a judge.

    Returns:
        One row per measure: judge, measure, value, low, high (95%, over pairs), pairs.
    """
    found = verdicts(judge, pairs.first, pairs.second)
    settled, lengths = found.settled, pairs.lengths
    agreement = confusion(settled, pairs.people)
    near = matched_in_length(lengths)
    near_agreement = confusion(settled[near], pairs.people[near])
    consistency = confusion(found.there, found.again)
    orders = confusion(found.there, found.back)
    measured = {
        "exact match with raters": (over_pairs(exact_match, agreement, seed), len(agreement)),
        "kappa with raters": (over_pairs(cohens_kappa, agreement, seed), len(agreement)),
        "kappa with raters, texts of equal length": (
            over_pairs(cohens_kappa, near_agreement, seed),
            len(near_agreement),
        ),
        "same verdict when asked again": (over_pairs(exact_match, consistency, seed), len(consistency)),
        "same verdict in both orders": (over_pairs(exact_match, orders, seed), len(orders)),
        "position bias (first minus second)": (position_bias(found, seed), len(orders)),
        "length bias (longer minus shorter, beyond raters)": (
            length_bias(settled, pairs.people, lengths, seed),
            len(prefers_longer(np.where(pairs.people == "", "", settled), lengths)),
        ),
    }
    if len(pairs.facts):
        stated = confusion(settled, pairs.facts)
        measured["exact match with the facts"] = (over_pairs(exact_match, stated, seed), len(stated))
        measured["kappa with the facts"] = (over_pairs(cohens_kappa, stated, seed), len(stated))
    if len(pairs.same_facts[0]):
        styles = verdicts(judge, *pairs.same_facts)
        decided, towards = style_bias(styles, seed)
        count = int((styles.settled != "").sum())
        measured["same facts, other words: not judged equal"] = (decided, count)
        measured["same facts, other words: first writer minus second"] = (towards, count)
    rows = [
        {
            "judge": judge.name,
            "measure": name,
            "value": e.value,
            "low": e.interval[0],
            "high": e.interval[1],
            "pairs": n,
        }
        for name, (e, n) in measured.items()
    ]
    return pd.DataFrame(rows)
