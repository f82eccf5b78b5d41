"""The preference data of MCM-DPO: the context as the post, the chosen response as the alt text.

Its repository has a folder per network, ``data/twitter`` and ``data/pinterest``, each with a
training and a test file and the pictures of both in ``image/NAME_OF_THE_FILE``. Training files are a
JSON list of ``{"image": {"path"}, "idx", "text": JSON of {question, chosen, rejected}}``; test files
are JSON lines of ``{image_path, question, chosen, idx}``, whatever their names end in. Rejected
responses are for preference optimisation (:mod:`altlib.data.preferences`) and are not posts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from altlib.core.errors import CorpusError
from altlib.data.sources.fields import inside
from altlib.data.sources.registry import Request

# Where the data files lie, seen from the repository, from its folder data and from a network's folder.
PATTERNS = ("data/*/*.json", "*/*.json", "*.json")

# The split that the ending of a file's name stands for.
SPLIT_OF_ENDING = {"_train": "train", "_test": "test"}

MALFORMED = (KeyError, TypeError, ValueError, AttributeError, OSError, RuntimeError)  # what a broken record raises

CONTEXT = re.compile(r"context\s*:\s*(.*)", re.IGNORECASE | re.DOTALL)


def records(request: Request) -> Iterator[dict[str, Any]]:
    """The records of a file of either kind, or of all those in a folder, such as a clone of the repository.

    Raises:
        CorpusError: The folder holds no such file, or a file is of neither kind.
    """
    found = (record for file in data_files(request.where) for record in file_records(file, request.unreadable))
    yield from islice(found, request.posts or None)


def data_files(where: Path) -> list[Path]:
    """The file at ``where``, or the training and test files in that folder, in the order of their paths.

    Raises:
        CorpusError: The folder holds none.
    """
    if where.is_file():
        return [where]
    for pattern in PATTERNS:
        if found := sorted(file for file in where.glob(pattern) if split_of(file)):
            return found
    raise CorpusError(
        f"{where} holds no data of MCM-DPO: looked for files that end in _train.json or _test.json as "
        f"{', '.join(PATTERNS)}. Give the clone of its repository or one of the JSON files"
    )


def split_of(file: Path) -> str:
    """The split that a file's name stands for; empty if it names none."""
    return next((split for ending, split in SPLIT_OF_ENDING.items() if file.stem.endswith(ending)), "")


def file_records(file: Path, unreadable: list[dict]) -> Iterator[dict[str, Any]]:
    """The records of one file; those that are malformed are appended to ``unreadable``."""
    for number, entry in enumerate(entries(file), start=1):
        try:
            record = record_of(entry, number, file)
        except MALFORMED as error:
            reason = f"record is malformed: {error}"
            unreadable.append({"item_id": f"record {number} of {file.name}", "reason": reason})
        else:
            yield record


def entries(file: Path) -> list[Any]:
    """The records of a JSON list or of JSON lines; broken lines come as their text.

    Raises:
        CorpusError: A JSON list that is cut off or broken.
    """
    text = file.read_text(encoding="utf-8-sig", errors="replace")
    if text.lstrip().startswith("["):
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:
            raise CorpusError(f"{file} is not a complete JSON list: {error}") from error
    found: list[Any] = []
    for line in filter(str.strip, text.split("\n")):  # other line breaks may stand in a text
        try:
            found.append(json.loads(line))
        except (ValueError, RecursionError):
            found.append(line)
    return found


def record_of(entry: dict[str, Any], number: int, file: Path) -> dict[str, Any]:
    """One entry of ``file`` as a record.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: The entry is of another form.
    """
    told = json.loads(entry["text"]) if "text" in entry else entry
    image = entry["image"]["path"] if "image" in entry else entry["image_path"]
    if not isinstance(told["chosen"], str):
        raise TypeError("the chosen response is not a text")
    context = CONTEXT.search(told["question"])
    # Both networks count from the same numbers, so the file is part of the id.
    item = f"mcm-dpo-{file.stem}-{entry.get('idx', number)}"
    return {
        "item_id": item,
        "post_id": item,
        "text": (context.group(1) if context else "").strip(),
        "alt_text": told["chosen"],
        "image": picture_path(file, str(image)),
        "language": "en",
        "split": split_of(file),
    }


def rejected_response(entry: dict[str, Any]) -> str:
    """The rejected response of an entry of a training file.

    Raises:
        KeyError, TypeError, ValueError: The entry has none.
    """
    rejected = (json.loads(entry["text"]) if "text" in entry else entry)["rejected"]
    if not isinstance(rejected, str):
        raise TypeError("the rejected response is not a text")
    return rejected


def picture_path(file: Path, name: str) -> str:
    """Where a picture of ``file`` lies; the first place that was looked at if it lies nowhere.

    Args:
        file: the data file.
        name: of the picture, relative to the file, to the folder ``image`` beside it, or to the
            folder in ``image`` that is named after the file.

    Raises:
        ValueError: The name leads out of the file's folder.
    """
    root = file.parent.resolve()
    places = [inside(root, f"{folder}{name}") for folder in ("", "image/", f"image/{file.stem}/")]
    return next((place for place in places if Path(place).is_file()), places[0])
