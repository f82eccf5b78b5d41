"""Where posts come from: one small module a source, all giving the same records.

A source is a function ``collect(..., unreadable, ...)`` that yields records with the columns of
:data:`altlib.data.posts.COLUMNS` and absolute image paths, and appends what it cannot read to
``unreadable``, each ``{"item_id", "reason"}``; new images go to ``folder/images``.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path

import pandas as pd

from altlib.core.errors import CorpusError
from altlib.data.collect import bluesky
from altlib.data.collect.store import open_collection
from altlib.data.posts import as_posts
from altlib.data.sources import concadia, jsonl, mcm_dpo, miniworld, tables

SOURCES = ("miniworld", "concadia", "jsonl", "table", "huggingface", "mcm-dpo", "bluesky", "mastodon", "x")


CHUNK = 4096  # posts in a frame of a stream


def records(
    source: str, folder: Path, unreadable: list[dict], path: str, posts: int, seed: int, columns: str
) -> Iterator[dict]:
    """The records of ``source``; see :func:`stream`."""
    match source:
        case "miniworld":
            yield from miniworld.collect(folder, stories=posts, seed=seed)
        case "concadia":
            yield from concadia.collect(path, unreadable, posts)
        case "jsonl":
            yield from jsonl.collect(path, unreadable, posts, columns)
        case "table":
            yield from tables.collect(path, folder, unreadable, posts, columns)
        case "huggingface":
            yield from tables.collect_dataset(path, folder, unreadable, posts, columns)
        case "mcm-dpo":
            yield from mcm_dpo.collect(path, unreadable, posts)
        case "bluesky":
            yield from bluesky.collect(path, unreadable, posts)
        case "mastodon" | "x":
            with open_collection(require_path(path, f"a folder that `altlib collect {source}` made")) as collection:
                yield from collection.posts(unreadable, posts)
        case _:
            raise CorpusError(f"unknown source {source!r}; known: {', '.join(SOURCES)}")


def stream(
    source: str,
    folder: Path,
    unreadable: list[dict],
    path: str = "",
    posts: int = 0,
    seed: int = 0,
    columns: str = "",
) -> Iterator[pd.DataFrame]:
    """Raw posts from ``source``, some thousand in memory at a time.

    ``path`` is the source's file or folder, where it has one; ``posts`` the most posts to take
    (0 for all); ``seed`` the seed of the miniature world; ``columns`` which field is what in
    files whose names differ from ours. Records that could not be read are appended to
    ``unreadable``. Raises :class:`CorpusError` for an unknown, missing or empty source.
    """
    found = records(source, folder, unreadable, path, posts, seed, columns)
    first = next(found, None)
    if first is None:
        raise CorpusError(f"the source {source} at {path or 'its default place'} holds no posts")
    found = chain([first], found)
    while part := list(islice(found, CHUNK)):
        yield as_posts(part)


def collect(
    source: str, folder: Path, path: str = "", posts: int = 0, seed: int = 0, columns: str = ""
) -> tuple[pd.DataFrame, list[dict]]:
    """All of :func:`stream` in one frame, and the records that could not be read."""
    unreadable: list[dict] = []
    frames = list(stream(source, folder, unreadable, path, posts, seed, columns))
    return pd.concat(frames, ignore_index=True), unreadable


def require_path(path: str, what: str) -> Path:
    """The path if it exists; else a :class:`CorpusError` that says what should be there."""
    if not path:
        raise CorpusError(f"this source needs a path to {what}: set collection.source_path")
    found = Path(path).expanduser()
    if not found.exists():
        raise CorpusError(f"{found} does not exist; it should be {what}")
    return found


__all__ = ["SOURCES", "collect", "require_path", "stream"]
