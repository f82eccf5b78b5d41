"""A study made, answered and reported from the command line."""

import csv
import json
import shutil

import pandas as pd
import pytest

from altlib.cli.main import main
from altlib.core.files import write_json
from altlib.data.posts import as_posts, write_corpus
from altlib.evaluation.study.answers import write_answers
from altlib.evaluation.study.comparisons import WRITER
from altlib.evaluation.study.of_run import audit_of_run, comparisons_of_run
from tests.browser import browser_context
from tests.evaluation.study.test_page import answer_shown, press, save

PAIR = ("ours", "nearest")


@pytest.fixture
def run(tmp_path, picture):
    """A run whose corpus and captions are there; nobody needs its models."""
    rows = [
        {
            "item_id": f"p{i}",
            "post_id": f"p{i}",
            "alt_text": f"A boat number {i} on a quiet river under a bridge",
            "text": f"Post {i}",
            "image": str(picture(f"{i}.png")),
        }
        for i in range(16)
    ]
    folder = tmp_path / "run"
    write_corpus(folder / "corpus", as_posts(rows).assign(split=["test"] * 8 + ["val"] * 8))
    write_json(folder / "corpus" / "steps.json", {"source": "jsonl", "steps": [], "unreadable": []})
    captions = {"item_id": [f"p{i}" for i in range(8)], "gold": ["gold text"] * 8}
    captions |= {name: [f"{name} {i} a boat" for i in range(8)] for name in PAIR}
    (folder / "results").mkdir()
    pd.DataFrame(captions).to_parquet(folder / "results" / "captions.parquet")
    return folder


def make(run, *more):
    """Make a study of the pair; returns its folder."""
    output = run.parent / "study"
    assert main(["study", "make", str(run), "--systems", *PAIR, "--output", str(output), *more]) == 0
    return output


def answered(run, folder, rater, prefers, careless=False):
    """Save the answers of a rater who prefers one system, one file for each round."""
    for found in comparisons_of_run(run, [PAIR], 150, 0):
        best = {prefers} if careless else {prefers, WRITER}
        given = {
            row.item_id: dict.fromkeys(("fluency", "descriptiveness"), "first" if row.first in best else "second")
            for row in found.key.itertuples()
        }
        seconds = dict.fromkeys(given, 9.0)
        name = f"{rater}-{found.study.name}.json"
        write_answers(folder / "answers" / name, found.study, rater, "2026-01-01", given, seconds)


def test_a_study_is_made_answered_by_keyboard_and_reported(run, tmp_path, capsys):
    study = make(run, "--pictures", "2")
    shutil.rmtree(run)  # the folder of the study is enough for the report
    assert "gold text" not in (study / "comparisons.html").read_text()
    with (study / "keys" / "qualification.csv").open(newline="") as file:
        writers_first = [row["first"] == WRITER for row in csv.DictReader(file)]
    with browser_context(tmp_path / "profile") as context:
        for name, downs in (("qualification", [0 if first else 1 for first in writers_first]), ("comparisons", [2, 2])):
            page = context.new_page()
            page.goto((study / f"{name}.html").as_uri())
            page.keyboard.press("Tab")
            page.keyboard.type("ann")
            press(page, "Enter")
            for down in downs:
                answer_shown(page, down, down)
            save(page, "Save the answers (JSON)").save_as(tmp_path / "saved" / f"{name}.json")
    capsys.readouterr()
    arguments = ["study", "report", str(study), str(tmp_path / "saved"), "--minimum-seconds", "0"]
    assert main([*arguments, "--format", "json"]) == 0
    preferred, _, raters, left_out = json.loads(capsys.readouterr().out).values()
    assert [row["share (%) [95%]"].split()[0] for row in preferred[:3]] == ["0.0", "0.0", "100.0"]
    assert preferred[2]["preferred"] == "equal" and preferred[2]["answers"] == 2 and left_out == []
    assert [row["rater"] for row in raters] == ["ann"]


def test_the_report_counts_raters_answers_and_what_is_left_out(run, capsys):
    study = make(run)
    for rater in ("ann", "ben"):
        answered(run, study, rater, "ours")
    answered(run, study, "eve", "nearest", careless=True)
    (file,) = study.glob("answers/ben-comparisons.json")
    content = json.loads(file.read_text())
    content["items"][0]["answers"]["fluency"] = "the best"
    content["items"].append({"item_id": "x", "answers": {"fluency": "first"}})
    write_json(file, content)
    shutil.copy(file, study / "answers" / "ben-again.json")
    capsys.readouterr()
    assert main(["study", "report", str(study)]) == 0
    out = capsys.readouterr().out
    assert "8 comparisons are asked; in 0 more both systems wrote the same text" in out
    assert "ours and nearest         fluency      ours 100.0 [100.0, 100.0]" in out and "0.008" in out
    reasons = " ".join(out[out.index("Answers that do not count") :].split())
    for reason, number in {
        "not one of the choices": 2,
        "unknown item": 2,
        "given again with the same answer": 15,
        "rater did not pass the qualification round": 22,
    }.items():
        assert f"{reason} {number}" in reasons


