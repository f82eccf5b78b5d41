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
KEYED_BY = "source_item"  # the column of a key that names the picture
LISTS = ("items", "results")  # of answers in JSON, by the page and by Prolific


def forget_in_study(folder: Path, gone: Callable[[str], bool]) -> bool:
    """Take items out of a study's folder.

    The keys and the files of answers stay without the items; every other file is deleted, as pages
    and pictures cannot be told apart by item. If this is stopped, doing it again finishes it.

    Args:
        folder: Of a study, or of the sheet of an audit.
        gone: Whether the picture of this name is to be forgotten.

    Returns:
        Whether anything is left.
    """
    keys = keys_in(folder)
    items = {item for file in keys for item in named_items(file, gone)}

    def asked_about(item: str) -> bool:
        return item in items or gone(item)

    kept = {*keys, *folder.rglob(f"{KEYS}/{INDEX}")}
    for file in [p for p in folder.rglob("*") if p.is_file() and p not in kept]:
        inside = file.relative_to(folder).parts
        if file.suffix.lower() in SUFFIXES and (inside[0] == ANSWERS or len(inside) == 1):
            forget_answers(file, asked_about)
        else:
            file.unlink()
    for file in keys:  # last, as nothing else tells which items are to be forgotten
        forget_rows(file, gone, KEYED_BY)
    for path in sorted((p for p in folder.rglob("*") if p.is_dir()), reverse=True):
        if not any(path.iterdir()):
            path.rmdir()
    return any(folder.iterdir())


def keys_in(folder: Path) -> list[Path]:
    """The keys of a study and of earlier ones in its folder."""
    tables = [file for each in (folder, *folder.glob(f"{EARLIER}/*")) for file in sorted((each / KEYS).glob("*.csv"))]
    return [file for file in tables if is_key(file)]


def pictures_in(folder: Path) -> set[str]:
    """The item_id in the corpus of all pictures that a study asks about."""
    found = set()
    for file in keys_in(folder):
        columns, *rows = read_rows(file)
        found |= {unprefixed(row[columns.index(KEYED_BY)]) for row in rows}
    return found


def read_rows(file: Path) -> list[list[str]]:
    """The rows of a CSV file, the names of its columns first."""
    with file.open(encoding="utf-8-sig", newline="") as table:
        return list(csv.reader(table))


def is_key(file: Path) -> bool:
    """Whether a file can be read as a key; one that was edited into something else cannot."""
    try:
        columns, *rows = read_rows(file)
    except (ValueError, csv.Error):
        return False
    return {KEYED_BY, "item_id"} <= set(columns) and all(len(row) == len(columns) for row in rows)


def named_items(file: Path, gone: Callable[[str], bool]) -> set[str]:
    """The items of a key whose picture is to be forgotten."""
    columns, *rows = read_rows(file)
    picture, item = columns.index(KEYED_BY), columns.index("item_id")
    return {unprefixed(row[item]) for row in rows if gone(unprefixed(row[picture]))}


def forget_rows(file: Path, gone: Callable[[str], bool], column: str) -> None:
    """Take the rows whose ``column`` names what is to be forgotten out of a CSV file."""
    columns, *rows = read_rows(file)
    place = columns.index(column)
    left = [row for row in rows if len(row) > place and not gone(unprefixed(row[place]))]
    if len(left) < len(rows):
        text = io.StringIO()
        csv.writer(text).writerows([columns, *left])
        write_text(file, text.getvalue())


def forget_answers(file: Path, gone: Callable[[str], bool]) -> None:
    """Take items out of a file of answers; a file that cannot be read as one is deleted, as nobody knows what it holds."""
    try:
        if file.suffix.lower() == ".csv":
            columns = next(iter(read_rows(file)), [])
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
