"""Clean a corpus that streams by: every step counts what it takes out or changes (Twitter paper, appendix B.1).

Every exclusion is kept with its reason, so that it can be reviewed, and a pass that was killed
goes on where it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from altlib.core.cache_keys import Key, file_stamp
from altlib.core.code_imports import code_fingerprint
from altlib.core.errors import CorpusError, PictureError
from altlib.core.files import read_json, whole_file, write_json
from altlib.core.images import centre_crop, open_picture
from altlib.core.progress import progress_bar
from altlib.data.cleaning.filters import filters, further_filters, strip_leading_phrase
from altlib.data.duplicates import PIXELS, thumbnail
from altlib.data.shards import ShardedPosts, digest, in_shards

CODE = code_fingerprint("data.cleaning.pipeline")

EXCLUDED_COLUMNS = ["item_id", "post_id", "author", "text", "alt_text", "image", "reason"]

UNUSABLE = "the picture cannot be used"  # meaning of the steps that open pictures

LONGEST_SIDE = 4096  # pixels; larger pictures are shrunk before their thumbnail is made


@dataclass(frozen=True)
class Step:
    """What a cleaning step did: its name and meaning, its action ("left out" or "rewritten"), to how many pictures."""

    name: str
    meaning: str
    action: str
    pictures: int


class CleaningLog:
    """What every step takes out or changes.

    Attributes:
        folder: the excluded posts are kept here.
        collected: number of pictures that came in.
        posts: numbers that stand for the ids of all posts that came in.
        steps: name, meaning, action and number of pictures of each step, in their order.
        files: of excluded posts.
        examples: one excluded post for each reason.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.collected = 0
        self.posts: set[int] = set()
        self.steps: dict[str, dict] = {}
        self.files: list[Path] = []
        self.examples: dict[str, dict] = {}

    def count(self, name: str, meaning: str, action: str, pictures: int) -> None:
        """Add to the count of a step; steps keep the order in which they first come."""
        step = self.steps.setdefault(name, {"step": name, "meaning": meaning, "action": action, "pictures": 0})
        step["pictures"] += pictures

    def add(self, file: Path) -> None:
        """Add a file of excluded posts."""
        self.files.append(file)
        excluded = pd.read_parquet(file)
        for row in excluded.drop_duplicates("reason").to_dict("records"):
            self.examples.setdefault(row["reason"], row)

    def leave_out(self, frames: Iterable[pd.DataFrame], name: str, meaning: str) -> None:
        """Note posts that a step takes out of the whole corpus."""
        self.count(name, meaning, "left out", 0)
        for number, frame in enumerate(frames):
            self.count(name, meaning, "left out", len(frame))
            file = self.folder / f"{name.replace(' ', '-')}-{number}.excluded.parquet"
            with whole_file(file) as part:
                with_reason(frame, name).to_parquet(part, index=False)
            self.add(file)

    def table(self) -> pd.DataFrame:
        """Every step in order with how many pictures it touched and how many remained after it."""
        remaining, rows = self.collected, []
        for step in self.steps.values():
            remaining -= step["pictures"] if step["action"] == "left out" else 0
            rows.append({**step, "remaining": remaining})
        return pd.DataFrame(rows)

    def excluded(self) -> Iterator[pd.DataFrame]:
        """All posts that were left out, with the reason, one frame per file."""
        yield from map(pd.read_parquet, self.files)

    def write_excluded(self, file: Path, unreadable: list[dict]) -> None:
        """Write all exclusions to one Parquet file, and the records that could not be read at all."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        schema = pa.schema([(column, pa.string()) for column in EXCLUDED_COLUMNS])
        with whole_file(file) as part, pq.ParquetWriter(part, schema) as writer:
            for frame in [*self.excluded(), pd.DataFrame(unreadable, columns=EXCLUDED_COLUMNS)]:
                table = pa.Table.from_pandas(frame[EXCLUDED_COLUMNS], schema=schema, preserve_index=False)
                writer.write_table(table)


def with_reason(posts: pd.DataFrame, reason: str) -> pd.DataFrame:
    """Excluded posts as they are kept: some columns, and why they were excluded."""
    return posts.assign(reason=reason)[EXCLUDED_COLUMNS]


def check_picture(path: str) -> tuple[str, np.ndarray | None]:
    """Why a picture cannot be used, or an empty string and its thumbnail, (1024,) uint32."""
    try:
        return "", thumbnail(centre_crop(open_picture(path, longest=LONGEST_SIDE)))
    except PictureError as error:
        return error.reason, None


@dataclass(frozen=True)
class CleaningSettings:
    """How pictures are chosen one by one.

    Attributes:
        minimum_tokens: fewest space-separated tokens of an alt text that is kept.
        check_pictures: whether pictures are opened, so that broken ones are left out.
        further: whether :func:`altlib.data.cleaning.filters.further_filters` are added.
    """

    minimum_tokens: int = 4
    check_pictures: bool = True
    further: bool = False


@dataclass
class FilteredShard:
    """What the filters made of a shard.

    Attributes:
        posts: those that are kept.
        pixels: their thumbnails, (n, 1024) uint32.
        excluded: those that are left out, with the reason.
        steps: what each filter did.
    """

    posts: pd.DataFrame
    pixels: np.ndarray
    excluded: pd.DataFrame
    steps: list[Step]


def filter_shard(
    posts: pd.DataFrame, seen_before: np.ndarray, settings: CleaningSettings, workers: int = 4
) -> FilteredShard:
    """Apply the steps that look at one picture at a time.

    Args:
        posts: the shard's.
        seen_before: which rows have an id that came before, (n,) bool.
        settings: how pictures are chosen.
        workers: threads that open pictures.
    """
    excluded: list[pd.DataFrame] = []
    steps: list[Step] = []

    def leave_out(posts: pd.DataFrame, hit: Any, name: str, meaning: str) -> pd.DataFrame:
        hit = np.asarray(hit, dtype=bool)
        excluded.append(with_reason(posts[hit], name))
        steps.append(Step(name, meaning, "left out", int(hit.sum())))
        return posts[~hit]

    posts = leave_out(posts, seen_before, "id seen before", "another row has the same id")
    stripped = posts["alt_text"].map(strip_leading_phrase)
    changed = int((stripped != posts["alt_text"]).sum())
    steps.append(Step("leading phrase", '"Image of" and the like stripped', "rewritten", changed))
    posts = posts.assign(alt_text=stripped)
    for exclusion in filters(settings.minimum_tokens) + (further_filters() if settings.further else []):
        posts = leave_out(posts, exclusion.hits(posts), exclusion.name, exclusion.meaning)
    pixels = np.zeros((len(posts), PIXELS), dtype=np.uint32)
    if settings.check_pictures:
        with ThreadPoolExecutor(workers) as pool:
            checked = list(pool.map(check_picture, posts["image"]))
        reasons = pd.Series([reason for reason, _ in checked], index=posts.index, dtype=object)
        pixels = np.array([row for _, row in checked if row is not None], dtype=np.uint32).reshape(-1, PIXELS)
        for why in sorted(set(reasons) - {""}):
            posts = leave_out(posts, reasons[posts.index] == why, why, UNUSABLE)
    return FilteredShard(posts.reset_index(drop=True), pixels, pd.concat(excluded, ignore_index=True), steps)


def shard_key(posts: pd.DataFrame, seen_before: np.ndarray, settings: CleaningSettings) -> Key:
    """What a filtered shard follows from: the code, its posts, its pictures' sizes and times, the settings."""
    pictures = map(file_stamp, posts["image"])
    return Key(CODE, posts=posts, pictures=pictures, seen_before=seen_before, settings=settings)


