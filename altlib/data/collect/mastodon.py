"""Mastodon, live: public posts with described images from any instance, by its timeline and its stream.

The timeline is read page by page from the last post that was stored, then the stream, until it
breaks; then the timeline again, so that nothing is missed. Deletions leave the collection again.
The stream does not repeat what it sent while nobody listened. So a part of the timeline is read
again, and the instance is asked for each of the last posts that are not on it any more.
Some instances want a token for either: the environment variable MASTODON_TOKEN.
"""

from __future__ import annotations

import asyncio
import html
import json
import os
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from altlib.core.errors import CorpusError
from altlib.data.collect import stream
from altlib.data.collect.fetching import AGENT, retry_after
from altlib.data.collect.store import CollectedPicture, CollectedPost, Collection
from altlib.data.collect.stream import ConnectionBrokenError, LiveSettings, exclusion, keep_reading, unless

PAGE = 40  # statuses per request, the most that Mastodon gives

MAX_STATUS = 2_000_000  # characters of an event

ATTEMPTS = 3  # before the first answer

LONGEST_PAUSE = 60.0  # seconds between two attempts to connect

AGAIN = 200  # posts of the collection whose part of the timeline is read again

RECHECK = 300.0  # seconds between two such readings where there is no stream

REFUSED = (401, 403, 422)  # answers to a missing or wrong token

GONE = (404, 410)  # answers to a request for a deleted status

STATUS = re.compile(r"[0-9A-Za-z_-]{1,64}")  # id of a status


@dataclass(frozen=True)
class MastodonSettings(LiveSettings):
    """What is collected and from where, besides when to stop.

    Attributes:
        instance: its address, such as ``https://mastodon.social``.
        local: whether only the instance's own posts are taken.
        minimum_characters: of alt text.
        language: of posts.
        patience: seconds without an answer before giving up, once there was one.
        pause: seconds before connecting again, doubled while there is no answer.
        quiet: seconds of silence after which the stream is taken for broken; instances send a
            sign of life every 15.
        poll: seconds between requests where there is no stream.
    """

    instance: str = "https://mastodon.social"
    local: bool = False
    minimum_characters: int = 20
    language: str = "en"
    patience: float = 300.0
    pause: float = 1.0
    quiet: float = 60.0
    poll: float = 15.0


def plain_text(content: str) -> str:
    """The text of a status, which comes as HTML."""
    broken = re.sub(r"<br\s*/?>|</p>\s*<p[^>]*>", "\n", content)
    return html.unescape(re.sub(r"<[^>]*>", "", broken)).strip()


def address_of(instance: str, status: str) -> str:
    """The address of a status on its instance.

    Raises:
        ValueError: It cannot be one.
    """
    if not STATUS.fullmatch(status):
        raise ValueError("not a status")
    return f"{instance}/statuses/{status}"


def order_of(status: str) -> tuple[int, str]:
    """What statuses of an instance are sorted by, the older first: their ids are growing numbers."""
    return len(status), status


def moment_of(value: str) -> int:
    """A time as Mastodon writes it, in microseconds."""
    return int(datetime.fromisoformat(value).replace(tzinfo=UTC).timestamp() * 1e6)


def post_of(status: dict[str, Any], settings: MastodonSettings, excluded: Counter[str]) -> CollectedPost:
    """A status as a post with the pictures that pass; the others are counted in ``excluded``.

    Raises:
        KeyError, TypeError, ValueError: The status is malformed.
    """
    images = [m for m in status["media_attachments"] if m["type"] == "image"]
    language = str(status.get("language") or "").lower()
    author = str(status["account"]["acct"])  # an account of the instance itself comes without it
    author = f"acct:{author}" if "@" in author else f"acct:{author}@{httpx.URL(settings.instance).host}"
    why = ""
    if status.get("reblog"):
        why = "repost"
    elif settings.language and language.split("-")[0] != settings.language:
        why = "other language"
    elif status.get("sensitive"):
        why = "sensitive label"
    pictures = []
    for number, image in enumerate(images):
        alt_text = str(image.get("description") or "")
        reason = why or exclusion(alt_text, settings.minimum_characters)
        if reason:
            excluded[reason] += 1
        else:
            pictures.append(CollectedPicture(number, alt_text, str(image["url"])))
    return CollectedPost(
        address_of(settings.instance, str(status["id"])),
        author,
        moment_of(status.get("edited_at") or status["created_at"]),
        str(status["created_at"]),
        plain_text(str(status.get("content") or "")),
        language,
        tuple(pictures),
    )


