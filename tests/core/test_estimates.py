"""Estimates with their bootstrap resamples."""

import numpy as np
import pytest

from altlib.core.estimates import Estimate, mean_estimate
from altlib.core.statistics import resample_counts


def mean(values: np.ndarray, seed: int = 0) -> Estimate:
    return Estimate(float(values.mean()), resample_counts(len(values), seed) @ values / len(values))


def test_the_interval_of_a_mean_is_that_of_the_normal_distribution():
    values = np.random.default_rng(0).normal(3, 2, 900)
    error = values.std() / 30
    assert mean(values).interval == pytest.approx(
        (values.mean() - 1.96 * error, values.mean() + 1.96 * error), abs=0.02
    )


def test_differences_on_the_same_examples_are_paired():
    values = np.random.default_rng(0).normal(0, 10, 200)
    difference = mean(values + 0.1) - mean(values)
    assert difference.value == pytest.approx(0.1)
    assert difference.interval == pytest.approx((0.1, 0.1))
    assert difference.p < 0.01
    assert (mean(values) - mean(values)).p == 1.0


def test_a_share_in_percent_has_its_interval_in_percent():
    share = Estimate(0.5, np.array([0.25, 0.5, 0.75]))
    assert share.scaled(100).value == 50
    assert share.scaled(100).resamples.tolist() == [25, 50, 75]


def test_an_estimate_without_resamples_has_no_interval():
    assert Estimate(0.5, np.array([np.nan])).text() == "0.50"
    assert Estimate(0.5, np.linspace(0, 1, 1001)).text(1) == "0.5 [0.0, 1.0]"


def test_the_mean_of_estimates_keeps_resamples_paired():
    first, second = Estimate(1.0, np.array([0.0, 2.0])), Estimate(3.0, np.array([2.0, 6.0]))
    found = mean_estimate([first, second])
    assert found.value == 2.0 and found.resamples.tolist() == [1.0, 4.0]
    with pytest.raises(ValueError, match="at least one"):
        mean_estimate([])


def test_a_difference_may_have_its_sign_and_zero_has_no_minus():
    difference = Estimate(0.5, np.linspace(-0.001, 1, 1001))
    assert difference.text(1, "+") == "+0.5 [+0.0, +1.0]"
    assert Estimate(-0.001, np.full(10, -0.001)).text() == "0.00 [0.00, 0.00]"
