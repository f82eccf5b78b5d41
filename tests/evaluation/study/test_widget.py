import json

import pytest

from altlib.evaluation.study.answers import Expected, merge_answers
from altlib.evaluation.study.comparisons import compare_systems
from altlib.evaluation.study.widget import StudyWidget


@pytest.fixture
def study(posts, texts):
    return compare_systems(posts, texts, [("ours", "clipcap")], 3, 1).study


def test_a_rater_answers_and_goes_on_after_a_restart(study, tmp_path):
    widget = StudyWidget(study, "ann b.", tmp_path)
    assert "Picture 1 of 3" in widget.progress.value and "<script>" not in widget.shown.value
    widget.next.click()
    assert "answer every question" in widget.message.value and widget.place == 0
    widget.radios["fluency"].value = "first"
    assert json.loads(widget.file.read_text())["items"][0]["answers"] == {"fluency": "first"}
    widget.radios["descriptiveness"].value = "equal"
    widget.next.click()
    assert widget.place == 1 and widget.radios["fluency"].value is None

    again = StudyWidget(study, "ann b.", tmp_path)
    assert again.place == 1
    for _ in range(2):
        for radio in again.radios.values():
            radio.value = "second"
        again.next.click()
    assert "The end: 3 of 3" in again.progress.value and again.next.disabled
    again.back.click()
    assert again.place == 2 and again.radios["fluency"].value == "second"
    merged = merge_answers([again.file], Expected.of([study]))
    assert len(merged.frame) == 6 and not merged.left_out


def test_a_rater_without_a_name_is_refused(study, tmp_path):
    with pytest.raises(ValueError, match="needs a name"):
        StudyWidget(study, " ", tmp_path)
