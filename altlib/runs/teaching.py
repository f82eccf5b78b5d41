"""The page for teachers: plans of workshops with the run's own times, and what to say with each chapter.

What a teacher says stands in ``book/teaching.toml``; minutes come from the records of a run and from the
exercises of its chapters.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from altlib.core.errors import RunError
from altlib.runs.exercises import Exercise, read_exercises

NOTES = "teaching.toml"
LONGEST_LIVE = 5  # minutes; a chapter that takes longer is not run while people wait
ROOM = "for questions"


def read_notes(book: Path) -> dict[str, Any]:
    """What ``teaching.toml`` of a book holds: ``plans``, and ``chapters`` by file name without ending.

    Raises:
        RunError: It is not valid.
    """
    path = book / NOTES
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RunError(f"{path} is not valid TOML: {error}") from error


def run_minutes(seconds: float) -> int:
    """Minutes that running a chapter takes in a plan, rounded up; 0 if it takes too long to be run live."""
    minutes = math.ceil(seconds / 60)
    return minutes if minutes <= LONGEST_LIVE else 0


def chosen_exercises(step: Mapping[str, Any], exercises: Mapping[str, list[Exercise]]) -> list[tuple[str, Exercise]]:
    """The exercises of a plan's step, each with its chapter.

    Raises:
        RunError: The step names a chapter or an exercise that is not there.
    """
    stem = step.get("chapter", "")
    if stem and stem not in exercises:
        raise RunError(f"{NOTES}: a plan names the chapter {stem!r}, which is not there")
    known = {exercise.number: exercise for exercise in exercises.get(stem, [])}
    wanted = step.get("exercises", [])
    if lacking := [number for number in wanted if number not in known]:
        raise RunError(f"{NOTES}: a plan names exercise {lacking[0]} of {stem}, which has {len(known)}")
    return [(stem, known[number]) for number in wanted]


def timed_plan(
    plan: Mapping[str, Any], seconds: Mapping[str, float], exercises: Mapping[str, list[Exercise]]
) -> dict[str, Any]:
    """A plan with its minutes, cut until it fits: exercises are left out from the end.

    Args:
        plan: With title, minutes, audience and steps.
        seconds: How long each chapter ran.
        exercises: Of each chapter.

    Returns:
        What the page shows of it: title, audience, verdict, steps, left_out and read_back.

    Raises:
        RunError: The plan names what is not there.
    """
    chosen = [chosen_exercises(step, exercises) for step in plan["steps"]]
    live = [run_minutes(seconds.get(step.get("chapter", ""), 0.0)) for step in plan["steps"]]

    def length(number: int) -> int:
        return plan["steps"][number]["talk"] + live[number] + sum(e.minutes for _, e in chosen[number])

    left_out: list[tuple[str, Exercise]] = []
    while sum(map(length, range(len(chosen)))) > plan["minutes"] and any(chosen):
        last = max(number for number, of_step in enumerate(chosen) if of_step)
        left_out.insert(0, chosen[last].pop())
    steps, start = [], 0
    for number, step in enumerate(plan["steps"]):
        stem = step.get("chapter", "")
        steps.append(
            {
                "start": start,
                "what": f"{{doc}}`{stem}`" if stem else step["activity"],
                "talk": step["talk"],
                "run": live[number] or "–",
                "exercises": "; ".join(f"number {e.number}: {e.minutes}" for _, e in chosen[number]) or "–",
                "minutes": length(number),
            }
        )
        start += length(number)
    over = start - plan["minutes"]
    return {
        "title": plan["title"],
        "audience": plan["audience"],
        "steps": steps,
        "verdict": f"It takes {start} of {plan['minutes']} minutes; "
        + (f"{-over} are left {ROOM}." if over <= 0 else f"it is {over} too long even without exercises: leave out a chapter."),
        "left_out": "; ".join(f"exercise {e.number} of {stem}" for stem, e in left_out),
        "read_back": ", ".join(
            s["chapter"] for s in plan["steps"] if "chapter" in s and math.ceil(seconds.get(s["chapter"], 0.0) / 60) > LONGEST_LIVE
        ),
    }  # fmt: skip


def spoken_time(seconds: float) -> str:
    """A duration in words: seconds up to two minutes, then minutes."""
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} minutes"


def teaching_page(book: Path, titles: Mapping[str, str], records: Mapping[str, Mapping[str, Any]], run: str) -> str:
    """The page for teachers, as Markdown.

    Args:
        book: The folder of the notebooks and of ``teaching.toml``.
        titles: Of the chapters, by file name without ending, in order.
        records: Of the chapters in this run.
        run: Its name.

    Raises:
        RunError: The notes name what is not there, or are not valid.
    """
    from jinja2 import Environment, StrictUndefined

    notes = read_notes(book)
    exercises = {stem: read_exercises(book / f"{stem}.ipynb") for stem in titles}
    if unknown := set(notes["chapters"]) - set(titles):
        raise RunError(f"{NOTES} has notes on {', '.join(sorted(unknown))}, which is no chapter")
    seconds = {stem: record["wall_time_s"] for stem, record in records.items()}
    machine = next(iter(records.values()))["hardware"]
    chapters = [
        {
            **notes["chapters"][stem],
            "stem": stem,
            "title": f"{stem.split('-')[0]} {title}",
            "time": spoken_time(seconds[stem]),
            "exercises": "; ".join(f"{e.number} {e.title} ({e.minutes} minutes)" for e in exercises[stem]),
        }
        for stem, title in titles.items()
        if stem in notes["chapters"]
    ]
    template = (files("altlib.runs") / "teaching.md.jinja").read_text(encoding="utf-8")
    environment = Environment(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True)
    return environment.from_string(template).render(
        run=run,
        machine=f"{machine['cores']} cores ({machine['processor']})",
        python=".".join(machine["python"].split(".")[:2]),
        system=machine["system"],
        plans=[timed_plan(plan, seconds, exercises) for plan in notes["plans"]],
        chapters=chapters,
        longest_live=LONGEST_LIVE,
    )
