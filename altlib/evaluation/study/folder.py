"""A study on disk: the pages for raters, and the keys that raters must not see.

The folder ``keys`` holds which system wrote what, and which answers belong to the study, so that
answers can be counted without the run that the study was made from. When another study is written to
the same folder and there are answers in its folder ``answers``, the keys to them are kept in
``earlier/<identity>``, which is read like a folder of its own.
"""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from altlib.core.errors import StudyError
from altlib.core.files import read_json, write_json, write_text
from altlib.evaluation.study.answer_files import answer_files
from altlib.evaluation.study.answers import Answers, Expected, merge_answers
from altlib.evaluation.study.comparisons import KEY_COLUMNS, Comparisons
from altlib.evaluation.study.page import write_page
from altlib.evaluation.study.questionnaire import Question, Study, spreadsheet_safe, unprefixed

KEYS, INDEX, ANSWERS, EARLIER = "keys", "study.json", "answers", "earlier"


@dataclass(frozen=True)
class StoredStudy:
    """What a folder tells about its study.

    Attributes:
        expected: Which answers belong to it.
        key: Of all its rounds, with the columns :data:`altlib.evaluation.study.comparisons.KEY_COLUMNS`; those of an
            audit but for item_id and round are empty.
        pairs: The compared systems; none in an audit.
        identical: Comparisons that nobody is asked, because both systems wrote the same text.
    """

    expected: Expected
    key: pd.DataFrame
    pairs: list[tuple[str, str]]
    identical: int


def write_study(rounds: Sequence[Comparisons], folder: Path, completion_code: str = "") -> list[str]:
    """Write a page for each round of comparisons, and the keys.

    Args:
        rounds: The rounds.
        folder: Where to.
        completion_code: Shown at the end of each page, for a platform that asks raters for one.

    Returns:
        The names of the pages.
    """
    studies = [found.study for found in rounds]
    keep_earlier(folder, studies)
    for found in rounds:
        write_key(folder / KEYS / f"{found.study.name}.csv", found.key)
    last = rounds[-1]
    write_index(folder, studies, last.pairs, len(last.identical))
    return write_pages(studies, folder, completion_code)


def write_audit(study: Study, folder: Path, completion_code: str = "") -> list[str]:
    """Write the page of an audit, and the names of its items; like :func:`write_study`."""
    keep_earlier(folder, [study])
    rows = [{"item_id": item.item_id, "round": study.name, "source_item": item.item_id} for item in study.items]
    write_key(folder / KEYS / f"{study.name}.csv", pd.DataFrame(rows).reindex(columns=list(KEY_COLUMNS), fill_value=""))
    write_index(folder, [study], (), 0)
    return write_pages([study], folder, completion_code)


def write_pages(studies: Iterable[Study], folder: Path, completion_code: str) -> list[str]:
    """Write the page of each round; returns their names."""
    names = []
    for study in studies:
        names.append(f"{study.name}.html")
        write_page(study, folder / names[-1], completion_code)
    return names


def write_key(path: Path, key: pd.DataFrame) -> None:
    """Write the key of a round, whole or not at all, so that no cell is a formula."""
    text = io.StringIO()
    rows = [[spreadsheet_safe(str(cell)) for cell in row] for row in key.itertuples(index=False)]
    csv.writer(text).writerows([list(key.columns), *rows])
    write_text(path, text.getvalue())


def write_index(folder: Path, studies: Sequence[Study], pairs: Sequence[tuple[str, str]], identical: int) -> None:
    """Write which answers belong to the study; the last thing that is written of its keys."""
    rounds = {study.name: study.study_id for study in studies}
    questions = [asdict(question) for question in studies[0].questions]
    content = {"rounds": rounds, "questions": questions, "pairs": [list(p) for p in pairs], "identical": identical}
    write_json(folder / KEYS / INDEX, content)


def keep_earlier(folder: Path, studies: Sequence[Study]) -> None:
    """Keep the keys of another study in this folder, if the folder has answers."""
    if not (folder / KEYS / INDEX).is_file():
        return
    known = read_index(folder)["rounds"]
    if known == {study.name: study.study_id for study in studies}:
        return
    if (folder / ANSWERS).is_dir() and answer_files(folder / ANSWERS):
        identity = list(known.values())[-1][:8]
        shutil.copytree(folder / KEYS, folder / EARLIER / identity / KEYS, dirs_exist_ok=True)
    shutil.rmtree(folder / KEYS)


def read_index(folder: Path) -> dict[str, Any]:
    """The index of a study; raises as :func:`read_study`."""
    path = folder / KEYS / INDEX
    if not path.is_file():
        raise StudyError(f"{folder} holds no study: {path} is missing; `altlib study make` writes studies")
    found = read_json(path)
    if not isinstance(found, dict) or not {"rounds", "questions", "pairs", "identical"} <= set(found):
        raise StudyError(f"{path} does not tell rounds, questions, pairs and identical; make the study again")
    return found


def read_study(folder: Path) -> StoredStudy:
    """The study in a folder.

    Raises:
        StudyError: There is none, or a part of its keys is missing.
    """
    index = read_index(folder)
    keys = [read_key(folder / KEYS / f"{name}.csv") for name in index["rounds"]]
    questions = tuple(Question(**question) for question in index["questions"])
    key = pd.concat(keys, ignore_index=True)
    expected = Expected(frozenset(index["rounds"].values()), frozenset(key["item_id"]), questions)
    return StoredStudy(expected, key, [(pair[0], pair[1]) for pair in index["pairs"]], int(index["identical"]))


def read_key(path: Path) -> pd.DataFrame:
    """The key of a round.

    Raises:
        StudyError: There is none, or it lacks a column.
    """
    if not path.is_file():
        raise StudyError(f"{path}, the key of a round, is missing; make the study again")
    with path.open(encoding="utf-8", newline="") as file:
        rows = [{name: unprefixed(cell or "") for name, cell in row.items()} for row in csv.DictReader(file)]
    frame = pd.DataFrame(rows, columns=list(rows[0]) if rows else list(KEY_COLUMNS))
    if missing := sorted(set(KEY_COLUMNS) - set(frame.columns)):
        raise StudyError(f"{path} lacks the columns {', '.join(missing)}; make the study again")
    return frame[list(KEY_COLUMNS)]


def merge_rounds(paths: Iterable[Path], rounds: Sequence[Comparisons]) -> Answers:
    """The answers in files of any of several rounds, merged.

    Raises:
        ValueError: A file is no file of answers.
    """
    return merge_answers(paths, Expected.of([found.study for found in rounds]))
