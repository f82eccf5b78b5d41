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
from altlib.data.sources.fields import inside
from altlib.data.sources.registry import Request

CONTEXT = re.compile(r"context\s*:\s*(.*)", re.IGNORECASE | re.DOTALL)


def records(request: Request) -> Iterator[dict[str, Any]]:
    """The records of a file of either kind; image paths are relative to it.

    Raises:
        CorpusError: The path is a folder, or the file is of neither kind.
    """
    file = request.where
    if not file.is_file():
        raise CorpusError(f"{file} is a folder; name the JSON file to read")
    taken = 0
    for number, entry in enumerate(entries(file), start=1):
        if request.posts and taken >= request.posts:
            break
        try:
            record = record_of(entry, number, file.parent.resolve())
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            reason = f"record is malformed: {error}"
            request.unreadable.append({"item_id": f"record {number} of {file.name}", "reason": reason})
        else:
            taken += 1
            yield record


def entries(file: Path) -> list[Any]:
    """The records of a JSON list or of JSON lines; broken lines come as their text.

    Raises:
        CorpusError: A JSON list that is cut off or broken.
    """
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


def record_of(entry: dict[str, Any], number: int, root: Path) -> dict[str, Any]:
    """One entry as a record, its picture inside ``root``.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: The entry is of another form.
    """
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
