"""Files of captions to score: JSON Lines with references, or COCO's results with COCO's annotations.

A line of JSON Lines is ``{"id", "caption", "references"?: [...], "image"?: path}``; COCO's results are a
list of ``{"image_id", "caption"}``. JSON Lines are read twice, a line at a time: for the ids, of which
8 bytes each are kept, and for the captions that are scored. So memory grows with what is scored, and
hardly with the file.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from altlib.core.errors import CorpusError
from altlib.core.progress import progress_bar

MOST_SCORED = 1_000_000  # captions of a file that are held at a time
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


@dataclass(frozen=True)
class CaptionSets:
    """The captions of one file or several, for the same pictures.

    Attributes:
        ids: n ids.
        captions: Name of each file -> its n captions.
        references: One or more of each id.
        images: The picture's path of each id; empty where there is none.
        left_out: Name of each file -> how many of its ids are not among the n.
        sampled: Whether the n are a sample of what the files share.
        blank_references: How many references were blank, and left out.
    """

    ids: list[str]
    captions: dict[str, list[str]]
    references: list[list[str]]
    images: list[str]
    left_out: dict[str, int]
    sampled: bool
    blank_references: int


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


def id_hash(key: str, seed: int) -> int:
    """64 bits that an id and a seed decide; ids in the order of their hashes are in random order."""
    return int.from_bytes(blake2b(key.encode(), digest_size=8, salt=seed.to_bytes(8, "little")).digest(), "little")


def hashed_ids(path: Path, seed: int) -> np.ndarray:
    """The hashes of a file's ids, sorted, (n,) uint64.

    Raises:
        CorpusError: Two entries have the same id, or as :func:`entries`.
    """
    found = array("Q", (id_hash(entry.key, seed) for entry in entries(path)))
    hashes = np.sort(np.frombuffer(found, dtype=np.uint64))
    if not len(hashes):
        raise CorpusError(f"{path} holds no captions")
    twice = set(hashes[1:][hashes[1:] == hashes[:-1]].tolist())
    places: dict[str, str] = {}
    for entry in entries(path) if twice else ():
        if id_hash(entry.key, seed) not in twice:
            continue
        if entry.key in places:
            raise CorpusError(
                f"{entry.place}: the id {entry.key!r} is that of {places[entry.key].split(', ')[-1]}, too; every "
                f"caption needs an id of its own ({len(twice):,} ids of {path.name} occur more than once)"
            )
        places[entry.key] = entry.place
    return np.unique(hashes)


def read_references(path: Path) -> References:
    """The references of a file: COCO's annotations, or JSON Lines of ``{"id", "references"}``.

    Raises:
        CorpusError: The file is missing, empty or of another format.
    """
    if first_character(path) != "{":
        raise CorpusError(f'{path} has an unknown format: expected COCO\'s annotations, {{"annotations": [...]}}')
    try:
        return coco_references(whole_json(path), path.name)
    except CorpusError:
        lines = list(json_lines(path)) if is_lines(path) else []
        if not lines:
            raise
    texts: dict[str, list[str]] = {}
    for place, value in lines:
        entry = as_entry({"caption": ""} | value if isinstance(value, dict) else value, place, "id")
        if entry.key in texts:
            raise CorpusError(f"{place}: the id {entry.key!r} has references in an earlier line, too")
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


def file_names(paths: Sequence[Path]) -> list[str]:
    """A different name for each file: its own, or its path if two have the same.

    Raises:
        CorpusError: The same file is named twice.
    """
    if len({path.resolve() for path in paths}) < len(paths):
        raise CorpusError("the same file of captions is named twice")
    names = [path.name for path in paths]
    return names if len(set(names)) == len(names) else [str(path) for path in paths]


def shared_ids(paths: Sequence[Path], sample: int, seed: int) -> tuple[np.ndarray, list[int], bool]:
    """The hashes of the ids that all files have, or of a sample of them.

    Returns:
        The hashes, (n,); the number of each file's ids; and whether the n are a sample.

    Raises:
        CorpusError: No id is in all files, or there are too many to hold.
    """
    each = [hashed_ids(path, seed) for path in paths]
    shared = each[0]
    for hashes, path in zip(each[1:], paths[1:], strict=True):
        shared = np.intersect1d(shared, hashes, assume_unique=True)
        if not len(shared):
            examples = [next(entries(p)).key for p in (paths[0], path)]
            raise CorpusError(
                f"{paths[0].name} and {path.name} share no ids (the first ones are {examples[0]!r} and "
                f"{examples[1]!r}); files are compared on the ids that all of them have"
            )
    sampled = 0 < sample < len(shared)
    if sampled:
        shared = shared[:sample]  # sorted hashes: a random sample, the same for every order of the files
    if len(shared) > MOST_SCORED:
        raise CorpusError(
            f"{paths[0].name} has {len(shared):,} captions to score, and at most {MOST_SCORED:,} are held at a time; "
            "score a random sample of them: --sample 100000"
        )
    return shared, [len(hashes) for hashes in each], sampled


def read_captions(
    paths: Sequence[Path],
    references: Path | None = None,
    images: Path | None = None,
    sample: int = 0,
    seed: int = 0,
) -> CaptionSets:
    """Read the captions of one file or several, for the pictures that all of them have.

    Args:
        paths: The files.
        references: A file of references, in place of those beside the captions.
        images: The folder that paths of pictures are relative to; without it, that of the first file, and
            the pictures' names of COCO's annotations are not used.
        sample: How many of the pictures are taken, at random; 0 takes all.
        seed: Of the sample.

    Raises:
        CorpusError: A file is missing or wrong, a caption has no references, two files have different references
            for one id, ids occur twice, or no id is in all files. The message says which, and where.
    """
    names = file_names(paths)
    given = read_references(references) if references else None
    shared, sizes, sampled = shared_ids(paths, sample, seed)
    wanted = set(shared.tolist()) if sampled or max(sizes) > len(shared) else None
    gold: dict[str, list[str]] = dict(given.texts) if given else {}
    pictures: dict[str, str] = {k: str(images / v) for k, v in given.pictures.items()} if given and images else {}
    captions: dict[str, dict[str, str]] = {}
    missing: dict[str, str] = {}  # id -> where the first caption without references is
    blank = 0
    for path, name in zip(paths, names, strict=True):
        captions[name] = {}
        for entry in entries(path):
            if wanted is not None and id_hash(entry.key, seed) not in wanted:
                continue
            captions[name][entry.key] = entry.caption
            blank += 0 if given else entry.blank
            if entry.image:
                pictures.setdefault(entry.key, str((images or path.parent) / entry.image))
            if given is None and entry.references:
                if gold.setdefault(entry.key, list(entry.references)) != list(entry.references):
                    raise CorpusError(
                        f"{entry.place}: the id {entry.key!r} has other references in another file; "
                        "score all files against the same ones: --references FILE"
                    )
            elif not gold.get(entry.key):
                missing.setdefault(entry.key, entry.place)
    keys = [key for key in captions[names[0]] if all(key in of for of in captions.values())]
    unknown = [key for key in keys if not gold.get(key)]
    if unknown:
        where = f"in {references.name}" if references else "in any file"
        raise CorpusError(
            f"{missing[unknown[0]]}: the id {unknown[0]!r} has no references {where} ({len(unknown):,} ids have "
            'none); add "references": ["..."] to the line, or name a file of them: --references FILE'
        )
    return CaptionSets(
        keys,
        {name: [of[key] for key in keys] for name, of in captions.items()},
        [gold[key] for key in keys],
        [pictures.get(key, "") for key in keys],
        {name: size - len(keys) for name, size in zip(names, sizes, strict=True)},
        sampled,
        blank,
    )
