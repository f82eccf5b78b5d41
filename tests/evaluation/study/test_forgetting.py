import json

import pytest

from altlib.evaluation.study.answers import merge_answers, write_answers
from altlib.evaluation.study.audit import write_sheet
from altlib.evaluation.study.comparisons import compare_systems
from altlib.evaluation.study.folder import answer_files, read_study, write_study
from altlib.evaluation.study.forgetting import forget_in_study
from altlib.evaluation.study.platforms import write_platforms

GONE = "p3"


@pytest.fixture
def study(posts, texts):
    return compare_systems(posts, texts, [("ours", "clipcap")], 12, 0)


def everything(folder):
    return "".join(p.read_text() for p in folder.rglob("*") if p.is_file())


def test_only_the_forgotten_items_leave_the_keys_and_the_answers(study, tmp_path):
    write_study([study], tmp_path)
    given = {item.item_id: {"fluency": "first"} for item in study.study.items}
    write_answers(tmp_path / "answers" / "ann.json", study.study, "ann", "2026-01-01", given, {})
    (tmp_path / "answers" / "turk.csv").write_text(
        "WorkerId,Input.item_id,Input.post,Answer.fluency\n"
        + "".join(f"W1,{item.item_id},{item.post},second\n" for item in study.study.items)
    )
    results = [
        {"metadata": {"META_item_id": i.item_id}, "response": {"answer": []}, "post": i.post} for i in study.study.items
    ]
    (tmp_path / "answers" / "prolific.json").write_text(json.dumps({"results": results}))
    (tmp_path / "answers" / "notes.json").write_text("Post 3, which cannot be read as answers")
    write_platforms(study.study, tmp_path / "platforms", "https://example.org")
    assert "Post 3" in everything(tmp_path / "answers")
    assert forget_in_study(tmp_path, lambda item: item == GONE)
    assert "Post 3" not in everything(tmp_path) and "ours 3 a boat" not in everything(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["answers", "keys"]
    merged = merge_answers(answer_files(tmp_path / "answers"), read_study(tmp_path).expected)
    assert merged.frame.groupby("rater").size().to_dict() == {"W1": 10, "ann": 10} and not merged.left_out
    assert set(read_study(tmp_path).key["source_item"]) == {f"p{i}" for i in range(11)} - {GONE}


def test_the_keys_of_earlier_studies_forget_as_well(study, posts, texts, tmp_path):
    write_study([study], tmp_path)
    given = {item.item_id: {"fluency": "first"} for item in study.study.items}
    write_answers(tmp_path / "answers" / "ann.json", study.study, "ann", "2026-01-01", given, {})
    write_study([compare_systems(posts, texts, [("ours", "clipcap")], 5, 1)], tmp_path)
    forget_in_study(tmp_path, lambda item: item == GONE)
    assert "ours 3 a boat" not in everything(tmp_path)
    (earlier,) = (tmp_path / "earlier").iterdir()
    merged = merge_answers(answer_files(tmp_path / "answers"), read_study(earlier).expected)
    assert len(merged.frame) == 10 and not merged.left_out


def test_a_filled_in_sheet_of_an_audit_keeps_its_other_rows(posts, tmp_path):
    sheet, _ = write_sheet(posts, tmp_path)
    sheet.write_text(sheet.read_text().replace(",sheet,,", ",sheet,yes,no"))
    assert forget_in_study(tmp_path, lambda item: item == GONE)
    text = sheet.read_text()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["audit.csv", "keys"]
    merged = merge_answers([sheet], read_study(tmp_path).expected)
    assert len(merged.frame) == 2 * (len(posts) - 1) and not merged.left_out
    assert "Post 3" not in text and text.count(",yes,no") == len(posts) - 1


@pytest.mark.parametrize("content", [b"", b"notes\nPost 3\n", b"item_id,source_item\nPost 3\n", b"\xff\xfePost 3"])
def test_a_key_that_was_edited_into_something_else_is_deleted(content, tmp_path):
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "comparisons.csv").write_bytes(content)
    assert not forget_in_study(tmp_path, lambda item: item == GONE)


def test_nothing_is_left_of_a_study_that_nobody_answered_and_that_held_one_item(tmp_path):
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "comparisons.html").write_text("Post 3")
    assert not forget_in_study(tmp_path / "study", lambda item: item == GONE)
