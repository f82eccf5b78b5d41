"""Clean a corpus that streams by: every step counts what it takes out or changes (Twitter paper, appendix B.1).

Every exclusion is listed with its reason, so that it can be reviewed, and a pass that was killed
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
from altlib.core.errors import PictureError
from altlib.core.files import read_json, whole_file, write_json
from altlib.core.images import centre_crop, open_picture
from altlib.core.progress import progress_bar
from altlib.data.chunks import Parts, digest, in_chunks
from altlib.data.cleaning.filters import filters, further_filters, strip_leading_phrase
from altlib.data.duplicates import PIXELS, thumbnail

CODE = code_fingerprint("data.cleaning.pipeline")


class CleaningLog:
    """What every step takes out or changes: counts in ``steps``, the posts themselves in files of ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.collected = 0
        self.posts: set[int] = set()  # hashes of the ids of all posts that came in
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
                listed(frame, name).to_parquet(part, index=False)
            self.add(file)

    def table(self) -> pd.DataFrame:
        """Every step in order with how many pictures it touched and how many remained after it."""
        remaining, rows = self.collected, []
        for step in self.steps.values():
            remaining -= step["pictures"] if step["action"] == "left out" else 0
            rows.append({**step, "remaining": remaining})
        return pd.DataFrame(rows)

    def excluded(self) -> Iterator[pd.DataFrame]:
        """All posts that were left out, with the reason, a frame a file."""
        yield from map(pd.read_parquet, self.files)

    def write_excluded(self, file: Path, unreadable: list[dict]) -> None:
        """Write all exclusions to one Parquet file, and the records that could not be read at all."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        schema = pa.schema([(column, pa.string()) for column in LISTED])
        with whole_file(file) as part, pq.ParquetWriter(part, schema) as writer:
            for frame in [*self.excluded(), pd.DataFrame(unreadable, columns=LISTED)]:
                writer.write_table(pa.Table.from_pandas(frame[LISTED], schema=schema, preserve_index=False))


LISTED = ["item_id", "post_id", "text", "alt_text", "image", "reason"]


def listed(posts: pd.DataFrame, reason: str) -> pd.DataFrame:
    """Excluded posts as they are listed."""
    return posts.assign(reason=reason)[LISTED]


def check_picture(path: str) -> tuple[str, np.ndarray | None]:
    """Why a picture cannot be used, or an empty string and its thumbnail."""
    try:
        return "", thumbnail(centre_crop(open_picture(path, longest=4096)))
    except PictureError as error:
        return error.reason, None


@dataclass
class Sieved:
    """What the filters made of some thousand posts: those kept with their thumbnails, those left out, the steps."""

    posts: pd.DataFrame
    pixels: np.ndarray
    excluded: pd.DataFrame
    steps: list[tuple[str, str, str, int]]


def sieve(
    posts: pd.DataFrame,
    seen_before: np.ndarray,
    minimum_tokens: int = 4,
    check_pictures: bool = True,
    further: bool = False,
    workers: int = 4,
) -> Sieved:
    """Apply the steps that look at one picture at a time; ``seen_before`` marks rows whose id came before, (n,) bool."""
    excluded: list[pd.DataFrame] = []
    steps: list[tuple[str, str, str, int]] = []

    def leave_out(posts: pd.DataFrame, hit: Any, name: str, meaning: str) -> pd.DataFrame:
        hit = np.asarray(hit, dtype=bool)
        excluded.append(listed(posts[hit], name))
        steps.append((name, meaning, "left out", int(hit.sum())))
        return posts[~hit]

    posts = leave_out(posts, seen_before, "id seen before", "another row has the same id")
    stripped = posts["alt_text"].map(strip_leading_phrase)
    changed = int((stripped != posts["alt_text"]).sum())
    steps.append(("leading phrase", '"Image of" and the like stripped', "rewritten", changed))
    posts = posts.assign(alt_text=stripped)
    for step in filters(minimum_tokens) + (further_filters() if further else []):
        posts = leave_out(posts, step.hits(posts), step.name, step.meaning)
    pixels = np.zeros((len(posts), PIXELS), dtype=np.uint32)
    if check_pictures:
        with ThreadPoolExecutor(workers) as pool:
            checked = list(pool.map(check_picture, posts["image"]))
        reasons = pd.Series([reason for reason, _ in checked], index=posts.index, dtype=object)
        pixels = np.array([row for _, row in checked if row is not None], dtype=np.uint32).reshape(-1, PIXELS)
        for why in sorted(set(reasons) - {""}):
            posts = leave_out(posts, reasons[posts.index] == why, why, "the picture cannot be used")
    return Sieved(posts.reset_index(drop=True), pixels, pd.concat(excluded, ignore_index=True), steps)


def chunk_key(posts: pd.DataFrame, **settings: object) -> Key:
    """What the sieving of a chunk follows from: the code, its posts, its pictures' sizes and times, the settings."""
    return Key(CODE, posts=posts, pictures=map(file_stamp, posts["image"]), settings=settings)


def clean(
    frames: Iterable[pd.DataFrame],
    folder: Path,
    minimum_tokens: int = 4,
    check_pictures: bool = True,
    further: bool = False,
) -> tuple[Parts, CleaningLog]:
    """Every step of appendix B.1 up to the identical alt texts; near-duplicates and names follow.

    Leading phrases are stripped first, so that what they leave is judged. Of rows with the
    same id the first is kept; of pictures with identical alt text the oldest (B.2). ``further``
    adds :func:`further_filters`. Posts stream by: what is kept and what is left out goes to
    ``folder`` in files, from which a killed pass goes on. Raises ``DiskFullError`` if it does
    not fit there.
    """
    log, parts = CleaningLog(folder), Parts()
    seen: set[int] = set()
    with progress_bar(desc="posts cleaned", unit=" pictures") as bar:
        for posts in in_chunks(frames):
            repeated = np.zeros(len(posts), dtype=bool)
            for row, item in enumerate(posts["item_id"]):
                key = digest(item)
                repeated[row] = key in seen
                seen.add(key)
            log.collected += len(posts)
            log.posts.update(map(digest, posts["post_id"].unique()))
            follows_from = chunk_key(
                posts, repeated=repeated, minimum_tokens=minimum_tokens, pictures=check_pictures, further=further
            )
            stem = folder / str(follows_from)
            kept, left_out, done = (
                stem.with_suffix(".parquet"),
                Path(f"{stem}.excluded.parquet"),
                stem.with_suffix(".json"),
            )
            if not done.is_file():
                sieved = sieve(posts, repeated, minimum_tokens, check_pictures, further)
                with whole_file(kept) as file:
                    sieved.posts.to_parquet(file, index=False)
                with whole_file(left_out) as file:
                    sieved.excluded.to_parquet(file, index=False)
                with whole_file(stem.with_suffix(".npy")) as file, file.open("wb") as opened:
                    np.save(opened, sieved.pixels, allow_pickle=False)
                write_json(done, sieved.steps)  # the last, so that it is there only if all are
            for name, meaning, action, pictures in read_json(done):
                log.count(name, meaning, action, pictures)
            log.add(left_out)
            parts.add(kept, pd.read_parquet(kept))
            bar.update(len(posts))
    parts.sort()
    same = parts.index["alt_text"].duplicated(keep="first").to_numpy()
    log.leave_out(parts.drop(same), "identical alt text", "an older picture has the same alt text")
    return parts, log
