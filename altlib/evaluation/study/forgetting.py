"""Items taken out of the keys and the answers of a study; what raters said of other items stays."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

from altlib.core.files import write_json, write_text
from altlib.evaluation.study.answer_files import SUFFIXES
from altlib.evaluation.study.folder import ANSWERS, EARLIER, INDEX, KEYS
from altlib.evaluation.study.platforms import PROLIFIC_ITEM
from altlib.evaluation.study.questionnaire import unprefixed

ITEM_COLUMNS = (
    "item_id",
    "Input.item_id",
    PROLIFIC_ITEM,
)  # of files of answers, see altlib.evaluation.study.answer_files
LISTS = ("items", "results")  # of answers in JSON, by the page and by Prolific


def forget_in_study(folder: Path, gone: Callable[[str], bool]) -> bool:
    """Take items out of a study's folder.

    The keys and the files of answers stay without the items; every other file is deleted, as pages
    and pictures cannot be told apart by item.

    Args:
        folder: Of a study, or of the sheet of an audit.
        gone: Whether the picture of this name is to be forgotten.

    Returns:
        Whether anything is left.
    """
    items: set[str] = set()
    for keys in [folder / KEYS, *folder.glob(f"{EARLIER}/*/{KEYS}")]:
        for file in sorted(keys.glob("*.csv")) if keys.is_dir() else ():
            items |= forget_rows(file, gone, "source_item")

    def asked_about(item: str) -> bool:
        return item in items or gone(item)

    for file in [p for p in folder.rglob("*") if p.is_file()]:
        inside = file.relative_to(folder).parts
        if KEYS in inside[:-1] and (file.name == INDEX or file.suffix == ".csv"):
            continue
        if file.suffix.lower() in SUFFIXES and (inside[0] == ANSWERS or len(inside) == 1):
            forget_answers(file, asked_about)
        else:
            file.unlink()
    for path in sorted((p for p in folder.rglob("*") if p.is_dir()), reverse=True):
        if not any(path.iterdir()):
            path.rmdir()
    return any(folder.iterdir())


def forget_rows(file: Path, gone: Callable[[str], bool], column: str) -> set[str]:
    """Take the rows whose ``column`` names what is to be forgotten out of a CSV file; returns their item_id."""
    with file.open(encoding="utf-8-sig", newline="") as table:
        rows = list(csv.reader(table))
    if not rows or column not in rows[0]:
        return set()
    place, name = rows[0].index(column), rows[0].index("item_id") if "item_id" in rows[0] else rows[0].index(column)
    taken = [row for row in rows[1:] if len(row) > place and gone(unprefixed(row[place]))]
    if taken:
        text = io.StringIO()
        csv.writer(text).writerows(row for row in rows if row not in taken)
        write_text(file, text.getvalue())
    return {unprefixed(row[name]) for row in taken if len(row) > name}


def forget_answers(file: Path, gone: Callable[[str], bool]) -> None:
    """Take items out of a file of answers; a file that cannot be read as one is deleted, as nobody knows what it holds."""
    try:
        if file.suffix.lower() == ".csv":
            with file.open(encoding="utf-8-sig", newline="") as table:
                columns = next(csv.reader(table), [])
            forget_rows(file, gone, next(name for name in ITEM_COLUMNS if name in columns))
        else:
            content = json.loads(file.read_text(encoding="utf-8-sig"))
            name = next(name for name in LISTS if isinstance(content.get(name), list))
            left = [entry for entry in content[name] if not gone(named_item(entry))]
            if len(left) < len(content[name]):
                write_json(file, content | {name: left})
    except (ValueError, AttributeError, StopIteration, RecursionError, csv.Error):
        file.unlink()


def named_item(entry: dict[str, object]) -> str:
    """The item that an answer is about, in the layout of the page or of Prolific."""
    metadata = entry.get("metadata")
    named = metadata.get(PROLIFIC_ITEM) if isinstance(metadata, dict) else entry.get("item_id")
    return str(named or "")
