"""The preference data of MCM-DPO: the context as the post, the chosen response as the alt text.

Training files are a JSON list of ``{"image": {"path"}, "idx", "text": JSON of {question, chosen,
rejected}}``; test files are JSON lines of ``{image_path, question, chosen, idx}``, whatever
their names end in. Rejected responses are for preference optimisation and are not posts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from altlib.core.errors import CorpusError
from altlib.data.sources.records import inside

CONTEXT = re.compile(r"context\s*:\s*(.*)", re.IGNORECASE | re.DOTALL)


def collect(path: str, unreadable: list[dict], limit: int = 0) -> Iterator[dict]:
    """The posts of a file of either kind, at most ``limit`` (0: all); image paths are relative to it.

    Records that could not be read are appended to ``unreadable``. Raises :class:`CorpusError` if
    there is no such file, or it is of neither kind.
    """
    from altlib.data.sources.registry import require_path

    file = require_path(path, "a JSON file of MCM-DPO's preference or test data")
    if not file.is_file():
        raise CorpusError(f"{file} is a folder; name the JSON file to read")
    taken = 0
    for number, entry in enumerate(entries(file), start=1):
        if limit and taken >= limit:
            break
        try:
            record = record_of(entry, number, file.parent.resolve())
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            unreadable.append({"item_id": f"record {number} of {file.name}", "reason": f"record is malformed: {error}"})
        else:
            taken += 1
            yield record


def entries(file: Path) -> list[Any]:
    """The records of a JSON list or of JSON lines; broken lines come as their text."""
    text = file.read_text(encoding="utf-8", errors="replace")
    if text.lstrip().startswith("["):
        try:
            return json.loads(text)
        except ValueError as error:
            raise CorpusError(f"{file} is not a complete JSON list: {error}") from error
    found: list[Any] = []
    for line in filter(str.strip, text.splitlines()):
        try:
            found.append(json.loads(line))
        except ValueError:
            found.append(line)
    return found


def record_of(entry: dict[str, Any], number: int, root: Path) -> dict:
    """One record as a post."""
    told = json.loads(entry["text"]) if "text" in entry else entry
    image = entry["image"]["path"] if "image" in entry else entry["image_path"]
    context = CONTEXT.search(told["question"])
    item = f"mcm-dpo-{entry.get('idx', number)}"
    return {
        "item_id": item,
        "post_id": item,
        "text": (context.group(1) if context else "").strip(),
        "alt_text": str(told["chosen"]),
        "image": inside(root, str(image)),
        "language": "en",
    }
