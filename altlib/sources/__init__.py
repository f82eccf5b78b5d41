"""Where posts come from: one small module a source, all giving the same records.

A source is a function ``collect(folder, **options) -> DataFrame`` whose frame has the columns
of :data:`altlib.posts.COLUMNS` and absolute image paths; new images go to ``folder/images``.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from ..collecting import open_collection
from ..posts import CorpusError
from . import bluesky, concadia, jsonl, mcm_dpo, miniworld, tables

SOURCES = ("miniworld", "concadia", "jsonl", "table", "huggingface", "mcm-dpo", "bluesky", "mastodon", "x")


def collect(
    source: str, folder: Path, path: str = "", posts: int = 0, seed: int = 0, columns: str = ""
) -> tuple[pd.DataFrame, list[dict]]:
    """Collect raw posts from ``source``.

    ``path`` is the source's file or folder, where it has one; ``posts`` the most posts to take
    (0 for all); ``seed`` the seed of the miniature world; ``columns`` which field is what in
    files whose names differ from ours. Returns the frame and the records
    that could not be read, each ``{"item_id", "reason"}``. Raises :class:`CorpusError` for an
    unknown, missing or empty source.
    """
    unreadable: list[dict] = []
    match source:
        case "miniworld":
            frame = miniworld.collect(folder, stories=posts, seed=seed)
        case "concadia":
            frame, unreadable = concadia.collect(path, limit=posts)
        case "jsonl":
            frame, unreadable = jsonl.collect(path, limit=posts, columns=columns)
        case "table":
            frame, unreadable = tables.collect(path, folder, limit=posts, columns=columns)
        case "huggingface":
            frame, unreadable = tables.collect_dataset(path, folder, limit=posts, columns=columns)
        case "mcm-dpo":
            frame, unreadable = mcm_dpo.collect(path, limit=posts)
        case "bluesky":
            frame, unreadable = bluesky.collect(path, limit=posts)
        case "mastodon" | "x":
            with open_collection(require_path(path, f"a folder that `altlib collect {source}` made")) as collection:
                frame, unreadable = collection.posts(posts)
        case _:
            raise CorpusError(f"unknown source {source!r}; known: {', '.join(SOURCES)}")
    if frame.empty:
        raise CorpusError(f"the source {source} at {path or 'its default place'} holds no posts")
    return frame, unreadable


def require_path(path: str, what: str) -> Path:
    """The path if it exists; else a :class:`CorpusError` that says what should be there."""
    if not path:
        raise CorpusError(f"this source needs a path to {what}: set collection.source_path")
    found = Path(path).expanduser()
    if not found.exists():
        raise CorpusError(f"{found} does not exist; it should be {what}")
    return found


__all__ = ["SOURCES", "collect", "require_path"]
