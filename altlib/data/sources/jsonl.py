"""Posts from a JSON Lines file with a folder of images beside it.

A line is ``{"image": path, "alt_text": ..., "post": ... or "text": ..., "id"?, "post_id"?,
"created_at"?, "caption"?, "language"?, "media_type"?, "is_repost"?, "labels"?}``; image paths
are relative to the file and may not leave its folder.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from altlib.core.errors import CorpusError
from altlib.data.sources.fields import as_record, find_columns, parse_columns
from altlib.data.sources.registry import Request

MAX_LINE = 5_000_000  # characters


def records(request: Request) -> Iterator[dict[str, Any]]:
    """The records of a JSON Lines file, or of the only one in a folder.

    Raises:
        CorpusError: The folder holds none or several.
    """
    where = request.where
    candidates = sorted(where.glob("*.jsonl")) if where.is_dir() else [where]
    if len(candidates) != 1:
        raise CorpusError(f"{where} holds {len(candidates)} .jsonl files; name the one to read")
    file = candidates[0]
    root = file.parent.resolve()
    taken = 0
    with file.open(encoding="utf-8", errors="replace") as lines:
        for number, line in enumerate(lines, start=1):
            if request.posts and taken >= request.posts:
                break
            if not line.strip():
                continue
            try:
                record = read_line(line, number, root, request.columns)
            except (ValueError, KeyError, TypeError) as error:
                reason = f"line lacks {error}" if isinstance(error, KeyError) else f"line is not a post: {error}"
                request.unreadable.append({"item_id": f"line {number} of {file.name}", "reason": reason})
            else:
                taken += 1
                yield record


def read_line(line: str, number: int, root: Path, columns: str = "") -> dict[str, Any]:
    """One line as a record with an absolute image path inside ``root``.

    Raises:
        KeyError, TypeError, ValueError: The line is no post.
    """
    if len(line) > MAX_LINE:
        raise ValueError(f"longer than {MAX_LINE} characters")
    value = json.loads(line)
    if not isinstance(value, dict):
        raise TypeError("not a JSON object")
    return as_record(value, find_columns(parse_columns(columns), list(value)), number, root, root)