@dataclass(frozen=True)
class ShardFiles:
    """Where a filtered shard is kept: the posts, the thumbnails, the excluded posts, the steps."""

    kept: Path
    pixels: Path
    excluded: Path
    steps: Path

    def write(self, shard: FilteredShard) -> None:
        """Write the shard; the steps come last, so that they are there only if all is."""
        with whole_file(self.kept) as file:
            shard.posts.to_parquet(file, index=False)
        with whole_file(self.excluded) as file:
            shard.excluded.to_parquet(file, index=False)
        with whole_file(self.pixels) as file, file.open("wb") as opened:
            np.save(opened, shard.pixels, allow_pickle=False)
        write_json(self.steps, [vars(step) for step in shard.steps])


def filtered_files(
    posts: pd.DataFrame, seen_before: np.ndarray, settings: CleaningSettings, folder: Path
) -> ShardFiles:
    """A filtered shard in the files of ``folder``; it is filtered only if they are not there yet."""
    stem = str(shard_key(posts, seen_before, settings))
    files = ShardFiles(*(folder / f"{stem}{ending}" for ending in (".parquet", ".npy", ".excluded.parquet", ".json")))
    if not files.steps.is_file():
        files.write(filter_shard(posts, seen_before, settings))
    return files


def clean(
    frames: Iterable[pd.DataFrame],
    folder: Path,
    minimum_tokens: int = 4,
    check_pictures: bool = True,
    further: bool = False,
) -> tuple[ShardedPosts, CleaningLog]:
    """Every step of appendix B.1 up to the identical alt texts; near-duplicates and names follow.

    Leading phrases are stripped first, so that what they leave is judged. Of rows with the same id
    the first is kept; of pictures with identical alt text the oldest (B.2). Posts stream by.

    Args:
        frames: the posts as they are collected.
        folder: what is kept and what is left out goes here, and a killed pass goes on from here.
        minimum_tokens: see :class:`CleaningSettings`, as for the next two.
        check_pictures: whether pictures are opened.
        further: whether the further checks are made.

    Returns:
        What is kept, and what every step did.

    Raises:
        DiskFullError: The folder's disk is full.
    """
    settings = CleaningSettings(minimum_tokens, check_pictures, further)
    log, kept = CleaningLog(folder), ShardedPosts()
    seen: set[int] = set()
    with progress_bar(desc="posts cleaned", unit=" pictures") as bar:
        for posts in in_shards(frames):
            seen_before = np.zeros(len(posts), dtype=bool)
            for row, item in enumerate(map(digest, posts["item_id"])):
                seen_before[row] = item in seen
                seen.add(item)
            log.collected += len(posts)
            log.posts.update(map(digest, posts["post_id"].unique()))
            files = filtered_files(posts, seen_before, settings, folder)
            for step in read_json(files.steps):
                log.count(**step)
            log.add(files.excluded)
            kept.add(files.kept, pd.read_parquet(files.kept))
            bar.update(len(posts))
    kept.sort()
    same = kept.index["alt_text"].duplicated(keep="first").to_numpy()
    log.leave_out(kept.drop(same), "identical alt text", "an older picture has the same alt text")
    return kept, log


def check_something_left(kept: ShardedPosts, log: CleaningLog, source: str) -> None:
    """Check that cleaning has left something of the posts of ``source``.

    Raises:
        CorpusError: Nothing is left; the message says how many pictures each step left out, and
            which one was the first that could not be used.
    """
    if not kept.index.empty:
        return
    steps = [step for step in log.steps.values() if step["pictures"] and step["action"] == "left out"]
    told = []
    for step in steps:
        example = log.examples.get(step["step"])
        first = f" (the first: {example['image']})" if example and step["meaning"] == UNUSABLE else ""
        told.append(f"{step['step']} {step['pictures']}{first}")
    raise CorpusError(f"no picture of {source} passed the filters: {', '.join(told)}")
