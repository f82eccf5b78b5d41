"""The record of a posted picture, and the corpus on disk: one Parquet file and a folder of images.

A corpus is a pandas data frame with one row per picture; pictures of one post share its
``post_id`` and ``text``. On disk it is ``posts.parquet``, with image paths relative to its
folder where they lie inside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pandas as pd

from altlib.core.errors import CorpusError
from altlib.core.files import whole_file

# Of a corpus: what each column holds, and its default.
COLUMNS: dict[str, tuple[str, object]] = {
    "item_id": ("one picture of one post, unique", ""),
    "post_id": ("the post; its pictures share it", ""),
    "author": ("one-way fingerprint of the account that posted it, or empty", ""),
    "created_at": ("ISO 8601 time of posting, or empty", ""),
    "text": ("what the post says", ""),
    "alt_text": ("what its writer said the picture shows", ""),
    "caption": ("a colloquial caption, where the source has one", ""),
    "image": ("path of the picture", ""),
    "language": ("language of the post as the platform tells it, or empty", ""),
    "media_type": ("photo, gif or video", "photo"),
    "is_repost": ("whether somebody else's post is passed on", False),
    "labels": ("content labels of the platform, comma-separated", ""),
    "facts": ("ground truth of a drawn picture as JSON, or empty", ""),
    "split": ("train, val or test; empty before the split", ""),
}


def as_posts(records: list[dict] | pd.DataFrame) -> pd.DataFrame:
    """A frame with every column of :data:`COLUMNS` and its default where a record lacks it.

    Raises:
        CorpusError: ``item_id``, ``post_id``, ``alt_text`` or ``image`` is missing.
    """
    frame = pd.DataFrame(records)
    missing = [c for c in ("item_id", "post_id", "alt_text", "image") if c not in frame and len(frame)]
    if missing:
        raise CorpusError(f"the posts lack the columns {', '.join(missing)}")
    for column, (_, default) in COLUMNS.items():
        if column not in frame:
            frame[column] = default
        elif column != "is_repost":
            frame[column] = frame[column].fillna(default).astype(str)
    frame["is_repost"] = frame["is_repost"].astype(bool)
    return frame[list(COLUMNS)].reset_index(drop=True)


def write_posts(file: Path, frames: Iterable[pd.DataFrame], folder: Path) -> None:
    """Write frames of posts to one Parquet file, a frame at a time, with paths inside ``folder`` made relative to it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    root = str(folder.resolve()) + "/"
    schema = pa.schema([(c, pa.bool_() if c == "is_repost" else pa.string()) for c in COLUMNS])
    with pq.ParquetWriter(file, schema) as writer:
        for frame in frames:
            frame = frame.assign(image=[p.removeprefix(root) for p in frame["image"]])
            writer.write_table(pa.Table.from_pandas(frame[list(COLUMNS)], schema=schema, preserve_index=False))


def write_corpus(folder: Path | str, posts: pd.DataFrame) -> None:
    """Write ``posts.parquet``, with paths inside ``folder`` made relative to it."""
    with whole_file(Path(folder) / "posts.parquet") as part:
        write_posts(part, [as_posts(posts)], Path(folder))


def read_corpus(folder: Path | str, split: str | None = None, columns: list[str] | None = None) -> pd.DataFrame:
    """Read a corpus, with absolute image paths; optionally one split of it, or some of its columns.

    Raises:
        CorpusError: There is none, or its file is damaged.
    """
    folder = Path(folder)
    path = folder / "posts.parquet"
    if not path.is_file():
        raise CorpusError(f"there is no corpus in {folder}: run 01-collection first")
    try:
        filters = None if split is None else [("split", "==", split)]
        posts = pd.read_parquet(path, columns=columns, filters=filters)
    except (OSError, ValueError) as error:
        raise CorpusError(f"{path} is damaged ({error}); delete it and run 01-collection again") from error
    if "image" in posts:
        root = folder.resolve()
        posts["image"] = [str(root / p) for p in posts["image"]]
    return posts


def stream_corpus(folder: Path, columns: list[str]) -> Iterator[pd.DataFrame]:
    """Some columns of a corpus, some thousand posts in memory at a time."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(folder / "posts.parquet") as file:
        for batch in file.iter_batches(4096, columns=columns):
            yield batch.to_pandas()
