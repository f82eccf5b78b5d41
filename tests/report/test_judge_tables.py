import json

import numpy as np
import pandas as pd
import pytest

from altlib.core.estimates import Estimate
from altlib.evaluation.flagged_posts import Flagged
from altlib.evaluation.flagging import ALL, ANY_RULE
from altlib.evaluation.poor_alt_text import findings
from altlib.report import judge_tables as t

NAN = float("nan")


def validated(kappa=(0.6, 0.5, 0.7), position=(0.0, -0.05, 0.05), length=(0.0, 0.0, 0.0), judge="a"):
    rows = {t.KAPPA: kappa, t.POSITION: position, t.LENGTH: length, t.STYLE: (0.0, -0.1, 0.1)}
    return pd.DataFrame(
        [
            {"judge": judge, "measure": m, "value": v, "low": lo, "high": hi, "pairs": 9}
            for m, (v, lo, hi) in rows.items()
        ]
    )


def robust(low, judge="a"):
    rows = [
        {"scorer": judge, "check": c, "texts": 50, "falls (%)": low + 3, "low (%)": low, "high (%)": low + 5.0}
        for c in t.USES.values()
        if c
    ]
    return pd.DataFrame(rows)


def test_a_judge_may_compare_only_if_it_agrees_and_is_not_biased():
    assert t.uses_table(validated(), robust(95.0)).iloc[0].tolist() == ["a", *["yes"] * 5]
    weak = t.uses_table(validated(kappa=(0.5, 0.3, 0.7)), robust(95.0))
    assert weak["comparing two systems"].tolist() == ["no: kappa 0.50 [0.30, 0.70]"]
    biased = t.uses_table(validated(position=(0.1, 0.05, 0.15), length=(NAN, NAN, NAN)), robust(95.0))
    assert biased["comparing two systems"].tolist() == ["no: position bias 0.10 [0.05, 0.15]"]
    unknown = t.uses_table(validated(kappa=(NAN, NAN, NAN)), robust(95.0))
    assert unknown["comparing two systems"].tolist() == ["no: kappa –"]


def test_a_judge_may_find_texts_only_if_its_score_falls_almost_always():
    table = t.uses_table(validated(), robust(80.0))
    assert table["finding texts of other pictures"].tolist() == ["no: falls in 83 [80, 85]%"]
    said = t.use_sentence(table)
    assert "no judge for " in said and "finding texts of other pictures" in said


def test_tables_have_a_column_for_each_judge():
    both = pd.concat([validated(), validated(judge="b", kappa=(NAN, NAN, NAN))])
    table = t.validation_table(both)
    assert table.columns.tolist() == ["measure", "a", "b"] and table.loc[0].tolist() == [
        t.KAPPA,
        "0.60 [0.50, 0.70]",
        "–",
    ]
    wide = t.robustness_table(pd.concat([robust(90.0), robust(10.0, "b")]))
    assert wide.columns.tolist() == ["check", "texts", "a", "b"] and wide.loc[0, "b"] == "13 [10, 15]"


def test_the_largest_bias_is_named():
    said = t.bias_sentence(validated(position=(-0.3, -0.4, -0.2), length=(0.2, 0.1, 0.3)))
    assert said == "The largest bias of each judge: a: position -0.30 [-0.40, -0.20]."


def estimate(value):
    return Estimate(value, value + np.linspace(-0.05, 0.05, 101))


def test_the_aim_of_flagging_is_reached_or_not():
    precision = {ALL: estimate(0.8), "too short": estimate(0.3), "placeholder": estimate(0.39)}
    kinds = pd.Series(["terse", "", "second caption", ""])
    scores = {ANY_RULE: np.array([1.0, 1.0, 0.0, 0.0]), ALL: np.array([3.0, 1.0, 2.0, 0.0])}
    verdict, kinds_found = t.flagging_findings(precision, kinds, scores)
    assert "2.1 [1.9, 2.2] times" in verdict
    assert verdict.endswith("the aim of 2 times is reached, though the interval holds less in this run.")
    assert kinds_found.startswith("Rules find 100% of “terse”, 0% of “second caption”, and find fault with 50% of the")
    assert (
        "The first 2 texts by rules and models together hold 100% of “terse”, 100% of “second caption”" in kinds_found
    )
    assert kinds_found.endswith("What models add most are the texts of the kind “second caption”.")
    assert "not reached" in t.flagging_findings(precision | {ALL: estimate(0.5)}, kinds, scores)[0]
    assert t.flagging_findings({}, kinds, scores) == [] and t.plotted_detectors({}) == []
    table = t.detector_table(precision, 20, 100)
    assert table["flagged by"].tolist() == [ALL, "placeholder", "too short"]
    assert table["times as much as chance"].tolist()[0] == pytest.approx(4)


def test_where_no_rule_finds_anything_there_is_nothing_to_compare_with():
    precision = {ALL: estimate(0.5), ANY_RULE: estimate(0.2)}
    scores = {ANY_RULE: np.zeros(2), ALL: np.array([1.0, 0.0])}
    verdict, kinds = t.flagging_findings(precision, pd.Series(["second caption", ""]), scores)
    assert verdict.endswith("no rule finds anything here.") and kinds.startswith("Rules find 0% of “second caption”")
    assert t.plotted_detectors(precision) == [ALL, ANY_RULE]


def test_an_aim_that_no_detector_could_reach_is_called_so():
    said = t.flagging_verdict(estimate(0.9), {"too short": estimate(0.6)})
    assert said.endswith("Here it cannot be reached: even flags without any error would have only 1.7 times as much.")


def test_texts_of_equal_score_share_the_places_that_are_left():
    kinds = pd.Series(["terse", "", "", "terse"])
    assert t.flagged_share(np.array([3.0, 1.0, 1.0, 1.0]), 2).tolist() == pytest.approx([1, 1 / 3, 1 / 3, 1 / 3])
    assert t.found_by_kind(kinds, {"x": np.array([3.0, 1.0, 1.0, 1.0])})["terse"].tolist() == pytest.approx([200 / 3])
    assert t.found_by_kind(pd.Series(["", ""]), {"x": np.zeros(2)}).empty


def test_a_flagged_text_says_why_and_what_to_do():
    post = pd.Series({"image": "a.png", "text": "Hello", "alt_text": "Image", "poor": "placeholder"})
    item = t.flagged_item(post, Flagged(0, findings("Image"), 9.0))
    assert item["Reason"].startswith("The alt text says no more") and item["Planted as"] == "placeholder"
    assert "No rule or model" in t.flagged_item(post.drop("poor"), Flagged(0, [], 0.0))["Reason"]


def test_missing_numbers_are_null_in_the_record():
    assert json.dumps(t.records(pd.DataFrame({"a": ["x"], "v": [NAN]}))) == '[{"a": "x", "v": null}]'