def test_a_study_whose_answers_do_not_count_says_why(run, capsys):
    study = make(run)
    answered(run, study, "eve", "nearest", careless=True)
    capsys.readouterr()
    assert main(["study", "report", str(study)]) == 1
    out = capsys.readouterr().out
    assert "nothing" in out and "rater did not pass the qualification round" in out


def test_an_audit_is_made_and_reported_beside_the_paper(run, capsys):
    output = run.parent / "audit"
    assert main(["study", "make", str(run), "--audit", "--pictures", "4", "--output", str(output)]) == 0
    study = audit_of_run(run, 4, 0)
    given = {item.item_id: {"fluent": "yes", "descriptive": "no"} for item in study.items}
    write_answers(output / "answers" / "ann.json", study, "ann", "2026-01-01", given, {})
    capsys.readouterr()
    assert main(["study", "report", str(output)]) == 0
    out = capsys.readouterr().out
    assert "100.0" in out and "94.1" in out and "86.0" in out


def test_the_layouts_of_platforms_are_written_for_every_round(run, capsys):
    study = make(run, "--pictures-url", "https://example.org/study", "--completion-code", "C0DE")
    for name, pictures in (("qualification", 3), ("comparisons", 8)):
        folder = study / "platforms" / name
        with (folder / "mturk-batch.csv").open(newline="") as file:
            addresses = [row["picture_url"] for row in csv.DictReader(file)]
        assert len(addresses) == pictures and addresses[0].startswith(f"https://example.org/study/{name}/")
        assert len(list((folder / "pictures").glob("*.jpg"))) == pictures
        assert "C0DE" in (study / f"{name}.html").read_text()
    assert "from raters: it tells who wrote what" in capsys.readouterr().out


def test_worse_texts_of_the_qualification_round_may_be_given(run, tmp_path):
    (tmp_path / "worse.json").write_text(json.dumps({f"p{i}": f"bad {i}" for i in range(8, 12)}))
    page = (make(run, "--worse", str(tmp_path / "worse.json")) / "qualification.html").read_text()
    assert sum(f"bad {i}" in page for i in range(8, 12)) == 3


@pytest.mark.parametrize(
    "arguments,words",
    [
        (["make", "{run}", "--systems", "ours", "nearst", "--output", "{tmp}/s"], "did you mean 'nearest'?"),
        (["make", "{run}", "--systems", "ours", "ours", "--output", "{tmp}/s"], "cannot be compared with itself"),
        (["make", "{run}", "--output", "{tmp}/s"], "no system 'Ours (Text + Image), BS (NR)'"),
        (["make", "{tmp}", "--output", "{tmp}/s"], "is no run: it has no folder corpus"),
        (["make", "{run}", "--audit", "--systems", "a", "b", "--output", "{tmp}/s"], "leave out --systems"),
        (["make", "{run}", "--audit", "--pictures-url", "x", "--output", "{tmp}/s"], "must begin with https://"),
        (["make", "{run}", "--audit", "--pictures", "-1", "--output", "{tmp}/s"], "--pictures must be 1 or more"),
        (["make", "{run}", "--systems", "ours", "nearest", "--worse", "{list}", "--output", "{tmp}/s"], "JSON object"),
        (["report", "{tmp}"], "holds no study"),
        (["report", "{study}"], "does not exist; give the files of answers"),
        (["report", "{study}", "{run}"], "holds no .json or .csv files of answers"),
        (["report", "{study}", "{list}"], "holds no answers"),
    ],
)
def test_bad_input_is_one_clear_line(run, tmp_path, capsys, arguments, words):
    (tmp_path / "list.json").write_text("[1]")
    folders = {"run": run, "tmp": tmp_path, "list": tmp_path / "list.json"}
    if "{study}" in arguments:
        folders["study"] = make(run)
    assert main(["study", *(argument.format(**folders) for argument in arguments)]) == 1
    told = capsys.readouterr().err
    assert words in told and "Traceback" not in told


def test_a_run_without_captions_says_which_chapter_writes_them(run, capsys):
    shutil.rmtree(run / "results")
    assert main(["study", "make", str(run), "--systems", *PAIR, "--output", str(run / "s")]) == 1
    assert "run the book, or chapter 03, first" in capsys.readouterr().err
