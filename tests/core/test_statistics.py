"""Intervals and correlations."""

import numpy as np
import pytest
from scipy import stats

from altlib.core import statistics
from altlib.core.statistics import mean_and_range, plus_minus


def test_intervals_of_proportions():
    low, high = statistics.proportion_interval(86, 100)
    assert (low, high) == (pytest.approx(0.7786, abs=1e-4), pytest.approx(0.9147, abs=1e-4))
    assert statistics.proportion_interval(0, 0) == (0.0, 1.0)


def test_mean_and_interval_over_seeds():
    half = stats.t.ppf(0.975, 1) * 0.1  # two values 0.2 apart have a standard error of 0.1
    assert plus_minus([0.2, 0.4]) == f"0.30 ± {half:.2f}"
    assert plus_minus([0.2]) == "0.20"
    assert plus_minus([float("nan")]) == plus_minus([]) == "–"


def test_a_few_values_are_shown_as_their_mean_and_range():
    assert mean_and_range([0.2, 0.5]) == "0.35 (0.20 to 0.50)" and mean_and_range([12.0], 0) == "12"


def test_the_partial_correlation_agrees_with_its_formula():
    rng = np.random.default_rng(0)
    z = rng.normal(size=50)
    x, y = z + rng.normal(size=50), z + rng.normal(size=50)
    rxy, rxz, ryz = (np.corrcoef(a, b)[0, 1] for a, b in ((x, y), (x, z), (y, z)))
    expected = (rxy - rxz * ryz) / np.sqrt((1 - rxz**2) * (1 - ryz**2))
    assert statistics.partial_correlation(x, y, z) == pytest.approx(expected)
    assert statistics.partial_correlation(x, y, np.ones(50)) == pytest.approx(rxy)


def test_intervals():
    x = np.arange(30.0)
    y = x + np.sin(x) * 20
    z, half = np.arctanh(np.corrcoef(x, y)[0, 1]), stats.norm.ppf(0.975) / 27**0.5
    assert statistics.pearson_interval(x, y) == pytest.approx((np.tanh(z - half), np.tanh(z + half)))
    assert np.isnan(statistics.pearson_interval(x, np.ones(30))).all()
    mean, half = statistics.seed_interval([1.0, 2.0, 3.0])
    assert mean == 2 and half == pytest.approx(stats.t.ppf(0.975, 2) / 3**0.5)
    assert np.isnan(statistics.seed_interval([1.0])[1])


def test_holms_p_values_are_those_of_the_step_down_procedure():
    assert statistics.holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert statistics.holm([0.2]) == [0.2]
    assert statistics.holm([0.6, 0.7]) == [1.0, 1.0]
    assert statistics.holm([]) == []
