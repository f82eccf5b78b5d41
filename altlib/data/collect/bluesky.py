"""Bluesky, live: image posts with alt text from Jetstream, the network's stream of events as JSON.

Events are filtered as in the blog (very short alt text, sensitive labels, selfies, language);
the paper's filters follow in chapter 01. The stream's position is kept with the posts, so a
stopped collection goes on where it was; deleted posts and closed accounts leave it again.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from websockets.asyncio.client import connect
from websockets.exceptions import InvalidHandshake, InvalidURI, WebSocketException

from altlib.core.errors import CorpusError
from altlib.data.collect import stream
from altlib.data.collect.reading import is_collection, open_collection
from altlib.data.collect.store import CollectedPicture, CollectedPost, Collection
from altlib.data.collect.stream import ConnectionBrokenError, LiveSettings, exclusion, keep_reading, unless

STREAMS = tuple(
    f"wss://jetstream{n}.{region}.bsky.network/subscribe" for region in ("us-east", "us-west") for n in (1, 2)
)


PICTURES = "https://cdn.bsky.app/img/feed_fullsize/plain"

COLLECTION = "app.bsky.feed.post"

REWIND = 5_000_000  # microseconds that are read again after a reconnection

MEMORY = 3_600_000_000  # microseconds for which removals of unknown posts are remembered

BATCH = 500  # events that are stored together at most

MAX_FRAME = 1_000_000  # bytes; a post is a few thousand

LONGEST_PAUSE = 30.0  # seconds between two attempts to connect

IDENTIFIER = re.compile(r"did:[a-z]+:[A-Za-z0-9._:%-]{1,200}")  # of an account

KEY = re.compile(r"[A-Za-z0-9._:~-]{1,512}")  # of a post among those of its account

CONTENT_ID = re.compile(r"[A-Za-z0-9]{20,120}")  # of a picture


@dataclass(frozen=True)
class BlueskySettings(LiveSettings):
    """What is collected and from where, besides when to stop.

    Attributes:
        minimum_characters: of alt text.
        language: of posts.
        streams: servers to connect to in turn.
        picture_server: where pictures are fetched.
        patience: seconds without an event before giving up, once connected; before that, every
            server is tried once.
        quiet: seconds without an event before another server is tried.
        pause: seconds before connecting again, doubled while no event comes.
    """

    minimum_characters: int = 20
    language: str = "en"
    streams: tuple[str, ...] = STREAMS
    picture_server: str = PICTURES
    patience: float = 300.0
    quiet: float = 60.0
    pause: float = 0.5


def images_of(record: dict[str, Any]) -> list[dict[str, Any]]:
    """The embedded images of a post's record, also beside a quoted post."""
    embed = record.get("embed") or {}
    if embed.get("$type") == "app.bsky.embed.recordWithMedia":
        embed = embed.get("media") or {}
    images = embed.get("images") if embed.get("$type") == "app.bsky.embed.images" else None
    return [i for i in images if isinstance(i, dict)] if isinstance(images, list) else []


def post_of(event: dict[str, Any], settings: BlueskySettings, excluded: Counter[str]) -> CollectedPost:
    """The post of a create or update event with the pictures that pass; the others are counted in ``excluded``.

    Raises:
        KeyError, TypeError, ValueError: The event is malformed.
    """
    author, commit = event["did"], event["commit"]
    record = commit["record"]
    uri = address_of(author, commit["rkey"])
    images = images_of(record)
    languages = [str(v).lower() for v in record.get("langs") or []]
    labels = (record.get("labels") or {}).get("values") or []
    if images and settings.language and not any(v.split("-")[0] == settings.language for v in languages):
        excluded["other language"] += len(images)
        images = []
    if images and labels:
        excluded["sensitive label"] += len(images)
        images = []
    pictures = []
    for number, image in enumerate(images[:4]):
        alt_text = image.get("alt") or ""
        if not isinstance(alt_text, str):
            raise TypeError("alt text is not a text")
        if why := exclusion(alt_text, settings.minimum_characters):
            excluded[why] += 1
            continue
        content = image["image"]["ref"]["$link"]
        if not CONTENT_ID.fullmatch(content):
            raise ValueError("not a content identifier")
        pictures.append(CollectedPicture(number, alt_text, f"{settings.picture_server}/{author}/{content}@jpeg"))
    return CollectedPost(
        uri,
        author,
        int(event["time_us"]),
        created_at(record.get("createdAt"), int(event["time_us"])),
        str(record.get("text") or ""),
        settings.language or (languages[0] if languages else ""),
        tuple(pictures),
    )


def address_of(author: str, key: str) -> str:
    """The address of a post.

    Raises:
        ValueError: It cannot be one.
    """
    if not IDENTIFIER.fullmatch(author) or not KEY.fullmatch(key):
        raise ValueError("not a post's address")
    return f"at://{author}/{COLLECTION}/{key}"


def created_at(value: Any, time_us: int) -> str:
    """When the post says it was written, but never later than the network saw it: clocks are wrong at times."""
    seen = datetime.fromtimestamp(time_us / 1e6, UTC)
    try:
        said = datetime.fromisoformat(str(value))
        said = said if said.tzinfo else said.replace(tzinfo=UTC)
    except ValueError:
        return seen.isoformat()
    return min(said, seen).isoformat()


