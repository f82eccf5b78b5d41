"""Answers of raters: written, merged, and left out by rules that are counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from altlib.core.files import write_json
from altlib.evaluation.study.answer_files import read_answers
from altlib.evaluation.study.questionnaire import Question, Study

COLUMNS = ("rater", "item_id", "question", "answer", "seconds", "saved")
LONGEST_NAME = 100  # characters of a rater's name

ANOTHER_STUDY = "from another study"
UNKNOWN_ITEM = "unknown item"
NO_CHOICE = "not one of the choices"
NO_RATER = "no rater's name"
REJECTED = "rejected on the platform"
REPEATED = "given again with the same answer"
REPLACED = "replaced by a later answer of the same rater"
CONTRADICTORY = "contradictory answers of the same rater"


@dataclass(frozen=True)
class Expected:
    """Which answers belong to a study.

    Attributes:
        studies: Identities of its rounds.
        items: Names of their items.
        questions: What every round asks.
    """

    studies: frozenset[str]
    items: frozenset[str]
    questions: tuple[Question, ...]

    @classmethod
    def of(cls, rounds: Sequence[Study]) -> Expected:
        """What belongs to the rounds of a study, which ask the same questions."""
        items = frozenset(item.item_id for each in rounds for item in each.items)
        return cls(frozenset(each.study_id for each in rounds), items, rounds[0].questions)

    def problem(self, row: dict[str, Any]) -> str:
        """Why an answer does not count; empty if it does."""
        if row["study"] not in self.studies | {""}:  # platforms and filled-in sheets do not name the study
            return ANOTHER_STUDY
        if not 0 < len(row["rater"]) <= LONGEST_NAME:
            return NO_RATER
        if row["rejected"]:
            return REJECTED
        if row["item_id"] not in self.items:
            return UNKNOWN_ITEM
        choices = next((q.choices for q in self.questions if q.key == row["question"]), {})
        return "" if row["answer"] in choices else NO_CHOICE


@dataclass(frozen=True)
class Answers:
    """Answers that count, and how many were left out.

    Attributes:
        frame: One row per answer with the columns :data:`COLUMNS`; seconds are those spent on the item.
        left_out: How many answers were left out, by reason.
    """

    frame: pd.DataFrame
    left_out: Counter[str]

    def exclusions(self) -> pd.DataFrame:
        """One row per reason: reason, answers."""
        return pd.DataFrame(sorted(self.left_out.items()), columns=["reason", "answers left out"])

    def without(self, raters: Iterable[str], reason: str) -> Answers:
        """The answers without those of some raters, who are counted under ``reason``."""
        gone = self.frame["rater"].isin(list(raters))
        return Answers(self.frame[~gone].reset_index(drop=True), self.left_out + Counter({reason: int(gone.sum())}))


def write_answers(
    path: Path, study: Study, rater: str, saved: str, given: dict[str, dict[str, str]], seconds: dict[str, float]
) -> None:
    """Write one rater's answers as the page does.

    Args:
        path: A JSON file.
        study: The study.
        rater: Who answers.
        saved: Time in ISO 8601.
        given: item_id -> question -> answer.
        seconds: item_id -> time spent on it.
    """
    items = [
        {"item_id": item, "answers": answers, "seconds": round(seconds.get(item, 0.0), 1)}
        for item, answers in given.items()
    ]
    write_json(path, {"study": study.study_id, "rater": rater, "saved": saved, "items": items})


def merge_answers(paths: Iterable[Path], expected: Expected) -> Answers:
    """The answers of many files and raters; those that cannot count are left out and counted.

    Of several answers of one rater to one question on one item the latest counts; if it is not known
    which is the latest and they differ, none does.

    Args:
        paths: The files.
        expected: What belongs to the study.

    Raises:
        ValueError: A file is no file of answers.
    """
    left_out: Counter[str] = Counter()
    kept: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for path in paths:
        for row in read_answers(Path(path), expected.questions):
            if problem := expected.problem(row):
                left_out[problem] += 1
            else:
                kept.setdefault((row["rater"], row["item_id"], row["question"]), []).append(row)
    rows = []
    for same in kept.values():
        latest = max(row["saved"] for row in same)
        last = [row for row in same if row["saved"] == latest]
        if len({row["answer"] for row in last}) > 1:
            left_out[CONTRADICTORY] += len(same)
            continue
        rows.append({k: last[0][k] for k in COLUMNS})
        repeated = sum(row["answer"] == last[0]["answer"] for row in same) - 1
        left_out[REPEATED] += repeated
        left_out[REPLACED] += len(same) - 1 - repeated
    return Answers(pd.DataFrame(rows, columns=list(COLUMNS)), +left_out)
