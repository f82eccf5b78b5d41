"""Collecting from Bluesky: the same corpus however often the stream breaks and the collector dies."""

import asyncio
import json
import os
import random
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest
from loopback import (
    DAY,
    PictureServer,
    account_event,
    busy_stream,
    delete_event,
    http_server,
    moment_of,
    post_event,
    stream_server,
)

from altlib.core.errors import CorpusError, DiskFullError
from altlib.data.collect.bluesky import BlueskySettings, Stream, apply, collect_live
from altlib.data.collect.fetching import FetchLimits
from altlib.data.collect.reading import open_collection
from altlib.data.collect.store import Collection
from altlib.data.collect.stream import collect_async
from altlib.data.posts import as_posts
from altlib.data.sources import registry

LIMITS = FetchLimits(private=True, first_wait=0.01, attempts=2)
QUICK = BlueskySettings(pause=0.0, patience=20, limits=LIMITS)


@pytest.fixture(scope="module")
def picture_server():
    server = PictureServer()
    with http_server(server.answer) as address:
        yield server, f"{address}/ok"
        server.stop.set()


def content(folder: Path) -> pd.DataFrame:
    """The corpus with its pictures' bytes in the place of their paths."""
    with open_collection(folder) as collection:
        posts = as_posts(list(collection.posts([])))
    return posts.assign(image=[Path(p).read_bytes() for p in posts["image"]])


