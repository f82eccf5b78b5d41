"""Estimates with their bootstrap resamples: intervals, paired differences and ratios come from these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np


@dataclass(frozen=True)
class Estimate:
    """A statistic of a set of examples, and its value in each bootstrap resample of these examples.

    Two estimates on the same examples are compared pairwise if their resamples were drawn with the
    same seed (:func:`altlib.core.statistics.resample_counts`): subtract one from the other.

    Attributes:
        value: The statistic of the examples themselves.
        resamples: Its value in each resample, (resamples,); NaN where there is no interval.
    """

    value: float
    resamples: np.ndarray

    @property
    def interval(self) -> tuple[float, float]:
        """The 95% percentile interval of the bootstrap; NaN where the resamples are."""
        low, high = np.percentile(self.resamples, [2.5, 97.5])
        return float(low), float(high)

    @property
    def p(self) -> float:
        """Two-sided bootstrap p-value of the statistic being 0."""
        tail = min((self.resamples <= 0).mean(), (self.resamples >= 0).mean())
        return float(min(1.0, 2 * (tail * len(self.resamples) + 1) / (len(self.resamples) + 1)))

    def text(self, digits: int = 2, sign: Literal["", "+"] = "") -> str:
        """Value and interval as text, as in ``12.30 [11.05, 13.48]``; the value alone where there is no interval.

        Args:
            digits: Decimals.
            sign: ``+`` for a difference: positive numbers have their sign, too.
        """
        low, high = (round(bound, digits) + 0.0 for bound in self.interval)  # no minus before a zero
        value = f"{round(self.value, digits) + 0.0:{sign}.{digits}f}"
        return f"{value} [{low:{sign}.{digits}f}, {high:{sign}.{digits}f}]" if np.isfinite(low) else value

    def scaled(self, factor: float) -> Estimate:
        """The statistic in another unit, such as 100 for a share in %."""
        return Estimate(factor * self.value, factor * self.resamples)

    def __sub__(self, other: Estimate) -> Estimate:
        """The difference on the same examples."""
        return Estimate(self.value - other.value, self.resamples - other.resamples)


def mean_estimate(estimates: Sequence[Estimate]) -> Estimate:
    """The mean of estimates on the same examples, such as those of several seeds; their resamples are paired.

    Raises:
        ValueError: There is none.
    """
    if not estimates:
        raise ValueError("a mean needs at least one estimate")
    return Estimate(
        float(np.mean([e.value for e in estimates])), np.mean(np.stack([e.resamples for e in estimates]), axis=0)
    )
