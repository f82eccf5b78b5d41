"""Answers of raters: read, merged, and left out by rules that are counted.

Three kinds of files are read: the JSON and the CSV files that the page and the widget save, and the
results that Mechanical Turk gives. Nothing in a file is trusted: files may be edited by hand, or
come from another study.
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from altlib.core.files import write_json
from altlib.evaluation.study.questionnaire import Question, Study, spreadsheet_safe

COLUMNS = ("rater", "item_id", "question", "answer", "seconds", "saved")
LONGEST_NAME = 100  # characters of a rater's name

ANOTHER_STUDY = "from another study"
UNKNOWN_ITEM = "unknown item"
NO_CHOICE = "not one of the choices"
NO_RATER = "no rater's name"
REPEATED = "given again with the same answer"
REPLACED = "replaced by a later answer of the same rater"
CONTRADICTORY = "contradictory answers of the same rater"


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


def answer_files(path: Path) -> list[Path]:
    """The file itself, or the .json and .csv files of a folder in the order of their names."""
    return sorted(p for p in path.iterdir() if p.suffix.lower() in (".json", ".csv")) if path.is_dir() else [path]


def read_answers(path: Path, questions: Sequence[Question]) -> Iterator[dict[str, Any]]:
    """The answers in a file, unchecked, with the keys of :data:`COLUMNS` and study.

    Raises:
        ValueError: The file is neither JSON nor CSV as described above; the message says what is wrong.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not a text file in UTF-8") from error
    if path.suffix.lower() == ".json":
        yield from json_answers(text, path)
    elif path.suffix.lower() == ".csv":
        yield from csv_answers(text, path, questions)
    else:
        raise ValueError(f"{path}: answers are .json or .csv files, as the page saves them")


def json_answers(text: str, path: Path) -> Iterator[dict[str, Any]]:
    """The answers in a JSON file; raises as :func:`read_answers`."""
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} is not valid JSON: {error}") from error
    if not isinstance(content, dict) or not isinstance(content.get("items"), list):
        raise ValueError(f"{path} holds no answers: a JSON object with 'study', 'rater' and a list 'items' is expected")
    for item in content["items"]:
        if not isinstance(item, dict) or not isinstance(item.get("answers"), dict):
            raise ValueError(f"{path}: each of 'items' must have 'item_id' and 'answers', unlike {str(item)[:80]}")
        for question, answer in item["answers"].items():
            yield answer_row(content, item, question, answer)


def answer_row(file: dict[str, Any], item: dict[str, Any], question: str, answer: Any) -> dict[str, Any]:
    """One answer; what is missing or of the wrong type becomes an empty text or 0."""
    text = {k: str(file.get(k) or "").strip() for k in ("study", "rater", "saved")}
    try:
        seconds = max(0.0, float(item.get("seconds") or 0.0))
    except (TypeError, ValueError):
        seconds = 0.0
    return text | {
        "item_id": str(item.get("item_id", "")),
        "question": question,
        "answer": str(answer).strip().lower(),
        "seconds": seconds,
    }


def csv_answers(text: str, path: Path, questions: Sequence[Question]) -> Iterator[dict[str, Any]]:
    """The answers in a CSV file of the page or of Mechanical Turk; raises as :func:`read_answers`."""
    reader = csv.DictReader(io.StringIO(text, newline=""))
    columns = set(reader.fieldnames or ())
    turk = "WorkerId" in columns
    item_column = "Input.item_id" if turk else "item_id"
    needed = {item_column, "WorkerId"} if turk else {"rater", item_column, *(q.key for q in questions)}
    if missing := sorted(needed - columns):
        raise ValueError(f"{path} lacks the columns {', '.join(missing)}")
    for row in reader:
        plain = {column: unprefixed(value or "") for column, value in row.items() if column}
        item = {"item_id": plain[item_column], "seconds": plain.get("WorkTimeInSeconds" if turk else "seconds")}
        file = plain | ({"rater": plain["WorkerId"], "saved": plain.get("SubmitTime")} if turk else {})
        for question in questions:
            answer = turk_answer(plain, question.key, question.choices) if turk else plain[question.key]
            if answer:
                yield answer_row(file, item, question.key, answer)


def unprefixed(cell: str) -> str:
    """A cell without the apostrophe that keeps a spreadsheet from taking it for a formula."""
    return cell[1:] if cell.startswith("'") and spreadsheet_safe(cell[1:]) == cell else cell


def turk_answer(row: dict[str, Any], question: str, choices: Iterable[str]) -> str:
    """The answer in a row of Mechanical Turk: a column with the value, or one of "true" and "false" per choice."""
    if value := row.get(f"Answer.{question}"):
        return str(value)
    return next((c for c in choices if str(row.get(f"Answer.{question}.{c}", "")).lower() == "true"), "")


def merge_answers(paths: Iterable[Path], study: Study | Sequence[Study]) -> Answers:
    """The answers of many files and raters; those that cannot count are left out and counted.

    Args:
        paths: The files.
        study: The study, or the rounds of one, which ask the same questions.

    Of several answers of one rater to one question on one item the latest counts; if it is not known
    which is the latest and they differ, none does.

    Raises:
        ValueError: A file is no file of answers.
    """
    rounds = [study] if isinstance(study, Study) else list(study)
    questions, known = rounds[0].questions, {"", *(each.study_id for each in rounds)}
    items = {item.item_id for each in rounds for item in each.items}
    choices = {q.key: q.choices for q in questions}
    left_out: Counter[str] = Counter()
    kept: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for path in paths:
        for row in read_answers(Path(path), questions):
            if row["study"] not in known:
                left_out[ANOTHER_STUDY] += 1
            elif not 0 < len(row["rater"]) <= LONGEST_NAME:
                left_out[NO_RATER] += 1
            elif row["item_id"] not in items:
                left_out[UNKNOWN_ITEM] += 1
            elif row["answer"] not in choices.get(row["question"], ()):
                left_out[NO_CHOICE] += 1
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