async def collected(folder: Path, frames: list[str], cuts=lambda: None, pictures: str = "", **changes) -> None:
    """Collect all of ``frames`` from a server whose connections break as ``cuts`` says."""
    over = asyncio.Event()
    async with stream_server(frames, cuts, over.set) as address:
        settings = BlueskySettings(**{**QUICK.__dict__, "streams": (address,), "picture_server": pictures} | changes)
        task = asyncio.create_task(
            collect_async(folder, "bluesky", lambda into: Stream(into, settings, print), settings)
        )
        ending = asyncio.create_task(over.wait())
        await asyncio.wait({task, ending}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            while not task.done():  # until all that was sent is stored and fetched
                await asyncio.sleep(0.3)
                if states_beside(folder)["pending"] == 0:
                    break
            task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        ending.cancel()
        if task.done() and not task.cancelled() and task.exception():
            raise task.exception()


def states_beside(folder: Path) -> dict[str, int]:
    """States of the pictures, read beside a running collection."""
    with closing(sqlite3.connect(folder / "posts.sqlite")) as base:
        return {"pending": 0} | dict(base.execute("SELECT state, COUNT(*) FROM pictures GROUP BY state"))


def stored(folder: Path, frames: list[str]) -> Collection:
    """A collection into which frames were brought without any network."""
    with Collection(folder) as collection:
        Stream(collection, QUICK, print).store(frames)
    return Collection(folder)


def rows(collection: Collection) -> list[tuple]:
    return collection.base.execute("SELECT uri, number, alt_text, url FROM pictures ORDER BY 1, 2").fetchall()


def test_a_disturbed_collection_equals_an_undisturbed_one(tmp_path, picture_server) -> None:
    frames = busy_stream(700)
    rng = random.Random(1)
    asyncio.run(collected(tmp_path / "calm", frames, pictures=picture_server[1]))
    expected = content(tmp_path / "calm")
    assert len(expected) > 300

    broken = 0

    def cut() -> int | None:
        nonlocal broken
        broken += 1
        # Every connection repeats five seconds, fifty events: a little more than that is new.
        return rng.randint(0, 120) if broken <= 200 else None

    asyncio.run(collected(tmp_path / "torn", frames, cut, picture_server[1]))
    assert broken > 15
    pd.testing.assert_frame_equal(content(tmp_path / "torn"), expected)


def test_a_thousand_breaks_and_kills_leave_the_same_posts(tmp_path) -> None:
    """The stream's own steps, stopped between two batches or at a random statement, and read again from the kept position."""
    frames = busy_stream(3000, seed=2, spacing=1_000_000, mess=3)
    moments = [moment_of(f) for f in frames]
    with stored(tmp_path / "calm", frames) as calm:
        expected = rows(calm)
    assert len(expected) > 1000
    rng, killed = random.Random(3), 0
    for number in range(1001):
        collection = Collection(tmp_path / "torn").__enter__()
        stream = Stream(collection, QUICK, print)
        first = next(i for i, m in enumerate(moments) if m >= stream.cursor - 5_000_000)
        last = min(first + rng.randint(1, 24), len(frames)) if number < 1000 else len(frames)
        if number < 1000 and rng.random() < 0.5:
            stop_at_statement(collection, rng.randint(1, 60))
        try:
            stream.store(frames[first:last])
        except CorpusError:
            killed += 1
        collection.base.set_trace_callback(None)
        collection.__exit__()
    assert killed > 200
    with Collection(tmp_path / "torn") as torn:
        assert rows(torn) == expected


def stop_at_statement(collection: Collection, fatal: int) -> None:
    """Let the database fail at its ``fatal``-th statement from now, as if the process died there."""
    seen = 0

    def count(_: str) -> None:
        nonlocal seen
        seen += 1
        if seen == fatal:
            collection.base.interrupt()

    collection.base.set_trace_callback(count)


def test_the_order_and_number_of_arrivals_do_not_matter(tmp_path) -> None:
    frames = busy_stream(400, seed=5)
    found = []
    for number in range(5):
        order = frames + random.Random(number).sample(frames, 100)
        random.Random(number).shuffle(order)
        with stored(tmp_path / str(number), order) as collection:
            found.append(rows(collection))
    assert found[0] and all(f == found[0] for f in found)


def test_a_killed_process_loses_nothing(tmp_path, picture_server) -> None:
    frames = busy_stream(400, seed=7)
    asyncio.run(collected(tmp_path / "calm", frames, pictures=picture_server[1]))
    script = (
        "import sys; from pathlib import Path; from altlib.data.collect.bluesky import *; from altlib.data.collect.fetching import FetchLimits\n"
        "collect_live(Path(sys.argv[1]), BlueskySettings(streams=(sys.argv[2],), picture_server=sys.argv[3], pause=0.0,"
        " limits=FetchLimits(private=True, first_wait=0.01)))"
    )

    async def run() -> int:
        over, connected = asyncio.Event(), asyncio.Event()
        rng = random.Random(2)
        cuts = iter([rng.randint(60, 400) for _ in range(6)])
        longest, kills = 0.05, 0  # seconds that a process may live, at most; more each time, so that it gets to the end

        def cut() -> int | None:
            connected.set()
            # Every connection repeats fifty events: with fewer, the first five processes cannot get to the end.
            return rng.randint(0, 45) if kills < 5 else next(cuts, None)

        async with stream_server(frames, cut, over.set) as address:
            while not over.is_set():
                connected.clear()
                process = subprocess.Popen(
                    [sys.executable, "-c", script, str(tmp_path / "killed"), address, picture_server[1]],
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
                await asyncio.wait_for(connected.wait(), 60)  # a busy machine takes long to start one
                await asyncio.sleep(rng.uniform(0, longest))
                longest *= 1.3
                if over.is_set():
                    await asyncio.sleep(3)
                process.kill()
                kills += 1
                await asyncio.to_thread(process.wait)
        return kills

    assert asyncio.run(run()) > 5
    asyncio.run(collected(tmp_path / "killed", frames, pictures=picture_server[1]))
    pd.testing.assert_frame_equal(content(tmp_path / "killed"), content(tmp_path / "calm"))
    with open_collection(tmp_path / "killed") as collection:
        known = {row[0] for row in collection.base.execute("SELECT file FROM pictures")}
    assert {p.name for p in (tmp_path / "killed" / "images").iterdir()} <= known


def test_a_deleted_post_leaves_nothing_behind(tmp_path, picture_server) -> None:
    alts = ["A heron at the edge of a pond", "A heron that flies off over reeds"]
    frames = [
        json.dumps(post_event("did:plc:author0001", "key1", DAY, alts)),
        json.dumps(post_event("did:plc:author0002", "key2", DAY + 1, ["A yellow tram in the rain"])),
    ]
    asyncio.run(collected(tmp_path, frames, pictures=picture_server[1]))
    assert len(list((tmp_path / "images").iterdir())) == 3
    asyncio.run(
        collected(
            tmp_path, [json.dumps(delete_event("did:plc:author0001", "key1", DAY + 2))], pictures=picture_server[1]
        )
    )
    assert len(list((tmp_path / "images").iterdir())) == 1
    assert not any(b"heron" in p.read_bytes() or b"key1" in p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())


def test_a_closed_account_takes_all_its_posts_along(tmp_path) -> None:
    author = "did:plc:author0001"
    frames = [json.dumps(post_event(author, f"key{n}", DAY + n, ["A tram in the pouring rain"])) for n in range(3)]
    with stored(tmp_path, [*frames, json.dumps(account_event(author, DAY + 9)), frames[0]]) as collection:
        assert rows(collection) == []
    with stored(tmp_path, [json.dumps(post_event(author, "key9", DAY + 10, ["A tram, again in the rain"]))]) as later:
        assert len(rows(later)) == 1  # the account came back and posts again


@pytest.mark.parametrize(
    ("changes", "alts", "reason"),
    [
        ({}, ["short one"], "very short alt text"),
        ({}, [""], "no alt text"),
        ({}, ["A selfie of me in the mirror of a hotel"], "selfie"),
        ({"langs": ["pt"]}, ["Um eléctrico amarelo na chuva"], "other language"),
        ({"labels": {"values": [{"val": "nudity"}]}}, ["A marble statue in a museum"], "sensitive label"),
    ],
)
def test_each_filter_of_the_blog_is_counted(tmp_path, changes: dict, alts: list[str], reason: str) -> None:
    with stored(tmp_path, [json.dumps(post_event("did:plc:author0001", "k", DAY, alts, **changes))]) as collection:
        assert collection.excluded() == {reason: 1}
        assert rows(collection) == []


def test_images_beside_a_quoted_post_are_found(tmp_path) -> None:
    event = post_event("did:plc:author0001", "k", DAY, ["A yellow tram in the rain"])
    record = event["commit"]["record"]
    record["embed"] = {"$type": "app.bsky.embed.recordWithMedia", "media": record["embed"]}
    with stored(tmp_path, [json.dumps(event)]) as collection:
        assert len(rows(collection)) == 1


@pytest.mark.parametrize(
    "event",
    [
        post_event("did:plc:../../etc", "k/../..", DAY, ["A yellow tram in the rain"]),
        {"did": 3, "time_us": DAY, "kind": "commit", "commit": None},
        {"time_us": "x"},
        [],
        None,
        {"did": "did:plc:a", "time_us": DAY, "kind": "commit", "commit": {"collection": "app.bsky.feed.post", "operation": "create", "rkey": "k", "record": {"embed": {"$type": "app.bsky.embed.images", "images": [{"alt": ["x"]}]}, "langs": ["en"]}}},
    ],
)  # fmt: skip
def test_malformed_events_are_counted_and_dropped(tmp_path, event) -> None:
    counted: Counter[str] = Counter()
    with Collection(tmp_path) as collection:
        assert apply(event, collection, QUICK, counted) == 0
        assert rows(collection) == []
    assert counted == {"malformed event": 1}


def test_a_clock_that_is_wrong_does_not_move_the_cursor_ahead(tmp_path) -> None:
    future = int((time.time() + 10**7) * 1e6)
    frames = [json.dumps(post_event("did:plc:author0001", "k", future, ["A yellow tram in the rain"], createdAt="x"))]
    with stored(tmp_path, frames) as collection:
        assert collection.fact("cursor") == ""


def test_collecting_stops_at_the_number_that_was_asked_for(tmp_path, picture_server) -> None:
    frames = busy_stream(600, seed=4, mess=1)

    async def run() -> dict[str, int]:
        async with stream_server(frames, lambda: None, lambda: None) as address:
            settings = BlueskySettings(
                **{**QUICK.__dict__, "streams": (address,), "picture_server": picture_server[1], "pictures": 40}
            )
            return await collect_async(tmp_path, "bluesky", lambda into: Stream(into, settings, print), settings)

    states = asyncio.run(run())
    assert 40 <= states["kept"] <= 44 and states["pending"] == 0


def test_pictures_that_cannot_be_had_are_listed_with_the_reason(tmp_path, picture_server) -> None:
    _, address = picture_server
    base = address.rsplit("/", 1)[0]
    frames = [
        json.dumps(post_event("did:plc:author0001", f"k{n}", DAY + n, ["A yellow tram in the rain"])) for n in (1, 2)
    ]
    asyncio.run(collected(tmp_path, frames[:1], pictures=f"{base}/broken"))
    asyncio.run(collected(tmp_path, frames[1:], pictures=f"{base}/status/404/9"))
    with open_collection(tmp_path) as collection:
        unreadable: list[dict] = []
        posts = as_posts(list(collection.posts(unreadable)))
    assert posts.empty
    assert sorted(u["reason"] for u in unreadable) == ["file is not an image", "the host answers 404"]


def test_no_network_says_what_to_do_and_keeps_what_is_there(tmp_path) -> None:
    settings = BlueskySettings(streams=("ws://127.0.0.1:9/subscribe",) * 2, pause=0.0)
    with pytest.raises(CorpusError, match=r"collected is kept; check the connection"):
        collect_live(tmp_path, settings)


def test_a_full_disk_is_named(tmp_path) -> None:
    with Collection(tmp_path) as collection:
        collection.base.execute("PRAGMA max_page_count = 16")
        stream = Stream(collection, QUICK, print)
        with pytest.raises(DiskFullError, match="free some space"):
            stream.store(busy_stream(2000, seed=9))


def test_a_collection_is_a_source_of_posts(tmp_path, picture_server) -> None:
    asyncio.run(collected(tmp_path, busy_stream(60, seed=8), pictures=picture_server[1]))
    frame, unreadable = registry.collect("bluesky", tmp_path, path=str(tmp_path), posts=10)
    assert len(frame) == 10 and not unreadable
    assert frame["image"].map(os.path.isfile).all()
    assert set(frame["language"]) == {"en"}
