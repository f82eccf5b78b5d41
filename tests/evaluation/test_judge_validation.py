from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from altlib.evaluation import judge_validation as v
from altlib.evaluation.judges.interface import EQUAL, FIRST, SECOND, JudgedText, Preferences, ScoreJudge

LENGTH = ScoreJudge("length", lambda texts: [len(t.text) for t in texts])


@dataclass
class Always:
    """Prefers what stands first, whatever it is."""

    name: str = "always first"
    answers: list[str] = field(default_factory=list)

    def compare(self, first, second, repeat=0):
        return Preferences(np.array([FIRST] * len(first), dtype=object), [""] * len(first))

    def rate(self, texts, repeat=0):
        raise NotImplementedError


def pairs(lengths, people, **more):
    first, second = ([JudgedText("x" * pair[side]) for pair in lengths] for side in (0, 1))
    return v.Pairs(first, second, np.array(people, dtype=object), **more)


def measured(judge, some):
    return v.validate(judge, some).set_index("measure")


def test_kappa_is_that_of_a_textbook_table():
    """Two raters on 50 items: 20 yes-yes, 5 yes-no, 10 no-yes, 15 no-no: kappa 0.4."""
    one = np.array([FIRST] * 25 + [SECOND] * 25)
    other = np.array([FIRST] * 20 + [SECOND] * 5 + [FIRST] * 10 + [SECOND] * 15)
    counts = v.confusion(one, other).sum(0)
    assert v.cohens_kappa(counts) == pytest.approx(0.4) and v.exact_match(counts) == pytest.approx(0.7)
    assert np.isnan(v.cohens_kappa(v.confusion(one[:25], one[:25]).sum(0)))


@given(st.lists(st.sampled_from(v.OPTIONS), min_size=2, max_size=40))
def test_a_judge_agrees_fully_with_itself(given_verdicts):
    counts = v.confusion(np.array(given_verdicts), np.array(given_verdicts)).sum(0)
    assert v.exact_match(counts) == 1
    assert (
        np.isnan(v.cohens_kappa(counts))
        if len(set(given_verdicts)) == 1
        else v.cohens_kappa(counts) == pytest.approx(1)
    )


def test_a_judge_that_looks_at_places_only_is_found_out():
    some = pairs([(10, 5), (5, 10), (8, 8), (3, 9)], [FIRST, SECOND, EQUAL, SECOND])
    table = measured(Always(), some)
    assert table.loc["position bias (first minus second)", "value"] == 1
    assert table.loc["same verdict in both orders", "value"] == 0
    assert table.loc["same verdict when asked again", "value"] == 1
    assert table.loc["exact match with raters", "value"] == 0.25  # all its verdicts settle as equal


def test_a_fair_judge_has_no_position_bias():
    some = pairs([(10, 5), (5, 10), (8, 8), (3, 9)] * 5, [FIRST, SECOND, EQUAL, SECOND] * 5)
    table = measured(LENGTH, some)
    assert table.loc["position bias (first minus second)", ["value", "low", "high"]].tolist() == [0, 0, 0]
    assert table.loc["kappa with raters", "value"] == 1 and table.loc["same verdict in both orders", "value"] == 1


def test_length_bias_is_what_exceeds_that_of_people():
    lengths = [(10, 5), (5, 10), (9, 3), (3, 9)]
    same, against = [FIRST, SECOND, FIRST, SECOND], [SECOND, FIRST, FIRST, SECOND]
    name = "length bias (longer minus shorter, beyond raters)"
    assert measured(LENGTH, pairs(lengths, same)).loc[name, "value"] == 0
    assert measured(LENGTH, pairs(lengths, against)).loc[name, "value"] == 1
    alike = measured(LENGTH, pairs([(100, 99), (50, 50)], [SECOND, EQUAL]))
    assert alike.loc[name, "pairs"] == 0 and np.isnan(alike.loc[name, "value"])
    assert alike.loc["kappa with raters, texts of equal length", "pairs"] == 2


def test_a_preference_among_the_same_facts_is_style():
    plain, florid = ([JudgedText("x" * n)] * 10 for n in (5, 9))
    table = measured(LENGTH, pairs([(1, 2)], [FIRST], same_facts=(plain, florid)))
    assert table.loc["same facts, other words: not judged equal", "value"] == 1
    assert table.loc["same facts, other words: first writer minus second", "value"] == -1
    assert "same facts, other words: not judged equal" not in measured(LENGTH, pairs([(1, 2)], [FIRST])).index


def test_pairs_without_a_verdict_of_either_do_not_count():
    some = pairs([(10, 5), (5, 10)], [FIRST, ""])
    table = measured(LENGTH, some)
    assert table.loc["exact match with raters", "pairs"] == 1
    missing = ScoreJudge("none", lambda texts: [np.nan for _ in texts])
    assert v.verdicts(missing, some.first, some.second).failures == 6
    assert measured(missing, some)["pairs"].sum() == 0


def test_agreement_with_the_facts_is_corrected_for_chance():
    """20 pairs: both prefer the first 10 times and the second 4 times, 6 times only the judge prefers the first."""
    lengths = [(10, 5)] * 16 + [(5, 10)] * 4
    facts = np.array([FIRST] * 10 + [SECOND] * 10, dtype=object)
    table = measured(LENGTH, pairs(lengths, [""] * 20, facts=facts))
    assert table.loc["exact match with the facts", "value"] == pytest.approx(0.7)
    assert table.loc["kappa with the facts", "value"] == pytest.approx((0.7 - 0.5) / (1 - 0.5))
    low, high = table.loc["kappa with the facts", ["low", "high"]]
    assert low < 0.4 < high
    facts[:5] = ""
    assert measured(LENGTH, pairs(lengths, [""] * 20, facts=facts)).loc["kappa with the facts", "pairs"] == 15
    assert "kappa with the facts" not in measured(LENGTH, pairs(lengths, [""] * 20)).index
