"""Collect from a network live: read its stream and fetch its pictures at the same time, until there is enough."""

from __future__ import annotations

import asyncio
import math
import re
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_exponential, wait_random

from altlib.core.errors import CorpusError, DiskFullError, FetchError, PictureError
from altlib.core.images import open_picture
from altlib.core.progress import progress_bar
from altlib.data.collect.fetching import Fetcher, FetchLimits
from altlib.data.collect.store import Collection

SELFIE = re.compile(
    r"\bself(?:ie|-?portrait)\b|\b(?:me|myself)\b.{0,40}\b(?:smil|pos|mirror|camera)|^\W*(?:a\s+)?(?:photo|picture|pic) of me\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class LiveSettings:
    """When to stop and how to fetch.

    Attributes:
        pictures: number of pictures at which to stop; 0 for no end.
        seconds: time after which to stop; 0 for no end.
        limits: of downloads.
    """

    pictures: int = 0
    seconds: float = 0.0
    limits: FetchLimits = field(default_factory=FetchLimits)

    def enough(self, into: Collection) -> bool:
        """Whether a collection has as many pictures as were asked for, those on their way included."""
        return 0 < self.pictures <= into.wanted


def exclusion(alt_text: str, minimum_characters: int) -> str:
    """Why a picture is not taken by its alt text, or an empty string."""
    if not alt_text.strip():
        return "no alt text"
    if len(alt_text.strip()) < minimum_characters:
        return "very short alt text"
    if SELFIE.search(alt_text):
        return "selfie"
    return ""


async def unless(done: asyncio.Event, work: Coroutine[Any, Any, None]) -> None:
    """Wait for ``work``, or give it up when ``done`` is set."""
    working, stopping = asyncio.create_task(work), asyncio.create_task(done.wait())
    try:
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            working.result()
    finally:
        stopping.cancel()
        if not working.done():
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)


class ConnectionBrokenError(Exception):
    """A connection ended, or could not be made, before anything came by it.

    Attributes:
        wait: seconds that the server asks to wait; 0 if it asks nothing.
    """

    def __init__(self, trouble: str, wait: float = 0.0):
        super().__init__(trouble)
        self.wait = wait


async def keep_reading(
    read: Callable[[], Coroutine[Any, Any, None]], done: asyncio.Event, first_wait: float, longest_wait: float
) -> None:
    """Call ``read`` again and again until ``done`` is set.

    Args:
        read: reads one connection until it breaks. It returns if anything came by it, and raises
            :class:`ConnectionBrokenError` if nothing did; any other error ends the reading.
        done: ends the reading when it is set.
        first_wait: seconds between two connections.
        longest_wait: seconds; the waits double up to here while nothing comes.
    """
    backoff = wait_exponential(first_wait, longest_wait) + wait_random(0, first_wait / 2)

    def wait(state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        return (error.wait if isinstance(error, ConnectionBrokenError) else 0.0) or backoff(state)

    async def sleep(seconds: float) -> None:
        await unless(done, asyncio.sleep(seconds))

    while not done.is_set():
        retrying = AsyncRetrying(retry=retry_if_exception_type(ConnectionBrokenError), wait=wait, sleep=sleep)
        async for attempt in retrying:
            with attempt:
                await read()
        await sleep(first_wait)


class Source(Protocol):
    """A network's stream that is read into a collection.

    Attributes:
        done: ends the reading when it is set.
        exhausted: whether nothing more can come.
    """

    done: asyncio.Event
    exhausted: bool

    async def run(self) -> None:
        """Read, reconnect, read on; returns when ``done`` is set."""


async def fetch_pictures(
    into: Collection, fetcher: Fetcher, done: asyncio.Event, kept: Callable[[int], object]
) -> None:
    """Fetch pending pictures until ``done`` is set and none is left."""
    running: dict[asyncio.Task[None], str] = {}
    later: set[str] = set()  # failed in passing: tried again by the next run
    limit = 2 * fetcher.limits.concurrency
    try:
        while True:
            busy = set(running.values())
            for file, url in into.pending(limit - len(running), busy | later):
                running[asyncio.create_task(fetch_picture(into, fetcher, file, url, later, kept))] = file
            if not running and done.is_set():
                return
            waiting = {*running} or {asyncio.create_task(asyncio.sleep(0.2))}
            finished, _ = await asyncio.wait(waiting, timeout=0.5, return_when=asyncio.FIRST_COMPLETED)
            for task in finished:
                running.pop(task, None)
                task.result()  # a full disk ends the collection
    finally:
        for task in running:
            task.cancel()


async def fetch_picture(
    into: Collection, fetcher: Fetcher, file: str, url: str, later: set[str], kept: Callable[[int], object]
) -> None:
    """Fetch one picture, look whether it is one, and note what became of it."""
    path = into.folder / "images" / file
    try:
        await fetcher.download(url, path)
        await asyncio.to_thread(open_picture, path)
    except FetchError as error:
        if error.passing:
            later.add(file)
        else:
            into.settle(file, error.reason)
        return
    except PictureError as error:
        path.unlink(missing_ok=True)
        into.settle(file, error.reason)
        return
    into.settle(file)
    kept(1)


async def collect_async(
    folder: Path, name: str, source: Callable[[Collection], Source], settings: LiveSettings
) -> dict[str, int]:
    """Collect until there are enough pictures, the time is over or the task is cancelled (:func:`collect_live`)."""
    ends = time.monotonic() + settings.seconds if settings.seconds else math.inf
    with Collection(folder) as into:
        into.set_fact("source", name)
        with progress_bar(
            total=settings.pictures or None, initial=into.states()["kept"], desc=name, unit=" pictures"
        ) as bar:
            async with Fetcher(settings.limits) as fetcher:
                more = True
                while more:  # pictures that cannot be fetched make room for others
                    stream = source(into)
                    await collect_once(into, stream, settings, fetcher, ends, bar.update)
                    more = into.wanted < settings.pictures and time.monotonic() < ends and not stream.exhausted
        return into.states()


async def collect_once(
    into: Collection,
    stream: Source,
    settings: LiveSettings,
    fetcher: Fetcher,
    ends: float,
    kept: Callable[[int], object],
) -> None:
    """Read the stream until there are enough pictures or the time is over, and fetch all of them meanwhile."""
    if settings.enough(into):
        stream.done.set()
    if ends < math.inf:
        asyncio.get_running_loop().call_later(max(0.0, ends - time.monotonic()), stream.done.set)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(fetch_pictures(into, fetcher, stream.done, kept))
        await tasks.create_task(stream.run())
        stream.done.set()


def collect_live(
    folder: Path, name: str, source: Callable[[Collection], Source], settings: LiveSettings
) -> dict[str, int]:
    """Collect posts from a network into ``folder``.

    Stops as ``settings`` say or at Ctrl-C; all that was collected is kept, and the next call goes
    on from there.

    Args:
        folder: of the collection, new or old.
        name: of the network.
        source: makes a reader of the network for a collection.
        settings: when to stop and how to fetch.

    Returns:
        How many pictures are kept, pending and failed.

    Raises:
        CorpusError: The network cannot be reached.
        DiskFullError: The disk is full.
    """
    try:
        return asyncio.run(collect_async(folder, name, source, settings))
    except BaseExceptionGroup as group:
        for error in group.exceptions:
            if isinstance(error, CorpusError | DiskFullError):
                raise error from group
        raise
