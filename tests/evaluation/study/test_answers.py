import json

import pytest

from altlib.evaluation.study import answers as a
from altlib.evaluation.study.answer_files import answer_files
from altlib.evaluation.study.comparisons import compare_systems


@pytest.fixture
def study(posts, texts):
    return compare_systems(posts, texts, [("ours", "clipcap")], 12, 0).study


def saved(path, study, rater, given, when="2026-01-01T00:00:00Z"):
    a.write_answers(path, study, rater, when, given, {})
    return path


def test_the_answers_of_many_raters_are_merged(tmp_path, study):
    first, second = (item.item_id for item in study.items[:2])
    both = {first: {"fluency": "first", "descriptiveness": "equal"}, second: {"fluency": "second"}}
    files = [saved(tmp_path / f"{r}.json", study, r, both) for r in ("ann", "ben")]
    merged = a.merge_answers(files, a.Expected.of([study]))
    assert len(merged.frame) == 6 and not merged.left_out
    assert answer_files(tmp_path) == files


def test_what_cannot_count_is_left_out_and_counted(tmp_path, study):
    item = study.items[0].item_id
    file = saved(
        tmp_path / "a.json", study, "ann", {item: {"fluency": "best", "beauty": "first"}, "x": {"fluency": "first"}}
    )
    other = saved(tmp_path / "b.json", study, "", {item: {"fluency": "first"}})
    content = json.loads(file.read_text()) | {"study": "0" * 16}
    (tmp_path / "c.json").write_text(json.dumps(content))
    merged = a.merge_answers([file, other, tmp_path / "c.json"], a.Expected.of([study]))
    assert merged.frame.empty
    assert merged.left_out == {a.NO_CHOICE: 2, a.UNKNOWN_ITEM: 1, a.NO_RATER: 1, a.ANOTHER_STUDY: 3}
    assert merged.exclusions()["answers left out"].sum() == 7


def test_two_files_of_one_rater_count_once_and_the_later_one_counts(tmp_path, study):
    item = study.items[0].item_id
    old = saved(tmp_path / "a.json", study, "ann", {item: {"fluency": "first", "descriptiveness": "first"}})
    new = saved(
        tmp_path / "b.json", study, "ann", {item: {"fluency": "second", "descriptiveness": "first"}}, "2026-01-02"
    )
    merged = a.merge_answers([new, old], a.Expected.of([study]))
    assert merged.frame.set_index("question")["answer"].to_dict() == {"fluency": "second", "descriptiveness": "first"}
    assert merged.left_out == {a.REPLACED: 1, a.REPEATED: 1}


def test_contradictory_answers_of_the_same_time_do_not_count(tmp_path, study):
    item = study.items[0].item_id
    files = [saved(tmp_path / f"{v}.json", study, "ann", {item: {"fluency": v}}) for v in ("first", "second")]
    merged = a.merge_answers(files, a.Expected.of([study]))
    assert merged.frame.empty and merged.left_out == {a.CONTRADICTORY: 2}


def test_work_that_was_rejected_on_the_platform_does_not_count(tmp_path, study):
    item = study.items[0].item_id
    (tmp_path / "batch.csv").write_text(
        f"WorkerId,AssignmentStatus,Input.item_id,Answer.fluency\nW1,Rejected,{item},first\nW2,Approved,{item},second\n"
    )
    merged = a.merge_answers([tmp_path / "batch.csv"], a.Expected.of([study]))
    assert merged.frame["rater"].tolist() == ["W2"] and merged.left_out == {a.REJECTED: 1}
