import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from altlib.evaluation.judges.interface import JudgedText, Preferences, ScoreJudge, preferences_by_score

TEXTS = [JudgedText("a"), JudgedText("abc"), JudgedText("ab")]
LENGTH = ScoreJudge("length", lambda texts: [len(t.text) for t in texts])


def test_any_score_is_a_judge_with_one_line():
    assert LENGTH.rate(TEXTS).overall.tolist() == [1, 3, 2]
    assert LENGTH.compare(TEXTS, TEXTS[::-1]).preferred.tolist() == ["second", "equal", "first"]
    assert LENGTH.rate([]).overall.tolist() == []


def test_near_scores_are_equal_and_missing_ones_give_no_verdict():
    close = ScoreJudge("length", lambda texts: [len(t.text) for t in texts], tie=1)
    assert close.compare(TEXTS[:2], TEXTS[2:] * 2).preferred.tolist() == ["equal", "equal"]
    assert close.compare(TEXTS[:1], TEXTS[1:2]).preferred.tolist() == ["second"]
    missing = ScoreJudge("none", lambda texts: [np.nan for _ in texts]).compare(TEXTS, TEXTS)
    assert missing.preferred.tolist() == [""] * 3 and missing.failures == ["no score"] * 3


@given(st.lists(st.tuples(st.floats(-5, 5), st.floats(-5, 5)), min_size=1), st.floats(0, 2))
def test_the_other_order_turns_every_preference_around(pairs, tie):
    a, b = np.array(pairs).T
    there = Preferences(preferences_by_score(a, b, tie), [])
    assert there.turned().tolist() == preferences_by_score(b, a, tie).tolist()
