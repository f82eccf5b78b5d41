"""Intervals, correlations and random pairings that several chapters need."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from scipy import stats

RESAMPLES = 1000  # of a bootstrap


def derangement(order: np.ndarray) -> np.ndarray:
    """For each of n rows the index of another one, from a random permutation of the rows, (n,) -> (n,).

    Every row is the other one of exactly one row.

    Raises:
        ValueError: there are fewer than two rows.
    """
    if len(order) < 2:
        raise ValueError("a random other row needs at least two rows")
    other = np.empty(len(order), dtype=int)
    other[order] = np.roll(order, 1)
    return other


def resample_counts(n: int, seed: int, resamples: int = RESAMPLES) -> np.ndarray:
    """How often each of n pictures is drawn in each resample, (resamples, n)."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(n, np.full(n, 1 / n), size=resamples).astype(np.float64)


def proportion_interval(successes: int, n: int) -> tuple[float, float]:
    """Wilson's 95% interval of a proportion; (0, 1) of none."""
    if n == 0:
        return 0.0, 1.0
    found = stats.binomtest(successes, n).proportion_ci(0.95, method="wilson")
    return float(found.low), float(found.high)


def partial_correlation(x: np.ndarray, y: np.ndarray, control: np.ndarray) -> float:
    """Pearson's r of ``x`` and ``y`` after a linear dependence on ``control`` is taken out of both; all (n,)."""
    if np.ptp(control) == 0:
        return pearson(x, y)
    a, b = (v - np.polyval(np.polyfit(control, v, 1), control) for v in (x, y))
    return pearson(a, b)


def pearson(x: np.ndarray, y: np.ndarray) -> float:
    """Pearson's r; NaN where one side does not vary or there are fewer than three pairs, (n,), (n,) -> float."""
    if len(x) < 3:
        return float("nan")
    varies = [np.std(v) > 1e-9 * max(1.0, float(np.abs(v).max())) for v in (x, y)]
    return float(np.corrcoef(x, y)[0, 1]) if all(varies) else float("nan")


def pearson_interval(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """95% interval of :func:`pearson` by Fisher's z, (n,), (n,); NaN where there is no r, or of three pairs and fewer."""
    if len(x) < 4 or not np.isfinite(pearson(x, y)):
        return float("nan"), float("nan")
    found = stats.pearsonr(x, y).confidence_interval(0.95)
    return float(found.low), float(found.high)


def seed_interval(values: list[float]) -> tuple[float, float]:
    """Mean over seeds and the half width of its 95% interval (Student's t); the half width is NaN for one seed."""
    kept = np.array([v for v in values if np.isfinite(v)])
    if len(kept) < 2:
        return (float(kept[0]) if len(kept) else float("nan")), float("nan")
    half = stats.t.ppf(0.975, len(kept) - 1) * kept.std(ddof=1) / np.sqrt(len(kept))
    return float(kept.mean()), float(half)


def plus_minus(values: Iterable[float], digits: int = 2) -> str:
    """:func:`seed_interval` as text: the mean alone for one seed, a dash for none."""
    mean, half = seed_interval(list(values))
    if not np.isfinite(mean):
        return "–"
    return f"{mean:.{digits}f}" + (f" ± {half:.{digits}f}" if np.isfinite(half) else "")


def ratio_interval(above: np.ndarray, below: np.ndarray) -> tuple[float, float]:
    """The 95% interval of the ratio of two scores (x100) from paired resamples, (n,), (n,); infinite where ``below`` is 0.

    A score under a thousandth counts as 0: BLEU is never less than its smoothing makes it.
    """
    ratios = np.divide(above, below, out=np.full(len(above), np.inf), where=below > 1e-3)
    low, high = np.quantile(ratios, [0.025, 0.975], method="nearest")
    return float(low), float(high)