def apply(event: Any, into: Collection, settings: BlueskySettings, excluded: Counter[str]) -> int:
    """Bring one event into the collection; returns its time in microseconds, 0 for a malformed one."""
    try:
        moment, kind = int(event["time_us"]), event["kind"]
        if kind == "account":
            account = event["account"]
            if account.get("active") is False:
                if not IDENTIFIER.fullmatch(event["did"]):
                    raise ValueError("not an account")
                into.remove_author(event["did"], moment)
        elif kind == "commit" and event["commit"]["collection"] == COLLECTION:
            operation = event["commit"]["operation"]
            if operation == "delete":
                into.remove(address_of(event["did"], event["commit"]["rkey"]), moment)
            elif operation in ("create", "update"):
                post = post_of(event, settings, excluded)
                if post.pictures or operation == "update":
                    into.put(post)
        return moment
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        excluded["malformed event"] += 1
        return 0


class Stream:
    """Reads events into a collection, from one server after another, until it is stopped."""

    exhausted = False  # there is always more to come

    def __init__(self, into: Collection, settings: BlueskySettings, tell: Callable[[str], None]):
        self.into, self.settings, self.tell = into, settings, tell
        self.cursor = int(into.fact("cursor", "0"))
        self.done = asyncio.Event()
        self.events = 0
        self.connections = 0
        self.connected = False  # whether any server was reached yet
        self.last_event = 0.0  # monotonic time of the last break after which events had come

    def store(self, frames: list[str | bytes]) -> None:
        """Bring frames and the new position into the collection, together."""
        excluded: Counter[str] = Counter()
        latest = self.cursor
        with self.into.together():
            for frame in frames:
                try:
                    event = json.loads(frame)
                except (ValueError, RecursionError):
                    excluded["malformed event"] += 1
                    continue
                counted: Counter[str] = Counter()
                moment = apply(event, self.into, self.settings, counted)
                if moment > self.cursor or not moment:  # what is read again is not counted again
                    excluded += counted
                # A clock far ahead must not make us skip what comes before it.
                if moment <= (time.time() + 60) * 1e6:
                    latest = max(latest, moment)
                if self.settings.enough(self.into):
                    self.done.set()
                    break
            self.into.count_excluded(excluded)
            if latest > self.cursor:
                self.into.set_fact("cursor", str(latest))
                self.into.drop_old_marks(latest - MEMORY)
        self.cursor = latest
        self.events += len(frames)

    async def run(self) -> None:
        """Connect, read, reconnect; returns when ``done`` is set.

        Raises:
            CorpusError: No server can be reached.
        """
        self.last_event = time.monotonic()
        await keep_reading(self.read_next_server, self.done, self.settings.pause, LONGEST_PAUSE)

    async def read_next_server(self) -> None:
        """Read the next of the servers until its connection breaks.

        Raises:
            ConnectionBrokenError: It broke before any event came.
            CorpusError: No server was ever reached, or none has sent an event for too long.
        """
        settings, before = self.settings, self.events
        server = settings.streams[self.connections % len(settings.streams)]
        self.connections += 1
        try:
            await unless(self.done, self.read(server))
            trouble = "closed the connection"
        except InvalidURI as error:
            raise CorpusError(f"{server} is not the address of a stream: {error}") from error
        except (OSError, InvalidHandshake, WebSocketException) as error:
            trouble = f"{type(error).__name__}: {error}"[:200]
        if self.done.is_set():
            return
        if self.events > before:
            self.last_event = time.monotonic()
        never = not self.connected and self.connections >= len(settings.streams)
        if never or time.monotonic() - self.last_event > settings.patience:
            what = "no connection to Bluesky" if never else f"no event from Bluesky for {settings.patience:g} s"
            raise CorpusError(
                f"{what} (last: {server}: {trouble}). What was collected is kept; check the connection and run the "
                "same command again"
            )
        self.tell(f"{server}: {trouble}; trying again")
        if self.events == before:
            raise ConnectionBrokenError(trouble)

    async def read(self, server: str) -> None:
        """Read one connection until it breaks, or is silent for too long."""
        query: dict[str, str] = {"wantedCollections": COLLECTION}
        if self.cursor:
            query["cursor"] = str(max(0, self.cursor - REWIND))
        async with connect(
            f"{server}?{urlencode(query)}", max_size=MAX_FRAME, open_timeout=20, close_timeout=1
        ) as socket:
            self.connected = True
            arrived: asyncio.Queue[str | bytes | None] = asyncio.Queue(2 * BATCH)

            async def receive() -> None:
                try:
                    async for frame in socket:
                        await arrived.put(frame)
                finally:
                    await arrived.put(None)

            receiving = asyncio.create_task(receive())
            try:
                frames: list[str | bytes | None] = []
                while None not in frames and not self.done.is_set():
                    async with asyncio.timeout(self.settings.quiet):
                        frames = [await arrived.get()]
                    while not arrived.empty() and len(frames) < BATCH:  # what has arrived by now
                        frames.append(arrived.get_nowait())
                    self.store([f for f in frames if f is not None])
                if not self.done.is_set():
                    await receiving
            finally:
                receiving.cancel()


def collect_live(
    folder: Path, settings: BlueskySettings, tell: Callable[[str], None] = lambda text: None
) -> dict[str, int]:
    """Collect posts from Bluesky into ``folder``; see :func:`altlib.data.collect.stream.collect_live`."""
    return stream.collect_live(folder, "bluesky", lambda into: Stream(into, settings, tell), settings)


def records(folder: Path, unreadable: list[dict], limit: int = 0) -> Iterator[dict[str, Any]]:
    """The records of a collection, at most ``limit`` pictures (0: all); collects more first if there are fewer.

    Pictures that could not be fetched are appended to ``unreadable``.

    Raises:
        CorpusError: The collection is empty and the network cannot be reached.
    """
    kept = 0
    if is_collection(folder):
        with open_collection(folder) as collection:
            kept = collection.states()["kept"]
    if kept < max(limit, 1):
        collect_live(folder, BlueskySettings(pictures=max(limit, 1)), tell=print)
    with open_collection(folder) as collection:
        yield from collection.posts(unreadable, limit)
