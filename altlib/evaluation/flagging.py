"""Flag poor alt text by what models think of it, beside simple rules (the Twitter paper's conclusion proposes it).

Every signal is calibrated on the alt texts of a validation split: its p-value is the share of them
that look at least as poor. Fisher's method combines the p-values, so that rules, the captioner's
likelihood and the score of a CLIP that prefers descriptions count on one scale.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from altlib.core.estimates import Estimate
from altlib.evaluation.poor_alt_text import RULES, Finding

LIKELIHOOD = "likelihood given picture and post"
LIFT = "likelihood lift by the picture"
DESCRIPTION = "score of a CLIP that prefers descriptions"
ANY_RULE, ALL = "any rule", "rules and models together"
FORM = frozenset(rule.name for rule in RULES if rule.level == "note")  # rules about form
TAIL = 0.05  # a text is flagged by a signal if at most this share of the validation texts look as poor

FINDINGS = {
    LIKELIHOOD: Finding(
        LIKELIHOOD,
        "the captioner would hardly write this for this picture and post",
        "Read it again beside the picture: does it say what is shown?",
        "note",
    ),
    LIFT: Finding(
        LIFT,
        "seeing the picture does not make the text more likely",
        "Say what the picture shows, not only what the post tells.",
        "note",
    ),
    DESCRIPTION: Finding(
        DESCRIPTION,
        "it reads like a comment on the picture, or does not fit it",
        "Describe what is shown; comments belong into the post.",
        "note",
    ),
}


@dataclass(frozen=True)
class Calibration:
    """What validation texts look like by one signal.

    Attributes:
        good: Scores of the validation texts, in ascending order; lower scores are poorer.
        slope: By how much a score grows with the logarithm of the number of tokens.
    """

    good: np.ndarray
    slope: float

    def p_values(self, scores: np.ndarray, tokens: np.ndarray) -> np.ndarray:
        """The share of validation texts that look at least as poor, (n,), (n,) -> (n,); never 0."""
        below = np.searchsorted(self.good, scores - self.slope * np.log(np.maximum(tokens, 1)), side="right")
        return (below + 1) / (len(self.good) + 1)


def calibrate(scores: np.ndarray, tokens: np.ndarray, by_length: bool) -> Calibration:
    """Calibrate a signal.

    Args:
        scores: Of n validation texts, (n,).
        tokens: How long they are, (n,).
        by_length: Whether the trend with length is taken out, as short texts have other likelihoods a token.

    Raises:
        ValueError: There are fewer than two validation texts.
    """
    if len(scores) < 2:
        raise ValueError("flagging needs at least two validation texts to be calibrated on")
    logs = np.log(np.maximum(tokens, 1))
    slope = float(np.polyfit(logs, scores, 1)[0]) if by_length and np.ptp(logs) > 0 else 0.0
    return Calibration(np.sort(scores - slope * logs), slope)


def rule_hits(alt_texts: Sequence[str], posts: Sequence[str]) -> pd.DataFrame:
    """Which rules each text breaks: one column per rule, n rows of bool."""
    pairs = list(zip(alt_texts, posts, strict=True))
    return pd.DataFrame({rule.name: [rule.hits(alt, post) for alt, post in pairs] for rule in RULES})


def rule_p_values(hits: pd.DataFrame, good: pd.DataFrame) -> pd.DataFrame:
    """For each rule the share of validation texts that break it, where a text breaks it; else 1.

    Args:
        hits: Of the texts, n rows.
        good: Of the validation texts.
    """
    rates = (good.sum() + 1) / (len(good) + 1)
    return hits.astype(float).mul(rates, axis=1).where(hits, 1.0)


def combined(p_values: pd.DataFrame) -> pd.DataFrame:
    """The p-values that Fisher's method combines.

    Two kinds are left out. Rules at the level of a note are about form, not about what a text describes,
    and cleaning takes what they find out of the validation texts, whose rate of it says nothing.
    Fisher's method takes the p-values for independent, and the likelihood is the lift by the picture
    plus the likelihood given the post alone; so where there is a lift, the likelihood is left out. This
    was decided on posts drawn with the seeds 100 to 104 (``bench/flagging.py --seeds 100-104 --ways``),
    on which ten ways were compared.
    """
    shared = {LIKELIHOOD} if LIFT in p_values else set()
    return p_values[[name for name in p_values if name not in shared | FORM]]


def poorness(p_values: pd.DataFrame) -> np.ndarray:
    """Fisher's combination of the p-values of each text, minus twice the sum of their logarithms, (n,); higher is poorer.

    Args:
        p_values: One column per rule and signal, n rows; :func:`combined` chooses among them.
    """
    return -2 * np.log(combined(p_values).to_numpy(dtype=float)).sum(axis=1)


def signal_p_values(
    scores: Mapping[str, np.ndarray], good: Mapping[str, np.ndarray], tokens: np.ndarray, good_tokens: np.ndarray
) -> pd.DataFrame:
    """p-values of signals, one column per signal, n rows.

    Args:
        scores: Name of each signal -> its scores, (n,); lower is poorer.
        good: The same of m validation texts.
        tokens: Of the n texts.
        good_tokens: Of the validation texts.
    """
    return pd.DataFrame(
        {
            name: calibrate(good[name], good_tokens, name in (LIKELIHOOD, LIFT)).p_values(values, tokens)
            for name, values in scores.items()
        }
    )


def average_precision(poor: np.ndarray, score: np.ndarray) -> float:
    """The area under the curve of precision over recall; texts of equal score are taken together.

    Args:
        poor: Whether each text is poor, (n,) bool.
        score: Higher is poorer, (n,).

    Returns:
        A number from 0 to 1; NaN if no text is poor.
    """
    curve = precision_recall(poor, score)
    if not poor.any():
        return float("nan")
    recall = np.concatenate([[0.0], curve["recall"].to_numpy()])
    return float((np.diff(recall) * curve["precision"].to_numpy()).sum())


def precision_recall(poor: np.ndarray, score: np.ndarray) -> pd.DataFrame:
    """Precision and recall if all texts down to each score are flagged: threshold, flagged, precision, recall."""
    order = np.argsort(-score, kind="stable")
    found = np.cumsum(poor[order])
    last = np.append(np.flatnonzero(np.diff(score[order])), len(score) - 1)
    flagged = last + 1
    return pd.DataFrame(
        {
            "threshold": score[order][last],
            "flagged": flagged,
            "precision": found[last] / flagged,
            "recall": found[last] / max(1, int(poor.sum())),
        }
    )


def average_precision_estimate(poor: np.ndarray, score: np.ndarray, seed: int, resamples: int = 300) -> Estimate:
    """:func:`average_precision` with bootstrap resamples of the texts; equal seeds draw equal resamples."""
    rng = np.random.default_rng(seed)
    drawn = [rng.integers(0, len(poor), len(poor)) for _ in range(resamples)]
    values = np.array([average_precision(poor[rows], score[rows]) for rows in drawn])
    return Estimate(average_precision(poor, score), values[np.isfinite(values)])


def average_precisions(poor: np.ndarray, scores: Mapping[str, np.ndarray], seed: int) -> dict[str, Estimate]:
    """:func:`average_precision_estimate` of each detector, on equal resamples; none where no text is poor.

    Args:
        poor: Whether each text is poor, (n,) bool.
        scores: Name of each detector -> its scores, (n,).
        seed: Of the resamples.
    """
    if not poor.any():
        return {}
    return {name: average_precision_estimate(poor, score, seed) for name, score in scores.items()}


def detectors(p_values: pd.DataFrame) -> dict[str, np.ndarray]:
    """The scores by which texts may be flagged: each rule and signal alone, any rule, and all together, each (n,).

    Rules that no text breaks are left out. Rules about form, such as the one on “image of”, do not count as any rule.
    """
    rules = [rule.name for rule in RULES if rule.name in p_values and rule.name not in FORM]
    used = [name for name in p_values if (p_values[name] < 1).any()]
    alone = {name: -p_values[name].to_numpy(dtype=float) for name in used}
    any_rule = (p_values[rules] < 1).any(axis=1).to_numpy(dtype=float)
    return alone | {ANY_RULE: any_rule, ALL: poorness(p_values)}
