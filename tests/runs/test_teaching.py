"""The page for teachers."""

import pytest

from altlib.core.errors import RunError
from altlib.runs.exercises import Exercise, read_exercises
from altlib.runs.parameters import read_chapters
from altlib.runs.teaching import LONGEST_LIVE, read_notes, run_minutes, teaching_page, timed_plan
from tests.conftest import ROOT

CHAPTERS = [c for c in read_chapters(ROOT / "book") if c.notebook.stem[0] != "A"]
EXERCISES = {
    "01-first": [Exercise(1, "What leaks?", 10), Exercise(2, "Why?", 5)],
    "02-second": [Exercise(1, "How?", 15)],
}
PLAN = {
    "title": "Short",
    "minutes": 50,
    "audience": "All.",
    "steps": [
        {"activity": "Welcome", "talk": 5},
        {"chapter": "01-first", "talk": 10, "exercises": [1, 2]},
        {"chapter": "02-second", "talk": 5, "exercises": [1]},
    ],
}


def test_a_plan_adds_up_talk_the_run_s_own_minutes_and_exercises():
    plan = timed_plan(PLAN | {"minutes": 60}, {"01-first": 61.0, "02-second": 12.0}, EXERCISES)
    assert [step["start"] for step in plan["steps"]] == [0, 5, 32]
    assert [step["minutes"] for step in plan["steps"]] == [5, 10 + 2 + 15, 5 + 1 + 15]
    assert plan["verdict"].startswith("It takes 53 of 60 minutes; 7 are left") and plan["left_out"] == ""


def test_a_plan_that_is_too_long_loses_exercises_from_its_end():
    plan = timed_plan(PLAN, {"01-first": 61.0, "02-second": 12.0}, EXERCISES)
    assert plan["left_out"] == "exercise 1 of 02-second" and plan["verdict"].startswith("It takes 38 of 50")
    shortest = timed_plan(PLAN | {"minutes": 10}, {}, EXERCISES)
    assert "10 too long even without exercises" in shortest["verdict"]


def test_a_chapter_that_runs_for_long_is_not_run_while_people_wait():
    plan = timed_plan(PLAN | {"minutes": 60}, {"01-first": 60.0 * LONGEST_LIVE + 1}, EXERCISES)
    assert plan["read_back"] == "01-first" and plan["steps"][1]["run"] == "–"
    assert (run_minutes(60), run_minutes(61), run_minutes(60 * LONGEST_LIVE + 1)) == (1, 2, 0)


@pytest.mark.parametrize(
    ("step", "said"),
    [({"chapter": "03-third"}, "the chapter '03-third', which is not there"), ({"chapter": "01-first", "exercises": [7]}, "names exercise 7 of 01-first, which has 2")],
)  # fmt: skip
def test_a_plan_that_names_what_is_not_there_is_refused(step, said):
    with pytest.raises(RunError, match=said):
        timed_plan(PLAN | {"steps": [{"talk": 1} | step]}, {}, EXERCISES)


def test_the_page_has_plans_that_fit_and_notes_on_every_chapter_with_exercises():
    """With chapters that each take a minute."""
    hardware = {"cores": 2, "processor": "Fast", "python": "3.11.7", "system": "Linux x86_64"}
    titles = {chapter.notebook.stem: chapter.title for chapter in CHAPTERS}
    records = {stem: {"wall_time_s": 60.0, "hardware": hardware} for stem in titles}
    page = teaching_page(ROOT / "book", titles, records, "r")
    notes = read_notes(ROOT / "book")
    for plan in notes["plans"]:
        assert f"## {plan['title']}" in page
    assert "too long" not in page and "Left out, as" not in page
    with_exercises = [c.notebook.stem for c in CHAPTERS if read_exercises(c.notebook)]
    assert list(notes["chapters"]) == with_exercises
    assert all(f"{{doc}}`The chapter <{stem}>` took 60 s" in page for stem in with_exercises)


def test_notes_that_cannot_be_read_are_named(tmp_path):
    (tmp_path / "teaching.toml").write_text("plans = [")
    with pytest.raises(RunError, match=r"teaching\.toml is not valid TOML"):
        read_notes(tmp_path)
