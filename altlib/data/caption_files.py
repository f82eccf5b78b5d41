"""The captions of one file or several for the same pictures, or for a random sample of them.

Files are read twice: for the ids, of which 8 bytes each are kept, and for the captions that are scored.
So memory grows with what is scored, and hardly with the files.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

import numpy as np

from altlib.core.errors import CorpusError
from altlib.data.caption_entries import Entry, References, entries, read_references

MOST_SCORED = 1_000_000  # captions of a file that are held at a time


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


@dataclass
class Gathered:
    """What is known of the pictures while the files are read.

    Attributes:
        gold: References of each id.
        pictures: Path of each id's picture, where it has one.
        given: Whether the references come from a file of their own.
        captions: Name of each file -> caption of each id.
        missing: Id -> where the first caption without references is.
        blank: How many references were blank.
    """

    gold: dict[str, list[str]]
    pictures: dict[str, str]
    given: bool
    captions: dict[str, dict[str, str]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    blank: int = 0

    def take(self, name: str, entry: Entry, folder: Path) -> None:
        """Take an entry of the file ``name``; its picture's path is relative to ``folder``.

        Raises:
            CorpusError: Another file has other references for the same id.
        """
        self.captions[name][entry.key] = entry.caption
        if entry.image:
            self.pictures.setdefault(entry.key, str(folder / entry.image))
        if not self.given and entry.references:
            self.blank += entry.blank
            if self.gold.setdefault(entry.key, list(entry.references)) != list(entry.references):
                raise CorpusError(
                    f"{entry.place}: the id {entry.key!r} has other references in another file; "
                    "score all files against the same ones: --references FILE"
                )
        elif not self.gold.get(entry.key):
            self.missing.setdefault(entry.key, entry.place)

    def ids(self) -> list[str]:
        """The ids that all files have, in the order of the first.

        Raises:
            CorpusError: An id has no references.
        """
        first, *others = self.captions.values()
        keys = [key for key in first if all(key in of for of in others)]
        unknown = [key for key in keys if not self.gold.get(key)]
        if unknown:
            where = "in the file of references" if self.given else "in any file"
            raise CorpusError(
                f"{self.missing[unknown[0]]}: the id {unknown[0]!r} has no references {where} ({len(unknown):,} ids "
                'have none); add "references": ["..."] to its line, or name a file of them: --references FILE'
            )
        return keys


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
        images: The folder that paths of pictures are relative to; without it, that of each file, and
            the pictures' names of COCO's annotations are not used.
        sample: How many of the pictures are taken, at random; 0 takes all.
        seed: Of the sample.

    Raises:
        CorpusError: A file is missing or wrong, a caption has no references, two files have different references
            for one id, ids occur twice, or no id is in all files. The message says which, and where.
    """
    names = file_names(paths)
    shared, sizes, sampled = shared_ids(paths, sample, seed)
    chosen = set(shared.tolist()) if sampled or max(sizes) > len(shared) else None

    def wanted(key: str) -> bool:
        return chosen is None or id_hash(key, seed) in chosen

    given = read_references(references, wanted) if references else References({})
    pictures = {key: str(images / name) for key, name in given.pictures.items()} if images else {}
    found = Gathered(dict(given.texts), pictures, references is not None)
    for path, name in zip(paths, names, strict=True):
        found.captions[name] = {}
        for entry in entries(path):
            if wanted(entry.key):
                found.take(name, entry, images or path.parent)
    keys = found.ids()
    return CaptionSets(
        keys,
        {name: [of[key] for key in keys] for name, of in found.captions.items()},
        [found.gold[key] for key in keys],
        [found.pictures.get(key, "") for key in keys],
        {name: size - len(keys) for name, size in zip(names, sizes, strict=True)},
        sampled,
        found.blank,
    )
