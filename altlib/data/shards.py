"""A corpus on its way through cleaning: its posts in shards of some thousand, a slim index of them in memory.

So a corpus may be larger than memory, and a pass over it that was killed goes on where it was.
The index holds some 700 bytes per picture whatever its texts are like.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd

from altlib.core.files import whole_file
from altlib.data.posts import as_posts, write_posts

SHARD_ROWS = 4096  # pictures in one shard


def folded(text: str) -> str:
    """The text in lower case with single spaces, for comparing."""
    return " ".join(text.split()).casefold()


def digest(text: str) -> int:
    """A number of 64 bits that stands for a text; among ten million texts, two share one with odds of 1 in 400,000."""
    found = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(found, signed=True)


def in_shards(frames: Iterable[pd.DataFrame], size: int = SHARD_ROWS) -> Iterator[pd.DataFrame]:
    """The same rows in frames of at most ``size``."""
    for frame in frames:
        for start in range(0, len(frame), size):
            yield frame.iloc[start : start + size].reset_index(drop=True)


def index_of(posts: pd.DataFrame, shard: int) -> pd.DataFrame:
    """What the steps that look at the whole corpus need to know of a shard's posts.

    Returns:
        One row per post with the columns shard and row, when it was posted, item_id, post_id,
        split as the source has it, and numbers that stand for the alt text and for the post's text
        (for a silent post, one of its own).
    """
    when = pd.to_datetime(posts["created_at"], errors="coerce", utc=True, format="ISO8601")
    return pd.DataFrame(
        {
            "shard": np.int32(shard),
            "row": np.arange(len(posts), dtype=np.int32),
            "when": when,
            "item_id": posts["item_id"].astype("string[pyarrow]"),
            "post_id": posts["post_id"].astype("string[pyarrow]"),
            "text": [digest(t or f"\0{p}") for t, p in zip(posts["text"], posts["post_id"], strict=True)],
            "alt_text": [digest(folded(t)) for t in posts["alt_text"]],
            "split": posts["split"].astype("string[pyarrow]"),
        }
    ).astype({"text": np.int64, "alt_text": np.int64})


class ShardedPosts:
    """Posts in files, one per shard.

    Attributes:
        files: of the shards, in their order.
        index: one row for each post that is still kept, with the columns of :func:`index_of`.
    """

    def __init__(self) -> None:
        self.files: list[Path] = []
        self.indices: list[pd.DataFrame] = []
        self.index = index_of(as_posts([]), 0)

    def add(self, file: Path, posts: pd.DataFrame) -> None:
        """Add a shard whose posts lie in ``file`` and whose thumbnails lie beside it."""
        self.indices.append(index_of(posts, len(self.files)))
        self.files.append(file)

    def sort(self) -> None:
        """Make the index, the oldest post first; those without a time come last, ties in the order of their ids."""
        if self.indices:
            self.index = pd.concat(self.indices, ignore_index=True)
        self.indices = []
        self.index = self.index.sort_values(["when", "item_id"], na_position="last", kind="stable", ignore_index=True)

    def frames(self, index: pd.DataFrame | None = None) -> Iterator[pd.DataFrame]:
        """The posts of ``index`` (all that are kept), one frame per shard; the frames carry the index's own index."""
        index = self.index if index is None else index
        for shard, rows in index.groupby("shard", sort=True):
            rows = rows.sort_values("row")
            posts = pd.read_parquet(self.files[cast(int, shard)])
            yield posts.iloc[rows["row"].to_numpy()].set_axis(rows.index)

    def thumbnails(self) -> np.ndarray:
        """Thumbnails of the posts that are kept, in the order of the index, (n, 1024) uint32."""
        out = np.empty((len(self.index), 1024), dtype=np.uint32)
        for shard, rows in self.index.groupby("shard", sort=True):
            pixels = np.load(self.files[cast(int, shard)].with_suffix(".npy"), mmap_mode="r", allow_pickle=False)
            out[rows.index.to_numpy()] = pixels[rows["row"].to_numpy()]
        return out

    def drop(self, hit: np.ndarray) -> Iterator[pd.DataFrame]:
        """Take rows out of the index.

        Args:
            hit: which rows, (n,) bool.

        Returns:
            Their posts, one frame per shard.
        """
        gone = self.index[hit]
        self.index = self.index[~hit].reset_index(drop=True)
        return self.frames(gone)

    def write(self, folder: Path, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
        """Write the corpus that :func:`altlib.data.posts.read_corpus` reads, each frame as ``change`` makes it."""
        with whole_file(folder / "posts.parquet") as file:
            write_posts(file, (change(frame) for frame in self.frames()), folder)
