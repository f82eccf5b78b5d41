"""Files of answers: those that the page and the widget save, and those that Mechanical Turk and Prolific give.

Nothing in a file is trusted: files may be edited by hand, or come from another study. What is read
here is checked and counted by :mod:`altlib.evaluation.study.answers`.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from altlib.evaluation.study.platforms import PROLIFIC_ITEM, PROLIFIC_VALUE
from altlib.evaluation.study.questionnaire import Question, unprefixed

SUFFIXES = (".json", ".csv")


def answer_files(path: Path) -> list[Path]:
    """The file itself, or the .json and .csv files of a folder in the order of their names."""
    return sorted(p for p in path.iterdir() if p.suffix.lower() in SUFFIXES) if path.is_dir() else [path]


def read_answers(path: Path, questions: Sequence[Question]) -> Iterator[dict[str, Any]]:
    """The answers in a file, unchecked.

    Returns:
        One mapping for each answer with the keys study, rater, saved, item_id, question, answer, seconds and
        rejected, which tells whether whoever runs the study has rejected the work on the platform.

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
    """The answers in a JSON file of the page or of Prolific; raises as :func:`read_answers`."""
    try:
        content = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"{path} is not valid JSON: {error}") from error
    if isinstance(content, dict) and isinstance(content.get("results"), list):
        yield from prolific_answers(content["results"], path)
        return
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
        seconds = float(item.get("seconds") or 0.0)
    except (TypeError, ValueError):
        seconds = 0.0
    return text | {
        "item_id": str(item.get("item_id", "")),
        "question": question,
        "answer": str(answer).strip().lower(),
        "seconds": seconds if math.isfinite(seconds) and seconds > 0 else 0.0,
        "rejected": bool(item.get("rejected")),
    }


def csv_answers(text: str, path: Path, questions: Sequence[Question]) -> Iterator[dict[str, Any]]:
    """The answers in a CSV file of the page or of Mechanical Turk; raises as :func:`read_answers`."""
    try:
        reader = csv.DictReader(io.StringIO(text, newline=""))
        rows, columns = list(reader), set(reader.fieldnames or ())
    except csv.Error as error:
        raise ValueError(f"{path} is not a CSV file: {error}") from error
    turk = "WorkerId" in columns
    item_column = "Input.item_id" if turk else "item_id"
    needed = {item_column, "WorkerId"} if turk else {"rater", item_column, *(q.key for q in questions)}
    if missing := sorted(needed - columns):
        raise ValueError(f"{path} lacks the columns {', '.join(missing)}")
    for row in rows:
        plain = {column: unprefixed(value or "") for column, value in row.items() if column}
        item: dict[str, Any] = {
            "item_id": plain[item_column],
            "seconds": plain.get("WorkTimeInSeconds" if turk else "seconds"),
        }
        if turk:
            item["rejected"] = plain.get("AssignmentStatus", "").strip().lower() == "rejected"
            plain |= {"rater": plain["WorkerId"], "saved": plain.get("SubmitTime", "")}
        for question in questions:
            answer = turk_answer(plain, question.key, question.choices) if turk else plain[question.key]
            if answer:
                yield answer_row(plain, item, question.key, answer)


def turk_answer(row: dict[str, Any], question: str, choices: Iterable[str]) -> str:
    """The answer in a row of Mechanical Turk: a column with the value, or one of "true" and "false" per choice."""
    if value := row.get(f"Answer.{question}"):
        return str(value)
    return next((c for c in choices if str(row.get(f"Answer.{question}.{c}", "")).lower() == "true"), "")


def prolific_answers(results: list[Any], path: Path) -> Iterator[dict[str, Any]]:
    """The answers in the responses of a batch of Prolific's task builder; raises as :func:`read_answers`.

    Each of them is one participant's answer to one question. The item is told by the metadata of the
    dataset, the question by the value of the answer (:mod:`altlib.evaluation.study.platforms`).
    """
    for result in results:
        response = result.get("response") if isinstance(result, dict) else None
        if not isinstance(response, dict) or not isinstance(response.get("answer"), list):
            raise ValueError(f"{path}: each of 'results' must have a 'response' with an 'answer': {str(result)[:80]}")
        metadata = result.get("metadata")
        item = {"item_id": metadata.get(PROLIFIC_ITEM, "") if isinstance(metadata, dict) else ""}
        file = {"rater": result.get("participant_id"), "saved": result.get("created_at")}
        for option in response["answer"]:
            value = str(option.get("value", "")) if isinstance(option, dict) else ""
            question, _, answer = value.partition(PROLIFIC_VALUE)
            yield answer_row(file, item, question, answer)
