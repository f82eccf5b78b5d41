"""Scores of files as text, JSON and CSV."""

import csv
import io
import json

import numpy as np
import pandas as pd
import pytest

from altlib.core.estimates import Estimate
from altlib.data.caption_files import CaptionSets
from altlib.evaluation.caption_file_scores import Evaluation, Pictures, paired_differences
from altlib.report import evaluation_tables as tables


@pytest.fixture
def found():
    scores = {
        "a": {"BLEU@4": Estimate(20.0, np.linspace(19, 21, 1000)), "CLIPScore": Estimate(0.7, np.full(1000, 0.7))},
        "b": {"BLEU@4": Estimate(25.0, np.linspace(26, 24, 1000)), "CLIPScore": Estimate(0.7, np.full(1000, 0.7))},
    }
    pictures = Pictures(np.array([0, 1]), None, None, {"file is not an image": 3}, 1)
    robust = pd.DataFrame(
        [{"scorer": "CLIPScore", "check": "empty", "texts": 2, "falls (%)": 50.0, "low (%)": 9.0, "high (%)": 91.0}]
    )
    return Evaluation(scores, {"a": 11.04, "b": 9.0}, 10.0, {"a": 2, "b": 0}, pictures, robust)


SETS = CaptionSets(["1", "2"], {"a": ["x", "y"], "b": ["x", "y"]}, [["z"]] * 2, ["", ""], {"a": 4, "b": 0}, False, 5)


def test_a_table_has_a_column_for_each_file_and_the_lengths_of_its_texts(found):
    lines = tables.score_table(found).splitlines()
    assert lines[0].split() == ["a", "b"]
    assert lines[1].split()[:3] == ["BLEU@4", "20.00", "[19.05,"]
    assert lines[3].split() == ["words", "a", "caption", "11.0", "9.0"]


def test_a_paired_test_says_which_file_is_higher_or_that_no_difference_is_shown(found):
    lines = tables.difference_table(paired_differences(found.scores)).splitlines()
    assert lines[1].endswith("a - b: b is higher") and "-5.00" in lines[1]
    assert lines[2].endswith("a - b: no difference shown")
    assert tables.difference_table([]) == ""


def test_whatever_is_left_out_is_said(found):
    assert tables.notes(SETS, found) == [
        "a: captions that are not scored, as they are not in the sample or not in every file: 4",
        "a: empty captions, which score 0: 2",
        "blank references, which are left out: 5",
        "pictures that the scores that look at pictures leave out, because file is not an image: 3",
        "captions without a picture, which these scores leave out: 1",
    ]


def test_json_and_csv_hold_the_same_numbers(found):
    differences = paired_differences(found.scores)
    record = json.loads(json.dumps(tables.as_record(SETS, found, differences, {"seed": 0})))
    rows = list(csv.DictReader(io.StringIO(tables.as_csv(found, differences))))
    for row in rows:
        if row["kind"] == "score":
            assert float(row["low"]) == record["scores"][row["file"]][row["metric"]]["low"]
    assert [float(r["p"]) for r in rows if r["kind"] == "difference"] == [d["p"] for d in record["differences"]]
    assert record["robustness"][0]["falls (%)"] == 50.0
    assert (record["captions"], record["pictures"]) == (2, 2)
