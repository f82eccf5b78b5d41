"""X (Twitter): posts from their ids, as dehydrated corpora are released (Twitter paper, section 4).

The ids come as JSON lines, as CSV with a heading, or one per line; the API tells the rest, as far as
the posts still exist. It wants a bearer token: the environment variable X_BEARER_TOKEN.
"""

from __future__ import annotations

import asyncio
import csv
import json
import os
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt, wait_exponential

from altlib.core.errors import CorpusError
from altlib.data.collect import stream
from altlib.data.collect.store import CollectedPicture, CollectedPost, Collection
from altlib.data.collect.stream import LiveSettings, unless

PAGE = 100  # posts per request, the most that the API gives

FIELDS = {
    "tweet_fields": ["attachments", "author_id", "created_at", "lang", "possibly_sensitive", "referenced_tweets"],
    "expansions": ["attachments.media_keys"],
    "media_fields": ["alt_text", "media_key", "type", "url"],
}  # what the API is asked to tell of a post

ID_NAMES = ("tweet_id", "post_id", "id", "tweet")  # columns that may hold a post's id

URL_NAMES = ("media_url", "image_url", "url")  # columns that may hold a picture's address


@dataclass(frozen=True)
class XSettings(LiveSettings):
    """Which posts are hydrated, besides when to stop.

    Attributes:
        ids: the file of ids, and of media URLs if it has them: only those pictures are then taken.
        attempts: per request.
        pause: seconds before the second attempt, doubled before each further one.
    """

    ids: Path = Path("ids.jsonl")
    attempts: int = 6
    pause: float = 2.0


def read_ids(file: Path) -> dict[str, set[str]]:
    """Post ids in their order, each with its media URLs (empty if the file names none).

    Raises:
        CorpusError: The file is missing, holds no ids, or a line without one.
    """
    if not file.is_file():
        raise CorpusError(f"{file} does not exist; it should hold post ids, as JSON lines, CSV, or one per line")
    found: dict[str, set[str]] = {}
    with file.open(encoding="utf-8-sig", errors="replace", newline="") as lines:
        first = lines.readline()
        lines.seek(0)
        if first.lstrip().startswith("{"):
            rows: Any = (json.loads(line) for line in lines if line.strip())
        elif any(name in first.replace('"', "").strip().split(",") for name in ID_NAMES):
            rows = csv.DictReader(lines)
        else:
            rows = ({"id": line.strip()} for line in lines if line.strip())
        try:
            for row in rows:
                post = str(next(row[name] for name in ID_NAMES if row.get(name))).rsplit("/", 1)[-1]
                if not post.isdigit():
                    raise ValueError(f"{post[:40]!r} is not a post's id")
                url = next((str(row[name]) for name in URL_NAMES if row.get(name)), "")
                found.setdefault(post, set()).update([url] if url else [])
        except (ValueError, AttributeError, StopIteration, RuntimeError, csv.Error) as error:
            raise CorpusError(f"{file}, after {len(found)} ids: {error or 'a line without an id'}") from error
    if not found:
        raise CorpusError(f"{file} holds no ids")
    return found


def posts_of(response: Any, wanted: dict[str, set[str]], excluded: Counter[str]) -> list[CollectedPost]:
    """The posts of a response of the API (tweepy's ``Response``) with their described pictures."""
    media = {m.media_key: m for m in (response.includes or {}).get("media", [])}
    posts = []
    for tweet in response.data or []:
        pictures = []
        keys = (tweet.attachments or {}).get("media_keys", [])
        for number, item in enumerate(media[k] for k in keys if k in media):
            named = wanted.get(str(tweet.id), set())
            if item.type != "photo":
                excluded["not a still image"] += 1
            elif named and item.url not in named:
                excluded["not among the named pictures"] += 1
            elif not (item.alt_text or "").strip():
                excluded["no alt text"] += 1
            else:
                pictures.append(CollectedPicture(number, item.alt_text, item.url))
        created: datetime = tweet.created_at
        posts.append(
            CollectedPost(
                f"https://x.com/i/status/{tweet.id}",
                f"x:{tweet.author_id}",
                int(created.timestamp() * 1e6),
                created.isoformat(),
                tweet.text,
                tweet.lang or "",
                tuple(pictures),
                "sensitive" if tweet.possibly_sensitive else "",
                any(r.type == "retweeted" for r in tweet.referenced_tweets or []),
            )
        )
    excluded["no longer there"] += len(wanted) - len(posts)
    return posts


