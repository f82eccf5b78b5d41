import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from altlib.evaluation import flagging as f


def test_average_precision_is_that_of_the_definition():
    poor = np.array([True, False, True, False])
    assert f.average_precision(poor, np.array([4.0, 3.0, 2.0, 1.0])) == pytest.approx((1 + 2 / 3) / 2)
    assert f.average_precision(poor, np.zeros(4)) == 0.5  # ties: all are flagged at once
    assert np.isnan(f.average_precision(np.zeros(3, dtype=bool), np.arange(3.0)))


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=1, max_size=50))
def test_precision_and_recall_do_not_depend_on_the_order_of_ties(rows):
    poor, score = np.array([r[0] for r in rows]), np.array([float(r[1]) for r in rows])
    back = f.precision_recall(poor[::-1], score[::-1])
    curve = f.precision_recall(poor, score)
    assert curve.equals(back) and curve["recall"].is_monotonic_increasing
    assert curve["flagged"].iloc[-1] == len(rows)


def test_p_values_are_shares_of_the_validation_texts_that_look_as_poor():
    calibration = f.calibrate(np.arange(99.0), np.full(99, 10), by_length=True)
    p = calibration.p_values(np.array([-5.0, 49.0, 200.0]), np.full(3, 10))
    assert p.tolist() == [0.01, 0.51, 1.0]
    with pytest.raises(ValueError, match="at least two"):
        f.calibrate(np.zeros(1), np.ones(1), True)


def test_the_trend_with_length_is_taken_out():
    tokens = np.arange(2, 102)
    scores = -np.log(tokens) * 3.0
    calibration = f.calibrate(scores, tokens, by_length=True)
    assert calibration.slope == pytest.approx(-3)
    assert f.calibrate(scores, tokens, by_length=False).slope == 0


def test_rules_count_by_how_rare_they_are_among_good_texts():
    good = f.rule_hits(["A long description of a boat on a river"] * 98 + ["A boat"], [""] * 99)
    hits = f.rule_hits(["A boat", "Image", "A boat on a river with a bridge"], [""] * 3)
    p = f.rule_p_values(hits, good)
    assert p["too short"].tolist() == [0.02, 0.02, 1.0] and p["placeholder"].tolist() == [1.0, 0.01, 1.0]
    assert np.argsort(-f.poorness(p)).tolist() == [1, 0, 2]


def test_signals_are_combined_by_fishers_method():
    p = pd.DataFrame({"a": [0.1, 1.0], "b": [0.5, 1.0]})
    assert f.poorness(p).tolist() == pytest.approx([-2 * np.log(0.05), 0.0])


def test_rules_about_form_do_not_make_a_text_poor():
    described = ["A long description of a boat on a river"] * 99
    hits = f.rule_hits(["Photo of a boat on a wide river in the sun", "A boat"], [""] * 2)
    p = f.rule_p_values(hits, f.rule_hits(described, [""] * 99))
    assert p["leading phrase"].tolist() == [0.01, 1.0]
    assert f.poorness(p).tolist() == pytest.approx([0.0, -2 * np.log(0.01)])
    assert f.detectors(p)[f.ANY_RULE].tolist() == [0.0, 1.0]


def test_of_likelihood_and_lift_only_the_lift_is_combined():
    p = pd.DataFrame({f.LIKELIHOOD: [0.01, 1.0], f.LIFT: [1.0, 0.5]})
    assert f.poorness(p).tolist() == pytest.approx([0.0, -2 * np.log(0.5)])
    assert f.poorness(p[[f.LIKELIHOOD]])[0] > 0


def test_detectors_have_a_precision_only_where_there_is_something_to_find():
    scores = {"a": np.array([3.0, 1.0, 2.0]), "b": np.zeros(3)}
    found = f.average_precisions(np.array([True, False, False]), scores, 0)
    assert [found[name].value for name in scores] == [1.0, pytest.approx(1 / 3)]
    assert f.average_precisions(np.zeros(3, dtype=bool), scores, 0) == {}
