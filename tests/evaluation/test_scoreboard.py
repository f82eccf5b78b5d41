"""The living index of the works beside a run."""

import csv
import io
import json
import math
from dataclasses import replace

import numpy as np
import pytest

from altlib.core.measured import Measured, write_measured
from altlib.evaluation import scoreboard
from altlib.evaluation.scoreboard import FAILS, HOLDS, INCOMPARABLE, NOT_RUN, UNDECIDED
from altlib.generation import systems
from altlib.published.index.reading import claims, numbers, works
from tests.conftest import ROOT

TABLE1 = "03-results-and-decoding"
REAL = {"collection": {"source": "jsonl"}, "training": {"clip_model": "ViT-B-32", "language_model": "gpt2"}}
NUMBER = next(n for n in numbers() if n.key == "twitter-table1: Ours (Text + Image), BS (NR), CIDEr")  # 7.661


def measured(*draws: float, words: float = 9.0) -> Measured:
    return Measured(float(np.mean(draws)), np.array(draws), "pictures", 5, words)


def entry_of(number, *draws: float, differs: str = ""):
    run = {TABLE1: {(number.subject, number.measure): measured(*draws)}} if draws else {TABLE1: {}}
    return scoreboard.number_entry(number, run, differs, works()[number.work])


@pytest.fixture
def run(tmp_path):
    """A run of chapter 03 alone, in which text and image score high and all others alike."""
    results = {(n.subject, n.measure): measured(1, 2, 3) for n in numbers() if n.chapter == TABLE1}
    results |= {(NUMBER.subject, n.measure): measured(11, 12, 13) for n in numbers() if n.chapter == TABLE1}
    write_measured(tmp_path / scoreboard.FOLDER / f"{TABLE1}.parquet", results)
    (tmp_path / "parameters.json").write_text(json.dumps({"collection": {"source": "miniworld"}}))
    return tmp_path


def test_every_number_and_every_claim_has_an_entry(run):
    entries = scoreboard.index_of_run(run)
    assert [e.id for e in entries] == [c.id for c in claims()] + [n.key for n in numbers()]
    assert all(e.verdict in scoreboard.VERDICTS and e.reason.endswith(".") for e in entries)


def test_a_run_decides_the_claims_of_the_chapters_that_ran(run):
    found = {e.id: e for e in scoreboard.index_of_run(run)}
    assert found["twitter-sources-stack"].verdict == HOLDS
    assert found["twitter-sources-stack"].value == 10 and found["twitter-sources-stack"].words == 9.0
    assert found["twitter-finetuning-helps"].verdict == UNDECIDED  # both score alike
    assert found["clip-base-at-chance"].reason == "Chapter 06-clip-prefers-descriptions has not run."
    assert found["twitter-counting-is-hard"].verdict == INCOMPARABLE


@pytest.mark.parametrize(
    "number, draws, differs, verdict, words",
    [
        (NUMBER, (7, 8), "", HOLDS, "lies inside"),
        (NUMBER, (1, 2), "", FAILS, "lies outside"),
        (NUMBER, (7, 8), "another model", INCOMPARABLE, "another model"),
        (NUMBER, (math.nan,), "", INCOMPARABLE, "no interval"),
        (NUMBER, (), "", NOT_RUN, "did not measure it"),
        (replace(NUMBER, lacking="it is elsewhere"), (7, 8), "", INCOMPARABLE, "it is elsewhere"),
        (replace(NUMBER, half=6.0), (1, 2), "", HOLDS, "lies inside"),
    ],
)
def test_a_number_is_compared_with_the_interval_of_this_run(number, draws, differs, verdict, words):
    entry = entry_of(number, *draws, differs=differs)
    assert entry.verdict == verdict and words in entry.reason


def test_numbers_are_compared_only_on_the_data_and_models_of_the_work():
    twitter = works()["twitter"]
    assert scoreboard.unlike(twitter, REAL) == ""
    differs = scoreboard.unlike(twitter, {"collection": {"source": "miniworld"}})
    assert "collection.source is miniworld, the work has data of its own" in differs
    assert "training.language_model is empty, the work has gpt2" in differs


def test_chapters_that_were_executed_one_by_one_have_no_parameters_to_compare(run):
    (run / "parameters.json").unlink()
    entry = next(e for e in scoreboard.index_of_run(run) if e.id == NUMBER.key)
    assert entry.verdict == INCOMPARABLE and "no parameters are recorded" in entry.reason


def test_the_index_is_written_as_json_and_csv_without_what_is_no_number(run):
    entries = scoreboard.index_of_run(run)
    as_json = json.loads(json.dumps(scoreboard.records(entries), allow_nan=False))
    as_csv = list(csv.DictReader(io.StringIO(scoreboard.as_csv(entries))))
    assert [row["id"] for row in as_json] == [row["id"] for row in as_csv] == [e.id for e in entries]
    assert as_json[0]["link"] == entries[0].link and as_csv[0]["verdict"] == entries[0].verdict
    assert {row["value"] for row in as_json if row["verdict"] == NOT_RUN} == {None}


@pytest.mark.parametrize("chapter, cell", sorted({(e.chapter, e.cell) for e in [*claims(), *numbers()]}))
def test_links_lead_to_cells_that_exist(chapter, cell):
    notebook = json.loads((ROOT / "book" / f"{chapter}.ipynb").read_text(encoding="utf-8"))
    tags = [tag for c in notebook["cells"] for tag in c["metadata"].get("tags", [])]
    assert tags.count(f"anchor-{cell}") == 1


def test_what_claims_and_numbers_name_is_measured_by_the_smoke_book(book):
    """Whatever needs a parameter that the smoke book does not set says so."""
    names = scoreboard.read_run(book)
    assert set(names) == {e.chapter for e in [*claims(), *numbers()]}
    dead = [e.id for e in scoreboard.index_of_run(book) if e.verdict == NOT_RUN]
    needs = {c.id: c.needs for c in claims()} | {n.key: n.needs for n in numbers()}
    assert [name for name in dead if not needs[name]] == []


def test_names_that_the_smoke_book_does_not_measure_are_those_of_the_code(book):
    """The other paradigms have the names of those that ran, and BLIP-2 that of its row."""
    named = {name for claim in claims() for name in (claim.subject, *claim.others)}
    paradigms = {name for name in named if name.endswith((", P2", ", P3"))}
    ran = {subject for subject, _ in scoreboard.read_run(book)["08-preference-optimisation"]}
    assert paradigms and {f"{name[:-2]}P1" for name in paradigms} <= ran
    assert systems.BLIP in named
