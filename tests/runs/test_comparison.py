"""The page that compares runs."""

import re

import pytest

from altlib.core.errors import RunError
from altlib.core.measured import counted, write_measured
from altlib.runs.comparison import compare_runs
from tests.accessibility import browser, chromium, violations
from tests.finished_runs import GOLD, finished_run

HOSTILE = "<script>alert('x')</script> a cup"


def test_a_page_shows_parameters_chapters_scores_and_captions_with_hostile_text_escaped(tmp_path):
    first = finished_run(tmp_path / "first", {"Ours": ["A cup.", "A ship.", "A map.", "A dog."], HOSTILE: ["x"] * 4})
    second = finished_run(tmp_path / "second", {"Ours": [*GOLD[:3], HOSTILE], HOSTILE: ["x"] * 4}, {"epochs": HOSTILE})
    write_measured(second / "results" / "measured" / "08.parquet", {(HOSTILE, "errors"): counted(3)})
    page = tmp_path / "pages" / "comparison.html"
    said = compare_runs([first, second], page)
    assert said[0] == "Parameters of chapters that differ: 1."
    assert said[1] == "second: 1 of 3 chapters were made from something else than in first: training."
    assert "On 4 shared pictures" in said[2] and "1 of 2 systems wrote other captions" in said[2]
    text = page.read_text()
    assert "<script" not in text and text.count("&lt;script&gt;") >= 5
    assert re.search(r'<img src="data:image/png;base64,[^"]+" alt="A red cup on a table."', text)
    assert "Picture not shown: image file is missing." in text
    assert "same captions" in text and "parameters: epochs" in text
    if browser():
        with chromium() as launched:
            assert violations(launched, [page]) == []


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"ids": "1"}, "share no pictures, because no picture with the same id and reference"),
        ({"ids": "1", "source": "jsonl"}, r"different sources \(first: miniworld, second: jsonl\)"),
        ({"systems": {"Theirs": GOLD}}, "no system is in all runs"),
    ],
)
def test_runs_whose_captions_cannot_be_compared_have_a_page_that_says_why(tmp_path, other, why):
    page = tmp_path / "comparison.html"
    said = compare_runs([finished_run(tmp_path / "first"), finished_run(tmp_path / "second", **other)], page)
    assert re.search(why, said[-1])
    assert "All parameters are equal" in page.read_text() and "Captions are not compared" in page.read_text()


def test_a_run_without_captions_is_named_on_the_page(tmp_path):
    runs = [finished_run(tmp_path / "first"), finished_run(tmp_path / "second")]
    (runs[1] / "results" / "captions.parquet").unlink()
    assert "second has none, as chapter 03 has not run there" in compare_runs(runs, tmp_path / "page.html")[-1]


def test_nothing_is_written_for_a_broken_run(tmp_path):
    runs = [finished_run(tmp_path / "first"), finished_run(tmp_path / "second")]
    (runs[1] / "run.json").write_text("{")
    with pytest.raises(RunError, match="run.json is not valid JSON"):
        compare_runs(runs, tmp_path / "page.html")
    assert not (tmp_path / "page.html").exists()
