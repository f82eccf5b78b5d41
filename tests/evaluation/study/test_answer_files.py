import csv
import json

import pytest

from altlib.evaluation.study import answer_files as f
from altlib.evaluation.study.answers import Expected, merge_answers
from altlib.evaluation.study.comparisons import QUESTIONS, compare_systems
from altlib.evaluation.study.platforms import write_platforms


@pytest.fixture
def study(posts, texts):
    return compare_systems(posts, texts, [("ours", "clipcap")], 12, 0).study


def test_results_of_mechanical_turk_are_read(tmp_path, study):
    item = study.items[0].item_id
    columns = "HITId,WorkerId,SubmitTime,WorkTimeInSeconds,Input.item_id,Answer.fluency.first,Answer.fluency.second,"
    columns += "Answer.fluency.equal,Answer.descriptiveness"
    (tmp_path / "batch.csv").write_text(f'{columns}\n1,W1,x,"12",{item},false,true,false,equal\n')
    frame = merge_answers([tmp_path / "batch.csv"], Expected.of([study])).frame.set_index("question")
    assert frame["answer"].to_dict() == {"fluency": "second", "descriptiveness": "equal"}
    assert set(frame["rater"]) == {"W1"} and set(frame["seconds"]) == {12.0}


def test_responses_from_prolific_are_read(tmp_path, study):
    item = study.items[0].item_id
    files = write_platforms(study, tmp_path / "out", "https://example.org")
    chosen = [question["options"][1]["value"] for question in json.loads(files.prolific_questions.read_text())]
    results = [
        {
            "participant_id": "P1",
            "created_at": "2026-01-01T00:00:00Z",
            "metadata": {"META_item_id": item},
            "response": {"instruction_id": str(number), "type": "multiple_choice", "answer": [{"value": value}]},
        }
        for number, value in enumerate(chosen)
    ]
    (tmp_path / "responses.json").write_text(json.dumps({"results": results}))
    frame = merge_answers([tmp_path / "responses.json"], Expected.of([study])).frame.set_index("question")
    assert frame["answer"].to_dict() == {"fluency": "second", "descriptiveness": "second"}
    assert set(frame["rater"]) == {"P1"} and set(frame["item_id"]) == {item}


@pytest.mark.parametrize(
    "name,content,words",
    [
        ("a.json", "{", "not valid JSON"),
        ("a.json", "[1]", "holds no answers"),
        ("a.json", '{"items": [3]}', "each of 'items' must have"),
        ("a.json", "[" * 100_000, "not valid JSON"),
        ("a.json", '{"results": [{"response": 3}]}', "each of 'results' must have"),
        ("a.csv", "rater,item_id\n" + "x" * 200_000, "not a CSV file"),
        ("a.csv", "rater,item_id\n", "lacks the columns descriptiveness, fluency"),
        ("a.csv", "WorkerId\n", "lacks the columns Input.item_id"),
        ("a.txt", "x", "are .json or .csv files"),
    ],
)
def test_a_file_that_holds_no_answers_is_named(tmp_path, name, content, words):
    csv.field_size_limit(131_072)  # a reader of posts raises it for the whole process
    (tmp_path / name).write_text(content)
    with pytest.raises(ValueError, match=words) as error:
        list(f.read_answers(tmp_path / name, QUESTIONS))
    assert name in str(error.value)


def test_a_time_edited_by_hand_is_no_time(tmp_path):
    for seconds in ("NaN", "Infinity", "-3", '"soon"'):
        (tmp_path / "a.json").write_text(
            f'{{"items": [{{"item_id": "x", "answers": {{"fluency": "first"}}, "seconds": {seconds}}}]}}'
        )
        assert [row["seconds"] for row in f.read_answers(tmp_path / "a.json", QUESTIONS)] == [0.0]
