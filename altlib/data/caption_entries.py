"""Files of captions and of references: JSON Lines, or COCO's results and annotations.

A line of JSON Lines is ``{"id", "caption", "references"?: [...], "image"?: path}``; COCO's results are a
list of ``{"image_id", "caption"}``. JSON Lines are read a line at a time; COCO's files are one JSON value.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from altlib.core.errors import CorpusError
from altlib.core.progress import progress_bar

LONGEST_LINE = 5_000_000  # bytes
LARGEST_WHOLE = 1_000_000_000  # bytes of a file that is one JSON value, which must be read whole
LONG = 50_000_000  # bytes of a file whose reading shows a progress bar


@dataclass(frozen=True)
class Entry:
    """One caption as its file gives it.

    Attributes:
        place: Where it is, such as ``captions.jsonl, line 3``.
        key: Its id.
        caption: The text, which may be empty.
        references: As the file gives them; blank ones are left out.
        blank: How many were left out.
        image: The picture's path as the file gives it, or empty.
    """

    place: str
    key: str
    caption: str
    references: tuple[str, ...] = ()
    blank: int = 0
    image: str = ""


@dataclass(frozen=True)
class References:
    """A file of references: COCO's annotations, or JSON Lines of ``{"id", "references"}``.

    Attributes:
        texts: Of each id.
        pictures: File name of each id's picture, where the file has one.
    """

    texts: dict[str, list[str]]
    pictures: dict[str, str] = field(default_factory=dict)


def clean(text: str) -> str:
    """A text that can be written as UTF-8: half a surrogate pair becomes a question mark."""
    return text.encode("utf-8", "replace").decode()


def as_id(value: Any, place: str) -> str:
    """An id as text; COCO's are numbers.

    Raises:
        CorpusError: It is neither text nor a whole number.
    """
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise CorpusError(f"{place}: an id must be text or a whole number, not {json.dumps(value)[:80]}")
    return clean(str(value))


def as_entry(value: Any, place: str, id_name: str) -> Entry:
    """A JSON object as an entry.

    Raises:
        CorpusError: It lacks the id or the caption, or one of its values is of the wrong type.
    """
    if not isinstance(value, dict):
        raise CorpusError(f"{place}: expected an object with {id_name!r} and 'caption', not {json.dumps(value)[:80]}")
    if "annotations" in value:
        raise CorpusError(f"{place}: this is a file of annotations, not of captions; give it as --references")
    for name in (id_name, "caption"):
        if name not in value:
            raise CorpusError(f"{place}: there is no {name!r}; found {', '.join(map(repr, value)) or 'nothing'}")
    references, image = value.get("references") or [], value.get("image") or ""
    if not isinstance(value["caption"], str):
        raise CorpusError(f"{place}: 'caption' must be text, not {json.dumps(value['caption'])[:80]}")
    if not isinstance(references, list) or not all(isinstance(text, str) for text in references):
        raise CorpusError(f"{place}: 'references' must be a list of texts")
    if not isinstance(image, str):
        raise CorpusError(f"{place}: 'image' must be a path")
    kept = tuple(clean(text) for text in references if text.strip())
    blank = len(references) - len(kept)
    return Entry(place, as_id(value[id_name], place), clean(value["caption"]), kept, blank, image)


def first_character(path: Path) -> str:
    """The first character of a file that is no space, which tells what kind of JSON it holds.

    Raises:
        CorpusError: The file is missing, empty, or holds nothing but spaces at its beginning.
    """
    if not path.is_file():
        raise CorpusError(f"{path} is not a file")
    with path.open("rb") as file:
        start = file.read(1 << 16)
    if not start:
        raise CorpusError(f"{path} is empty (0 bytes)")
    found = start.removeprefix(b"\xef\xbb\xbf").lstrip()[:1].decode("latin-1")
    if not found:
        raise CorpusError(f"{path} holds no captions")
    return found


def json_lines(path: Path) -> Iterator[tuple[str, Any]]:
    """The place and the value of each line that is not blank.

    Raises:
        CorpusError: A line is not JSON or too long; the message names it.
    """
    size = path.stat().st_size
    with (
        path.open("rb") as file,
        progress_bar(
            total=size, desc=path.name, unit="B", unit_scale=True, leave=False, disable=size < LONG or None
        ) as bar,
    ):
        number = 0
        while line := file.readline(LONGEST_LINE + 1):
            number += 1
            place = f"{path.name}, line {number}"
            bar.update(len(line))
            if len(line) > LONGEST_LINE:
                raise CorpusError(f"{place}: longer than {LONGEST_LINE:,} bytes")
            if number == 1:
                line = line.removeprefix(b"\xef\xbb\xbf")
            if not line.strip():
                continue
            try:
                value = json.loads(line.decode("utf-8"))
            except UnicodeDecodeError as error:
                raise CorpusError(f"{place}: not UTF-8: {error.reason} at byte {error.start}") from error
            except (ValueError, RecursionError) as error:
                raise CorpusError(f"{place}: not valid JSON: {error}") from error
            yield place, value


def whole_json(path: Path) -> Any:
    """A file that is one JSON value.

    Raises:
        CorpusError: It is not JSON, or too large to be read whole.
    """
    if path.stat().st_size > LARGEST_WHOLE:
        raise CorpusError(f"{path} is one JSON value of more than {LARGEST_WHOLE:,} bytes; write it as JSON Lines")
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError is a ValueError
        raise CorpusError(f"{path} is not valid JSON: {error}") from error


def entries(path: Path) -> Iterator[Entry]:
    """The captions of a file, in its order.

    Raises:
        CorpusError: The file is missing, empty, of no known format, or an entry is wrong; the message says where.
    """
    first = first_character(path)
    if first == "[":
        for number, value in enumerate(whole_json(path), start=1):
            yield as_entry(value, f"{path.name}, entry {number}", "image_id")
    elif first == "{":
        for place, value in json_lines(path):
            yield as_entry(value, place, "id")
    else:
        raise CorpusError(
            f"{path} has an unknown format: expected JSON Lines, a line being "
            '{"id": ..., "caption": ..., "references": [...]}, or COCO\'s results, a list of {"image_id", "caption"}'
        )


def read_references(path: Path, wanted: Callable[[str], bool] = lambda key: True) -> References:
    """The references of a file: COCO's annotations, or JSON Lines of ``{"id", "references"}``.

    Args:
        path: The file.
        wanted: Which ids are kept of JSON Lines, which are read a line at a time.

    Raises:
        CorpusError: The file is missing, empty or of another format.
    """
    if first_character(path) != "{":
        raise CorpusError(f'{path} has an unknown format: expected COCO\'s annotations, {{"annotations": [...]}}')
    if not is_lines(path):
        return coco_references(whole_json(path), path.name)
    texts: dict[str, list[str]] = {}
    for place, value in json_lines(path):
        entry = as_entry({"caption": ""} | value if isinstance(value, dict) else value, place, "id")
        if entry.key in texts:
            raise CorpusError(f"{place}: the id {entry.key!r} has references in an earlier line, too")
        if wanted(entry.key):
            texts[entry.key] = list(entry.references)
    return References(texts)


def is_lines(path: Path) -> bool:
    """Whether the first line of a file is a JSON object with references."""
    try:
        _, value = next(json_lines(path))
    except (CorpusError, StopIteration):
        return False
    return isinstance(value, dict) and "references" in value


def coco_references(value: Any, name: str) -> References:
    """COCO's annotations as references.

    Args:
        value: What the file holds.
        name: The file's, for the message.

    Raises:
        CorpusError: An annotation is wrong, or there are none.
    """
    if not isinstance(value, dict) or not isinstance(value.get("annotations"), list):
        raise CorpusError(f"{name}: expected COCO's annotations, an object with the list 'annotations'")
    texts: dict[str, list[str]] = {}
    for number, annotation in enumerate(value["annotations"], start=1):
        entry = as_entry(annotation, f"{name}, annotation {number}", "image_id")
        texts.setdefault(entry.key, []).extend([entry.caption] if entry.caption.strip() else [])
    pictures = {
        as_id(image.get("id"), f"{name}, image {number}"): str(image["file_name"])
        for number, image in enumerate(value.get("images") or [], start=1)
        if isinstance(image, dict) and "file_name" in image
    }
    return References(texts, pictures)