class Timeline:
    """Reads an instance's public timeline and stream into a collection until ``done`` is set."""

    exhausted = False  # there is always more to come

    def __init__(self, into: Collection, settings: MastodonSettings, tell: Callable[[str], None]):
        self.into, self.settings, self.tell = into, settings, tell
        self.done = asyncio.Event()
        self.name = f"last/{settings.instance}"
        self.last = into.fact(self.name)
        self.answered = 0.0  # monotonic time of the last answer; 0 before the first
        self.failures = 0
        self.news = 0  # events of the stream and statuses of the timeline that came for the first time
        self.rechecked = 0.0  # monotonic time of the last reading that began before the last stored status
        self.polls = False  # whether there is no stream for us, so that the timeline is asked instead

    def store(self, events: list[tuple[str, Any]]) -> None:
        """Bring events ("update" with a status, "delete" with its id) into the collection, together."""
        excluded: Counter[str] = Counter()
        with self.into.together():
            for kind, content in events:
                if self.done.is_set():
                    break
                try:
                    if kind == "delete":
                        self.into.remove(address_of(self.settings.instance, str(content)))
                        continue
                    counted: Counter[str] = Counter()
                    post = post_of(content, self.settings, counted)
                    if order_of(str(content["id"])) > order_of(self.last):  # what is read again is not counted again
                        excluded += counted
                        self.news += 1
                    if post.pictures or content.get("edited_at"):
                        self.into.put(post)
                    self.last = max(self.last, str(content["id"]), key=order_of)
                except (KeyError, TypeError, ValueError, AttributeError):
                    excluded["malformed status"] += 1
                if self.settings.enough(self.into):
                    self.done.set()
            self.into.count_excluded(excluded)
            self.into.set_fact(self.name, self.last)

    async def run(self) -> None:
        """Read the timeline, then the stream, then the timeline again; returns when ``done`` is set.

        Raises:
            CorpusError: The instance does not answer, or wants a token.
        """
        token = os.environ.get("MASTODON_TOKEN", "")
        headers = {"User-Agent": AGENT} | ({"Authorization": f"Bearer {token}"} if token else {})
        timeout = httpx.Timeout(20.0, read=self.settings.quiet)
        async with httpx.AsyncClient(base_url=self.settings.instance, headers=headers, timeout=timeout) as client:
            await keep_reading(lambda: self.read(client), self.done, self.settings.pause, LONGEST_PAUSE)

    async def read(self, client: httpx.AsyncClient) -> None:
        """Read the timeline and the stream until it breaks; without a stream, the timeline again and again.

        Raises:
            ConnectionBrokenError: The instance asks to wait, or nothing new came before the connection broke.
            CorpusError: The instance has not answered for too long, or wants a token.
        """
        wait, before = 0.0, self.news
        try:
            await unless(self.done, self.follow(client))
            while self.polls and not self.done.is_set():
                again = time.monotonic() - self.rechecked > RECHECK
                await unless(self.done, self.catch_up(client, again))
                await unless(self.done, asyncio.sleep(self.settings.poll))
            self.tell_trouble("closed the stream")
            return
        except httpx.HTTPStatusError as error:
            trouble, wait = self.refused(error.response)
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            trouble = f"{type(error).__name__}: {error}"[:200]
        if self.done.is_set():
            return
        self.failures += 1
        silent = time.monotonic() - self.answered
        if (not self.answered and self.failures >= ATTEMPTS) or (self.answered and silent > self.settings.patience):
            raise CorpusError(
                f"no answer from {self.settings.instance} ({trouble}). What was collected is kept; check the address "
                "and the connection, and run the same command again"
            )
        self.tell_trouble(trouble)
        if wait or self.news == before:
            raise ConnectionBrokenError(trouble, wait)

    def tell_trouble(self, trouble: str) -> None:
        """Say why the instance is connected to again."""
        if not self.done.is_set():
            self.tell(f"{self.settings.instance}: {trouble}; trying again")

    def refused(self, response: httpx.Response) -> tuple[str, float]:
        """What a refusal means, and how many seconds the instance asks to wait (0: not told).

        Raises:
            CorpusError: Waiting does not help.
        """
        status = response.status_code
        if status in REFUSED:
            raise CorpusError(
                f"{self.settings.instance} answers {status}: it wants a valid token. Make one there under Preferences, "
                "Development (scope read:statuses), and set the environment variable MASTODON_TOKEN"
            )
        if status == 404:
            raise CorpusError(f"{self.settings.instance} has no public timeline: is it a Mastodon instance?")
        pause = retry_after(response.headers.get("retry-after", ""))
        if pause is None and (reset := response.headers.get("x-ratelimit-reset")) and status == 429:
            pause = max(0.0, moment_of(reset) / 1e6 - time.time())
        self.answered = time.monotonic()
        return f"answers {status}", pause or 0.0

    async def catch_up(self, client: httpx.AsyncClient, again: bool) -> None:
        """Read the timeline from the last stored status to its end; the first time, one page.

        Args:
            client: connected to the instance.
            again: whether to begin :data:`AGAIN` posts earlier, for what was changed or deleted since.
        """
        beginning = address_of(self.settings.instance, "0")[:-1]
        held = [a.removeprefix(beginning) for a in self.into.last_addresses(beginning, AGAIN)] if again else []
        after, listed = held[-1] if held else self.last, set[str]()
        while not self.done.is_set():
            query: dict[str, str | int] = {"limit": PAGE, "only_media": "true"}
            query |= {"local": "true"} if self.settings.local else {}
            query |= {"min_id": after} if after else {}
            response = await client.get("/api/v1/timelines/public", params=query)
            response.raise_for_status()
            self.answered = time.monotonic()
            page = response.json()
            if not isinstance(page, list):
                raise ValueError("the timeline is not a list")
            self.store([("update", status) for status in reversed(page)])
            ids = {str(status.get("id", "")) for status in page if isinstance(status, dict)} - listed
            listed |= ids
            if not after or len(page) < PAGE or not ids:
                break
            after = max(ids, key=order_of)
        if again:
            await self.ask_again(client, [status for status in held if status not in listed])

    async def ask_again(self, client: httpx.AsyncClient, statuses: list[str]) -> None:
        """Ask for statuses that are not on the timeline, take out those that are deleted, and edit those that changed."""
        for status in statuses:
            if self.done.is_set():
                return
            response = await client.get(f"/api/v1/statuses/{status}")
            if response.status_code in GONE:
                self.store([("delete", status)])
            else:
                response.raise_for_status()
                self.store([("update", response.json())])
            self.answered = time.monotonic()
        self.rechecked = time.monotonic()

    async def follow(self, client: httpx.AsyncClient) -> None:
        """Open the stream, read the timeline up to it, then the stream until it ends; at once if there is no stream."""
        if self.polls:
            return
        path = "/api/v1/streaming/public" + ("/local" if self.settings.local else "")
        async with client.stream("GET", path, params={"only_media": "true"}) as response:
            if response.status_code in REFUSED and "Authorization" not in client.headers:
                self.polls = True
                self.tell(
                    f"{self.settings.instance}: its stream wants a token (set MASTODON_TOKEN), so the timeline is asked "
                    "again and again; deletions are seen some minutes late"
                )
                return
            response.raise_for_status()
            # Only now, as what is posted in between comes by the stream.
            await self.catch_up(client, again=True)
            async for kind, data in server_events(response):
                self.answered = time.monotonic()
                self.news += 1
                if kind in ("update", "status.update"):
                    try:
                        self.store([("update", json.loads(data))])
                    except (ValueError, RecursionError):
                        self.store([("update", None)])
                elif kind == "delete":
                    self.store([("delete", data)])
                if self.done.is_set():
                    return


async def server_events(response: httpx.Response) -> AsyncIterator[tuple[str, str]]:
    """The events of a text/event-stream: their kind and their data; longer ones than Mastodon sends are dropped."""
    kind, data, length = "", [], 0
    async for line in response.aiter_lines():
        name, _, value = line.partition(":")
        length += len(line)
        if name == "event":
            kind = value.strip()
        elif name == "data" and length <= MAX_STATUS:
            data.append(value.removeprefix(" "))
        elif not line:
            if kind and data and length <= MAX_STATUS:
                yield kind, "\n".join(data)
            kind, data, length = "", [], 0


def collect_live(
    folder: Path, settings: MastodonSettings, tell: Callable[[str], None] = lambda text: None
) -> dict[str, int]:
    """Collect posts from an instance into ``folder``; see :func:`altlib.data.collect.stream.collect_live`."""
    return stream.collect_live(folder, "mastodon", lambda into: Timeline(into, settings, tell), settings)
