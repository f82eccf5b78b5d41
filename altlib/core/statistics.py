"""Intervals, correlations, resamples and random pairings that several chapters need."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from scipy import stats

RESAMPLES = 1000  # resamples of a bootstrap


def derangement(order: np.ndarray) -> np.ndarray:
    """For each of n rows the index of another one, (n,) -> (n,).

    Every row is the other one of exactly one row.

    Args:
        order: A random permutation of the rows.

    Raises:
        ValueError: There are fewer than two rows.
    """
    if len(order) < 2:
        raise ValueError("a random other row needs at least two rows")
    other = np.empty(len(order), dtype=int)
    other[order] = np.roll(order, 1)
    return other


def resample_counts(n: int, seed: int, resamples: int = RESAMPLES) -> np.ndarray:
    """How often each of n pictures is drawn in each bootstrap resample, (resamples, n)."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(n, np.full(n, 1 / n), size=resamples).astype(np.float64)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's p-values of several tests: the chance of any false finding among all of them stays what each says.

    Args:
        p_values: Of the single tests.
    """
    order = np.argsort(p_values, kind="stable")
    stepped = np.array(p_values)[order] * np.arange(len(order), 0, -1)
    corrected = np.empty(len(order))
    corrected[order] = np.maximum.accumulate(stepped).clip(max=1.0) if len(order) else []
    return [float(p) for p in corrected]


def proportion_interval(successes: int, n: int) -> tuple[float, float]:
    """Wilson's 95% interval of a proportion; (0, 1) if n is 0."""
    if n == 0:
        return 0.0, 1.0
    found = stats.binomtest(successes, n).proportion_ci(0.95, method="wilson")
    return float(found.low), float(found.high)


def partial_correlation(x: np.ndarray, y: np.ndarray, control: np.ndarray) -> float:
    """Pearson's r of two variables after a linear dependence on a third is taken out of both.

    Args:
        x: The one variable, (n,).
        y: The other, (n,).
        control: The variable whose influence is taken out, (n,).

    Returns:
        r; NaN where :func:`pearson` of the residuals is.
    """
    if np.ptp(control) == 0:
        return pearson(x, y)
    a, b = (v - np.polyval(np.polyfit(control, v, 1), control) for v in (x, y))
    return pearson(a, b)


def pearson(x: np.ndarray, y: np.ndarray) -> float:
    """Pearson's r of two variables, (n,), (n,); NaN if one of them is constant or there are fewer than three pairs."""
    if len(x) < 3:
        return float("nan")
    varies = [np.std(v) > 1e-9 * max(1.0, float(np.abs(v).max())) for v in (x, y)]
    return float(np.corrcoef(x, y)[0, 1]) if all(varies) else float("nan")


def pearson_interval(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """The 95% interval of :func:`pearson` by Fisher's z, (n,), (n,).

    Returns:
        Lower and upper limit; NaN where there is no r, and for fewer than four pairs.
    """
    if len(x) < 4 or not np.isfinite(pearson(x, y)):
        return float("nan"), float("nan")
    found = stats.pearsonr(x, y).confidence_interval(0.95)
    return float(found.low), float(found.high)


def seed_interval(values: list[float]) -> tuple[float, float]:
    """Mean over seeds and the half width of its 95% interval (Student's t).

    Args:
        values: One value per seed; those that are not finite are left out.

    Returns:
        Mean and half width; the half width is NaN for one seed, and both are for none.
    """
    kept = np.array([v for v in values if np.isfinite(v)])
    if len(kept) < 2:
        return (float(kept[0]) if len(kept) else float("nan")), float("nan")
    half = stats.t.ppf(0.975, len(kept) - 1) * kept.std(ddof=1) / np.sqrt(len(kept))
    return float(kept.mean()), float(half)


def plus_minus(values: Iterable[float], digits: int = 2) -> str:
    """:func:`seed_interval` as text; the mean alone for one seed, a dash for none."""
    mean, half = seed_interval(list(values))
    if not np.isfinite(mean):
        return "–"
    return f"{mean:.{digits}f}" + (f" ± {half:.{digits}f}" if np.isfinite(half) else "")


def mean_and_range(values: Iterable[float], digits: int = 2) -> str:
    """The mean of a few values with the lowest and the highest as text; the value alone if there is one.

    For two or three seeds, of which an interval would say no more than that they are few.
    """
    known = list(values)
    low, mean, high = (f"{value:.{digits}f}" for value in (min(known), np.mean(known), max(known)))
    return f"{mean} ({low} to {high})" if len(known) > 1 else mean


def ratio_interval(above: np.ndarray, below: np.ndarray) -> tuple[float, float]:
    """The 95% interval of the ratio of two scores, from paired resamples.

    A score under a thousandth counts as 0, because BLEU's smoothing never lets it fall to 0.

    Args:
        above: Resampled scores in the numerator (times 100), (n,).
        below: Resampled scores in the denominator (times 100), (n,).

    Returns:
        Lower and upper limit; infinite where ``below`` is 0.
    """
    ratios = np.divide(above, below, out=np.full(len(above), np.inf), where=below > 1e-3)
    low, high = np.quantile(ratios, [0.025, 0.975], method="nearest")
    return float(low), float(high)
