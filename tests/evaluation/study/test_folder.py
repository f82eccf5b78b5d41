import pytest

from altlib.core.errors import StudyError
from altlib.evaluation.study import folder as f
from altlib.evaluation.study.answers import merge_answers, write_answers
from altlib.evaluation.study.audit import audit_study
from altlib.evaluation.study.comparisons import compare_systems, qualification


@pytest.fixture
def rounds(posts, texts):
    return [qualification(posts, 0), compare_systems(posts, texts, [("ours", "clipcap")], 12, 0)]


def answer(folder, study, rater="ann"):
    given = {item.item_id: {"fluency": "first", "descriptiveness": "equal"} for item in study.items}
    write_answers(folder / "answers" / f"{rater}.json", study, rater, "2026-01-01", given, {})


def test_a_folder_tells_which_answers_count_and_who_wrote_what(rounds, tmp_path):
    assert f.write_study(rounds, tmp_path) == ["qualification.html", "comparisons.html"]
    stored = f.read_study(tmp_path)
    assert stored.pairs == [("ours", "clipcap")] and stored.identical == 1
    for found in rounds:
        key = stored.key[stored.key["round"] == found.key["round"][0]].reset_index(drop=True)
        assert key.equals(found.key.astype(str))
        answer(tmp_path, found.study, found.study.name)
    merged = merge_answers(f.answer_files(tmp_path / "answers"), stored.expected)
    assert len(merged.frame) == 2 * (3 + 11) and not merged.left_out


def test_keys_hold_no_formulas(posts, texts, tmp_path):
    texts["ours"][3] = "=HYPERLINK(1)"
    study = compare_systems(posts, texts, [("ours", "clipcap")], 12, 0)
    f.write_study([study], tmp_path)
    assert ",=HYPERLINK" not in (tmp_path / "keys" / "comparisons.csv").read_text()
    assert f.read_study(tmp_path).key[["first_text", "second_text"]].isin(["=HYPERLINK(1)"]).to_numpy().sum() == 1


def test_another_study_in_the_same_folder_keeps_the_keys_to_earlier_answers(rounds, posts, texts, tmp_path):
    f.write_study(rounds, tmp_path)
    answer(tmp_path, rounds[1].study)
    f.write_study([compare_systems(posts, texts, [("ours", "clipcap")], 5, 1)], tmp_path)
    assert not (tmp_path / "keys" / "qualification.csv").exists()
    (earlier,) = (tmp_path / "earlier").iterdir()
    by_study = [
        merge_answers(f.answer_files(tmp_path / "answers"), f.read_study(p).expected) for p in (tmp_path, earlier)
    ]
    assert [len(merged.frame) for merged in by_study] == [0, 22]


def test_keys_that_nobody_has_answered_are_not_kept(rounds, posts, texts, tmp_path):
    f.write_study(rounds, tmp_path)
    f.write_study([compare_systems(posts, texts, [("ours", "clipcap")], 5, 1)], tmp_path)
    assert not (tmp_path / "earlier").exists()


def test_an_audit_has_a_folder_too(posts, tmp_path):
    study = audit_study(posts)
    assert f.write_audit(study, tmp_path) == ["audit.html"]
    stored = f.read_study(tmp_path)
    assert stored.pairs == [] and stored.expected.items == set(posts["item_id"])
    assert stored.expected.studies == {study.study_id}


def test_a_folder_without_a_whole_study_says_what_is_missing(rounds, tmp_path):
    with pytest.raises(StudyError, match=r"holds no study: .*study.json is missing; `altlib study make` writes"):
        f.read_study(tmp_path)
    f.write_study(rounds, tmp_path)
    (tmp_path / "keys" / "comparisons.csv").write_text("item_id\n1\n")
    with pytest.raises(StudyError, match="lacks the columns first, first_text"):
        f.read_study(tmp_path)
    (tmp_path / "keys" / "comparisons.csv").unlink()
    with pytest.raises(StudyError, match="comparisons.csv, the key of a round, is missing"):
        f.read_study(tmp_path)
    (tmp_path / "keys" / "study.json").write_text("{}")
    with pytest.raises(StudyError, match="does not tell rounds"):
        f.read_study(tmp_path)