class Hydration:
    """Asks for the posts of a file of ids, a hundred at a time, until all were asked for.

    Raises:
        CorpusError: There is no token, or the file holds no ids.
    """

    def __init__(self, into: Collection, settings: XSettings, tell: Callable[[str], None], session: Any = None):
        import tweepy

        token = os.environ.get("X_BEARER_TOKEN", "")
        if not token:
            raise CorpusError(
                "hydrating posts of X wants a bearer token of its API (developer.x.com): set the environment variable X_BEARER_TOKEN"
            )
        self.into, self.settings, self.tell = into, settings, tell
        self.ids = read_ids(settings.ids)
        self.client = tweepy.Client(bearer_token=token)
        if session is not None:
            self.client.session = session
        self.done = asyncio.Event()
        self.exhausted = False
        self.name = f"hydrated/{settings.ids.name}"

    async def run(self) -> None:
        """Hydrate what is not hydrated yet; sets ``done`` in the end."""
        order = list(self.ids)
        position = int(self.into.fact(self.name, "0"))
        while position < len(order) and not self.done.is_set():
            wanted = {post: self.ids[post] for post in order[position : position + PAGE]}
            response = await self.request(list(wanted))
            if response is None:
                return
            excluded: Counter[str] = Counter()
            with self.into.together():
                for post in posts_of(response, wanted, excluded):
                    if post.pictures:
                        self.into.put(post)
                self.into.count_excluded({r: n for r, n in excluded.items() if n})
                position += len(wanted)
                self.into.set_fact(self.name, str(position))
            self.tell(f"{position:,} of {len(order):,} ids asked for")
            if self.settings.enough(self.into):
                break
        self.exhausted = position >= len(order)
        self.done.set()

    async def request(self, posts: list[str]) -> Any:
        """The API's response for some posts; None if ``done`` was set while the API was in trouble.

        Raises:
            CorpusError: The token is refused, or the attempts are used up.
        """
        import requests
        import tweepy

        async def sleep(seconds: float) -> None:
            await unless(self.done, asyncio.sleep(seconds))

        retrying = AsyncRetrying(
            retry=retry_if_exception_type((tweepy.TweepyException, requests.RequestException)),
            wait=self.wait_before_retry,
            stop=stop_after_attempt(self.settings.attempts),
            before_sleep=self.tell_trouble,
            sleep=sleep,
            retry_error_callback=give_up,
        )
        return await retrying(self.attempt, posts)

    async def attempt(self, posts: list[str]) -> Any:
        """One request for some posts; None if ``done`` is set.

        Raises:
            CorpusError: The token is refused.
        """
        import tweepy

        if self.done.is_set():
            return None
        try:
            return await asyncio.to_thread(self.client.get_tweets, posts, **FIELDS)
        except (tweepy.Unauthorized, tweepy.Forbidden) as error:
            raise CorpusError(
                f"the API of X answers {error.response.status_code}: the token in X_BEARER_TOKEN is not valid or its plan "
                "does not allow reading posts. What was collected is kept"
            ) from None  # the error's own text may hold what was sent

    def wait_before_retry(self, state: RetryCallState) -> float:
        """Seconds before the next attempt: until the rate limit ends, else growing ones."""
        return seconds_until_reset(error_of(state)) or wait_exponential(self.settings.pause)(state)

    def tell_trouble(self, state: RetryCallState) -> None:
        """Say why and when a request is repeated."""
        self.tell(f"the API of X: {trouble_of(error_of(state))}; going on in {state.upcoming_sleep:.0f} s")


def error_of(state: RetryCallState) -> BaseException | None:
    """The error with which an attempt ended."""
    return state.outcome.exception() if state.outcome else None


def seconds_until_reset(error: BaseException | None) -> float:
    """Seconds until the rate limit that an error tells of ends, at least 1; 0 for other errors."""
    import tweepy

    if not isinstance(error, tweepy.TooManyRequests):
        return 0.0
    reset = error.response.headers.get("x-rate-limit-reset", "")
    return max(1.0, int(reset) - time.time()) if reset.isdigit() else 0.0


def trouble_of(error: BaseException | None) -> str:
    """What an error of the API means."""
    import tweepy

    return "its rate limit is used up" if isinstance(error, tweepy.TooManyRequests) else type(error).__name__


def give_up(state: RetryCallState) -> None:
    """End the collection after the last attempt.

    Raises:
        CorpusError: Always.
    """
    raise CorpusError(
        f"the API of X does not answer ({trouble_of(error_of(state))}). What was collected is kept; run the same command again"
    ) from error_of(state)


def collect_live(folder: Path, settings: XSettings, tell: Callable[[str], None] = lambda text: None) -> dict[str, int]:
    """Hydrate the posts of a file of ids into ``folder``; see :func:`altlib.data.collect.stream.collect_live`."""
    return stream.collect_live(folder, "x", lambda into: Hydration(into, settings, tell), settings)
