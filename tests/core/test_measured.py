"""What a chapter measured, as a file."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from altlib.core import measured
from altlib.core.errors import RunError
from altlib.core.estimates import Estimate
from altlib.core.measured import Measured


def resampled(values, examples=10, over="pictures") -> Measured:
    return Measured(float(np.mean(values)), np.asarray(values, float), over, examples)


def test_numbers_come_back_from_the_file_as_they_were_written(tmp_path):
    written = {
        ("ours", "BLEU@4"): Measured(1.5, np.array([1.0, 2.0]), "pictures", 7, words=12.5),
        ("corpus", "pictures"): measured.counted(371_270),
        ("share", "yes (%)"): measured.of_share(3, 4, "pictures"),
    }
    measured.write_measured(tmp_path / "m.parquet", written)
    found = measured.read_measured(tmp_path / "m.parquet")
    assert list(found) == list(written)
    for key, number in written.items():
        for name in ("value", "over", "examples", "paired"):
            assert getattr(found[key], name) == getattr(number, name)
        np.testing.assert_array_equal(found[key].draws, number.draws)
        np.testing.assert_equal(found[key].words, number.words)


def test_a_chapter_that_has_not_run_measured_nothing(tmp_path):
    assert measured.read_measured(tmp_path / "missing.parquet") == {}


def test_a_broken_file_is_named_with_the_way_out(tmp_path):
    (tmp_path / "m.parquet").write_text("no parquet")
    with pytest.raises(RunError, match=r"m\.parquet .*run its chapter again"):
        measured.read_measured(tmp_path / "m.parquet")


def test_the_interval_over_seeds_is_students():
    low, high = measured.of_seeds([1.0, 2.0, 3.0]).interval
    half = stats.t.ppf(0.975, 2) * 1.0 / np.sqrt(3)
    assert (low, high) == pytest.approx((2 - half, 2 + half))


def test_a_single_seed_and_a_count_have_no_interval():
    assert np.isnan(measured.of_seeds([1.0]).interval).all()
    assert np.isnan(measured.counted(5).interval).all()


def test_seeds_that_do_not_differ_tell_no_spread():
    assert np.isnan(measured.of_seeds([2.0, 2.0, 2.0]).interval).all()


def test_a_number_without_seeds_is_subtracted_from_each_seed():
    value, (low, high) = measured.difference(measured.of_seeds([3.0, 4.0, 5.0]), measured.counted(1.0))
    assert value == 3.0
    assert (low, high) == pytest.approx(measured.interval_of(3.0, np.array([2.0, 3.0, 4.0]), measured.SEEDS))


@given(st.lists(st.floats(-100, 100), min_size=3, max_size=30), st.floats(-10, 10))
def test_paired_draws_that_differ_by_a_constant_have_no_uncertainty(values, shift):
    one, other = resampled(np.asarray(values) + shift), resampled(values)
    value, interval = measured.difference(one, other)
    assert (value, *interval) == pytest.approx((shift,) * 3, abs=1e-9)


@pytest.mark.parametrize(
    "other",
    [
        resampled([1, 2, 3], examples=9),
        resampled([1, 2, 3], over="texts"),
        measured.of_share(1, 10, "pictures"),
        measured.counted(1),
    ],
    ids=["other pictures", "of other things", "a share by itself", "a count"],
)
def test_numbers_of_different_examples_have_no_paired_interval(other):
    assert np.isnan(measured.difference(resampled([1, 2, 3]), other)[1]).all()


def test_a_ratio_to_nothing_is_no_number():
    value, interval = measured.ratio(resampled([1, 2]), resampled([0, 0]))
    assert np.isnan([value, *interval]).all()
    assert measured.ratio(resampled([2, 2]), resampled([1, 1])) == (2.0, (2.0, 2.0))


def test_intervals_of_means_shares_and_correlations_are_the_known_ones():
    values = np.arange(100.0)
    half = stats.norm.ppf(0.975) * stats.sem(values)
    assert measured.of_mean(values, "texts").interval == pytest.approx((49.5 - half, 49.5 + half), abs=0.03)
    low, high = measured.of_share(0, 10, "pictures").interval
    assert 0 <= low < 0.1 and high == pytest.approx(100 * stats.beta.ppf(0.975, 0.5, 10.5), rel=0.01)
    expected = stats.pearsonr(values, values % 7).confidence_interval()
    found = measured.of_correlation(stats.pearsonr(values, values % 7).statistic, 100, "texts").interval
    assert found == pytest.approx((expected.low, expected.high), abs=5e-3)


def test_scores_carry_the_length_of_their_texts():
    scores = {"ours": {"BLEU@4": Estimate(1.0, np.ones(3))}, "theirs": {"BLEU@4": Estimate(2.0, np.ones(3))}}
    found = measured.of_scores(scores, 2, {"ours": ["one two", "one two three four"]})
    assert found["ours", "BLEU@4"].words == 3.0 and np.isnan(found["theirs", "BLEU@4"].words)
