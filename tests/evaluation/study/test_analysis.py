from collections import Counter

import numpy as np
import pandas as pd
import pytest

from altlib.evaluation.study import analysis
from altlib.evaluation.study.answers import Answers
from altlib.evaluation.study.comparisons import WORSE, WRITER

PAIR = ("ours", "clipcap")


def key_of(count, name="comparison", pair=PAIR):
    """A key whose systems take turns in standing first."""
    rows = [(f"{name}{i}", name, f"p{i}", *(pair if i % 2 == 0 else pair[::-1]), "a", "b") for i in range(count)]
    return pd.DataFrame(
        rows, columns=["item_id", "round", "source_item", "first", "second", "first_text", "second_text"]
    )


def preferring(key, system, rater, answered, seconds=10.0):
    """The answers of a rater who always prefers ``system``."""
    side = {row.item_id: "first" if row.first == system else "second" for row in key.itertuples()}
    return answered({(rater, i): {"fluency": s, "descriptiveness": s} for i, s in side.items()}, seconds)


def test_table_2_counts_systems_whichever_stood_first(answered):
    key = key_of(10)
    answers = preferring(key, "ours", "ann", answered)
    answers.loc[
        answers["item_id"].isin(["comparison0", "comparison1"]) & (answers["question"] == "fluency"), "answer"
    ] = "equal"
    table = analysis.preference_table(analysis.named_answers(Answers(answers, Counter()), key), [PAIR])
    fluency = table[table["question"] == "fluency"].set_index("preferred")
    assert fluency.loc["ours", "share (%) [95%]"].startswith("80.0 [")
    assert fluency.loc["equal", "share (%) [95%]"].startswith("20.0 [")
    assert fluency.loc["ours", "sign test p"] == pytest.approx(2 * 0.5**8)


def test_the_sign_test_counts_items_not_answers():
    counts = np.array([[3, 0, 0], [2, 1, 0], [1, 1, 1], [0, 2, 1]], dtype=float)
    assert analysis.sign_test(counts)[:2] == (2, 1)
    assert analysis.sign_test(np.zeros((3, 3)))[2] == 1.0


def test_raters_who_fail_or_hurry_are_left_out_by_rule(answered):
    qualifying, key = key_of(3, "qualification", (WRITER, WORSE)), key_of(4)
    frames = [
        preferring(key, "ours", rater, answered, 1.0 if rater == "hasty" else 10.0)
        for rater in ("good", "hasty", "failed", "absent")
    ]
    frames += [
        preferring(qualifying, WRITER, rater, answered, 1.0 if rater == "hasty" else 10.0)
        for rater in ("good", "hasty")
    ]
    frames.append(preferring(qualifying, WORSE, "failed", answered))
    both = pd.concat([qualifying, key])
    kept = analysis.exclude_raters(Answers(pd.concat(frames, ignore_index=True), Counter()), both)
    assert set(kept.frame["rater"]) == {"good"}
    assert kept.left_out == {analysis.UNQUALIFIED: 14 + 8, analysis.TOO_FAST: 14}


def test_one_slip_in_the_qualification_round_is_enough_to_fail(answered):
    qualifying = key_of(3, "qualification", (WRITER, WORSE))
    answers = preferring(qualifying, WRITER, "ann", answered)
    answers.loc[0, "answer"] = "equal"
    assert analysis.qualified(Answers(answers, Counter()), qualifying) == []


def test_alpha_is_that_of_krippendorffs_example():
    """The nominal data of Krippendorff (2011), "Computing Krippendorff's Alpha-Reliability", section C: 0.743."""
    nan = np.nan
    values = np.array(
        [
            [1, 2, 3, 3, 2, 1, 4, 1, 2, nan, nan, nan],
            [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, nan, 3],
            [nan, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, nan],
            [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, nan],
        ]
    )
    assert analysis.krippendorff_alpha(values) == pytest.approx(0.743, abs=5e-4)
    assert np.isnan(analysis.krippendorff_alpha(np.ones((2, 4))))
    assert np.isnan(analysis.krippendorff_alpha(values[:1]))


def test_raters_are_described(answered):
    key = key_of(6)
    first = answered({("left", i): {"fluency": "first"} for i in key["item_id"]}, 4.0)
    frame = pd.concat([first, preferring(key, "ours", "ann", answered), preferring(key, "ours", "ben", answered)])
    table = analysis.rater_table(frame).set_index("rater")
    assert table.loc["left", "first text preferred (% of the decided)"] == 100
    assert table.loc["left", "agrees with the others (%)"] == 50
    assert table.loc["ann", "median seconds per item"] == 10.0


def test_agreement_needs_two_raters(answered):
    key = key_of(6)
    one = analysis.agreement_table(preferring(key, "ours", "ann", answered))
    assert (one["items with two raters or more"] == 0).all() and one["Krippendorff's alpha [95%]"].tolist() == [
        "nan",
        "nan",
    ]
    two = analysis.agreement_table(pd.concat([preferring(key, "ours", r, answered) for r in ("ann", "ben")]))
    assert two["Krippendorff's alpha [95%]"].str.startswith("1.00").all()


def test_a_study_without_answers_that_count_has_no_agreement():
    nobody = pd.DataFrame(columns=["rater", "item_id", "question", "answer", "seconds", "note"]).astype(str)
    table = analysis.agreement_table(nobody)
    assert table["raters"].tolist() == [0] * len(table) and table["items with two raters or more"].tolist() == [
        0
    ] * len(table)
