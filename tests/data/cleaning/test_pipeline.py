import errno
import os

import pandas as pd
import pytest

from altlib.core.errors import CorpusError, DiskFullError
from altlib.data import shards
from altlib.data.cleaning import pipeline
from altlib.data.posts import as_posts
from altlib.data.sources.registry import collect


def test_of_identical_alt_texts_the_oldest_stays(tmp_path):
    rows = [
        {"item_id": str(i), "post_id": str(i), "alt_text": text, "image": "x", "created_at": when}
        for i, (text, when) in enumerate(
            [
                ("The same four words", "2022-07-02T00:00:00+00:00"),
                ("the same  FOUR words", "2022-07-01T00:00:00Z"),
                ("the same four words", ""),
                ("Quite another four words", ""),
            ]
        )
    ]
    kept, log = pipeline.clean([as_posts(rows)], tmp_path, check_pictures=False)
    assert kept.index["item_id"].tolist() == ["1", "3"]
    assert pd.concat(log.excluded())["item_id"].tolist() == ["0", "2"]


def test_every_picture_is_kept_or_listed_once(tmp_path):
    raw, _ = collect("miniworld", tmp_path, posts=150, seed=9)
    kept, log = pipeline.clean([raw, raw.head(3)], tmp_path / "work")
    excluded = pd.concat(log.excluded())
    assert len(kept.index) + len(excluded) == len(raw) + 3 == log.collected
    assert (excluded["reason"] == "id seen before").sum() == 3
    assert log.table()["remaining"].iloc[-1] == len(kept.index)
    # Every way in which the miniature world spoils alt text is found.
    found = set(excluded["reason"])
    assert found >= {
        "placeholder",
        "URL",
        "user handle",
        "hashtag",
        "too short",
        "not English",
        "repost",
        "not a still image",
        "identical alt text",
    }


def test_unreadable_pictures_are_counted_by_reason(tmp_path, picture):
    (tmp_path / "empty.png").write_bytes(b"")
    rows = [
        {"item_id": str(i), "post_id": str(i), "alt_text": f"A thing with number {i}", "image": str(p)}
        for i, p in enumerate([picture("a.png"), tmp_path / "empty.png", tmp_path / "none.png"])
    ]
    kept, log = pipeline.clean([as_posts(rows)], tmp_path / "work")
    assert kept.index["item_id"].tolist() == ["0"]
    assert {s["step"]: s["pictures"] for s in log.steps.values() if s["meaning"] == "the picture cannot be used"} == {
        "image file is empty": 1,
        "image file is missing": 1,
    }


def everything(kept, log) -> tuple[list, list, list]:
    """What cleaning found, however it got there."""
    posts = pd.concat(kept.frames()).sort_index()
    excluded = pd.concat(log.excluded()).sort_values(["item_id", "reason"])
    return posts.to_dict("records"), excluded.to_dict("records"), log.table().to_dict("records")


def test_small_shards_and_kills_change_nothing(tmp_path, monkeypatch):
    """Cleaned in one piece, in many, or in many with a kill after each: the same posts, exclusions and counts."""
    raw, _ = collect("miniworld", tmp_path, posts=60, seed=9)
    raw = pd.concat([raw, raw.head(5)], ignore_index=True)
    whole = everything(*pipeline.clean([raw], tmp_path / "whole"))
    monkeypatch.setattr(shards.in_shards, "__defaults__", (16,))
    assert everything(*pipeline.clean([raw], tmp_path / "parts")) == whole

    filtered, work = [], pipeline.filter_shard

    def killed_after_one(posts, *options):
        if filtered:
            raise KeyboardInterrupt
        filtered.append(len(posts))
        return work(posts, *options)

    monkeypatch.setattr(pipeline, "filter_shard", killed_after_one)
    kills = 0
    while True:
        filtered.clear()
        try:
            found = pipeline.clean([raw.head(40), raw.iloc[40:]], tmp_path / "killed")
            break
        except KeyboardInterrupt:
            kills += 1
    assert kills >= len(raw) // 16 - 1 and everything(*found) == whole


def test_a_full_disk_while_cleaning_loses_nothing(tmp_path, monkeypatch):
    """A disk with room for one file more at every attempt: each time a clear error, and in the end the same corpus."""
    raw, _ = collect("miniworld", tmp_path, posts=30, seed=9)
    monkeypatch.setattr(shards.in_shards, "__defaults__", (16,))
    whole = everything(*pipeline.clean([raw], tmp_path / "whole"))
    fsync, room = os.fsync, 0

    def full_after_some(fd):
        nonlocal room
        room -= 1
        if room < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        fsync(fd)

    monkeypatch.setattr(os, "fsync", full_after_some)
    found, errors = None, 0
    while found is None:
        room = errors + 1
        try:
            found = pipeline.clean([raw], tmp_path / "full")
        except DiskFullError as error:
            assert "free some space" in str(error)
            errors += 1
        assert not list((tmp_path / "full").glob(".*.part"))
    assert errors >= 3 and everything(*found) == whole


def test_if_nothing_is_left_the_error_names_the_first_picture_that_was_missing(tmp_path):
    rows = [
        {"item_id": n, "post_id": n, "alt_text": f"Boat number {n} by the shore", "image": f"/nowhere/{n}.png"}
        for n in "ab"
    ]
    kept, log = pipeline.clean([as_posts(rows)], tmp_path)
    with pytest.raises(CorpusError, match=r"of jsonl .*image file is missing 2 \(the first: /nowhere/a.png\)"):
        pipeline.check_something_left(kept, log, "jsonl")
