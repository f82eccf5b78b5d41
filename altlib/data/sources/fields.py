"""One row of a file as a record: which of its fields are what, and where its picture lies."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from altlib.core.errors import CorpusError
from altlib.core.files import whole_file
from altlib.core.images import MAX_BYTES
from altlib.data.addresses import author_address, fingerprint
from altlib.data.posts import COLUMNS

# Names under which a field is found if none is given; the first that is there counts.
KNOWN_AS = {
    "item_id": ("item_id", "id", "idx"),
    "post_id": ("post_id", "tweet_id", "status_id"),
    "image": ("image", "image_path", "file_name", "filename", "path"),
    "alt_text": ("alt_text", "alt", "description"),
    "text": ("text", "post", "tweet", "context"),
    "caption": ("caption",),
    "language": ("language", "lang"),
}

# Fields that are found under their own name only.
PLAIN = ("author", "created_at", "media_type", "is_repost", "labels", "facts", "split")


def parse_columns(value: str) -> dict[str, str]:
    """A field's name by ours, from a text such as ``"alt_text=description, text=tweet"``.

    Raises:
        CorpusError: The text is of another form.
    """
    columns: dict[str, str] = {}
    for part in filter(None, (p.strip() for p in value.split(","))):
        ours, equals, theirs = (p.strip() for p in part.partition("="))
        if not equals or ours not in COLUMNS or not theirs:
            raise CorpusError(
                f"collection.source_columns: {part!r} is not 'ours=theirs' with ours one of {', '.join(COLUMNS)}"
            )
        columns[ours] = theirs
    return columns


def find_columns(given: dict[str, str], there: list[str]) -> dict[str, str]:
    """Which field is what: as given, else by a name under which it is known."""
    chosen = dict(given)
    for ours, names in [*KNOWN_AS.items(), *((name, (name,)) for name in PLAIN)]:
        found = next((name for name in names if name in there), None)
        if ours not in chosen and found:
            chosen[ours] = found
    return chosen


def choose_columns(given: dict[str, str], there: list[str], where: str) -> dict[str, str]:
    """:func:`find_columns` for a table; ``where`` names it in errors.

    Raises:
        CorpusError: A column is missing; the message names it and those that there are.
    """
    names = ", ".join(map(repr, there))
    for ours, theirs in given.items():
        if theirs not in there:
            raise CorpusError(
                f"{where} has no column {theirs!r} for {ours}; it has {names}. Set collection.source_columns"
            )
    chosen = find_columns(given, there)
    missing = [c for c in ("image", "alt_text") if c not in chosen]
    if missing:
        raise CorpusError(
            f"{where} has no column for {' and '.join(missing)}; it has {names}. Set collection.source_columns, such as "
            "'alt_text=description, image=file'"
        )
    return chosen


def as_record(
    value: Mapping[str, Any], columns: dict[str, str], number: int, root: Path, images: Path
) -> dict[str, Any]:
    """One row of a file as a record with an absolute image path.

    Args:
        value: the row.
        columns: the row's field by ours, as from :func:`find_columns`.
        number: the row's number, for its id if it has none.
        root: the picture must lie inside this folder, if the row holds its path.
        images: the picture is written here, if the row holds its bytes.

    Raises:
        KeyError, TypeError, ValueError: The row is no post.
    """
    image = value[columns.get("image", "image")]
    if isinstance(image, Mapping) and image.get("bytes") is None:
        image = image["path"]
    path = inside(root, image) if isinstance(image, str) else kept_bytes(image["bytes"], images)
    return told_by(value, columns, number) | {"image": path}


def told_by(value: Mapping[str, Any], columns: dict[str, str], number: int) -> dict[str, Any]:
    """A record without its picture; see :func:`as_record`. Of an author only the fingerprint is kept."""
    record = {
        ours: value[theirs]
        for ours, theirs in columns.items()
        if ours != "image" and theirs in value and value[theirs] is not None and value[theirs] == value[theirs]
    }
    item = str(record.get("item_id") or f"line-{number}")
    flag = record.get("is_repost", False)
    author = str(record.get("author") or "")
    return {name: str(field) for name, field in record.items() if name != "is_repost"} | {
        "item_id": item,
        "post_id": str(record.get("post_id") or item),
        "author": fingerprint(author_address(author)).hex() if author else "",
        "text": str(record.get("text") or ""),
        "alt_text": str(record.get("alt_text") or ""),
        "is_repost": flag if isinstance(flag, bool) else str(flag).strip().lower() in ("true", "1", "yes"),
    }


def inside(root: Path, path: str) -> str:
    """The absolute path of a picture in ``root``.

    Raises:
        ValueError: The path leads out of ``root``.
    """
    found = (root / path).resolve()
    if not found.is_relative_to(root):
        raise ValueError("image path leaves the folder of the file")
    return str(found)


def kept_bytes(content: Any, images: Path) -> str:
    """Write a picture's bytes under a name that follows from them; returns the path.

    Raises:
        TypeError, ValueError: The content is not bytes, or too long.
    """
    if not isinstance(content, bytes):
        raise TypeError("image is neither a path nor bytes")
    if len(content) > MAX_BYTES:
        raise ValueError(f"image is larger than {MAX_BYTES // 1_000_000} MB")
    path = images / hashlib.blake2b(content, digest_size=16).hexdigest()
    if not path.is_file():
        with whole_file(path) as part:
            part.write_bytes(content)
    return str(path.resolve())
