"""Fetch pictures that strangers link to: within limits, politely, and never from a private address."""

from __future__ import annotations

import asyncio
import email.utils
import ipaddress
import socket
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
from protego import Protego
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt, wait_exponential_jitter

from altlib import __version__
from altlib.core.errors import FetchError
from altlib.core.files import whole_file

PRODUCT = "altlib"  # the name by which a robots.txt addresses us

AGENT = f"{PRODUCT}/{__version__} (collects pictures with alt text for research)"

RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})  # answers after which a later attempt may succeed

MAX_ROBOTS = 512_000  # bytes of a robots.txt that are read, decompressed (RFC 9309, section 2.5: at least 500 KiB)

ROBOTS_REDIRECTS = 5  # of a robots.txt that are followed (RFC 9309, section 2.3.1.2)

ENCODINGS = ("identity", "gzip", "x-gzip", "deflate")  # in which a robots.txt can be read

FORBID_ALL = "User-agent: *\nDisallow: /"


@dataclass(frozen=True)
class FetchLimits:
    """What a download may cost.

    Attributes:
        max_bytes: of the body.
        seconds: of one attempt, redirects included.
        redirects: that are followed.
        attempts: in all, with exponential back-off between them.
        first_wait: seconds before the second attempt.
        longest_wait: seconds; a download that would have to wait longer is given up.
        concurrency: downloads at the same time.
        types: media types that are taken.
        private: whether addresses that are not public may be reached, as a server of one's own.
    """

    max_bytes: int = 10_000_000
    seconds: float = 30.0
    redirects: int = 3
    attempts: int = 4
    first_wait: float = 1.0
    longest_wait: float = 300.0
    concurrency: int = 8
    types: tuple[str, ...] = ("image/jpeg", "image/png", "image/webp", "image/gif")
    private: bool = False


async def public_address(host: str, port: int, private: bool = False) -> str:
    """The address to connect to for ``host``.

    The address itself is then used, so that a name cannot change what it points to in between.

    Raises:
        FetchError: The name cannot be resolved, or any of its addresses is not public.
    """
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise FetchError(host, "the host's name cannot be resolved", passing=True) from error
    addresses = [ipaddress.ip_address(str(entry[4][0]).split("%")[0]) for entry in found]
    for address in addresses:
        plain = getattr(address, "ipv4_mapped", None) or address
        if not private and (not plain.is_global or plain.is_multicast or plain.is_reserved):
            raise FetchError(host, "the address is not a public one")
    return str(addresses[0])


def retry_after(value: str, now: float | None = None) -> float | None:
    """Seconds to wait by a Retry-After header, which holds seconds or a date; None if it holds neither."""
    if value.strip().isdigit():
        return float(value)
    try:
        date = email.utils.parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return None
    return max(0.0, date.timestamp() - (time.time() if now is None else now))


# Reads the body of a response to a request for an address.
BodyReader = Callable[[str, httpx.Response], Awaitable[bytes]]


class Fetcher:
    """Downloads within :class:`FetchLimits`, a few at a time, after asking the host's robots.txt.

    Use it as an asynchronous context manager.
    """

    def __init__(
        self,
        limits: FetchLimits | None = None,
        robots: bool = True,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ):
        self.limits = limits or FetchLimits()
        self.robots = robots
        self.sleep = sleep
        self.backoff = wait_exponential_jitter(self.limits.first_wait, jitter=self.limits.first_wait / 2)
        self.rules: dict[str, Protego] = {}
        self.not_before: dict[str, float] = {}  # monotonic time at which a host may be asked again
        self.places = asyncio.Semaphore(self.limits.concurrency)
        self.locks: dict[str, asyncio.Lock] = {}

    async def __aenter__(self) -> Fetcher:
        """Open the connections."""
        # No proxy from the environment: it would resolve names by itself, past the check of addresses.
        self.client = httpx.AsyncClient(trust_env=False, timeout=httpx.Timeout(10.0), headers={"User-Agent": AGENT})
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connections."""
        await self.client.aclose()

    async def get(self, url: str) -> bytes:
        """The body behind ``url``.

        Raises:
            FetchError: The limits or the attempts are used up, or trying again cannot help.
        """
        retrying = AsyncRetrying(
            retry=retry_if_exception(lambda error: isinstance(error, FetchError) and error.passing),
            wait=self.wait_before_retry,
            stop=lambda state: (
                stop_after_attempt(self.limits.attempts)(state) or state.upcoming_sleep > self.limits.longest_wait
            ),
            sleep=self.sleep,
            reraise=True,
        )
        return await retrying(self.attempt, url)

    def wait_before_retry(self, state: RetryCallState) -> float:
        """Seconds before the next attempt: as many as the host asks for, else growing ones."""
        error = state.outcome.exception() if state.outcome else None
        return (error.wait if isinstance(error, FetchError) else 0.0) or self.backoff(state)

    async def attempt(self, url: str) -> bytes:
        """One attempt at a download, in one of the places for those at the same time."""
        async with self.places:
            return await self.follow(url)

    async def download(self, url: str, path: Path) -> None:
        """Write the body behind ``url`` to ``path``, whole or not at all."""
        body = await self.get(url)
        with whole_file(path) as part:
            part.write_bytes(body)

    async def follow(self, url: str) -> bytes:
        """The body behind ``url`` and its redirects."""
        try:
            async with asyncio.timeout(self.limits.seconds):
                for _ in range(self.limits.redirects + 1):
                    found = await self.hop(url, self.picture_body)
                    if isinstance(found, bytes):
                        return found
                    url = found
                raise FetchError(url, f"redirected more than {self.limits.redirects} times")
        except TimeoutError as error:
            raise FetchError(url, f"took longer than {self.limits.seconds:g} s", passing=True) from error

    async def hop(self, url: str, read_body: BodyReader, asks_robots: bool = True) -> bytes | str:
        """One request: the body as ``read_body`` reads it, or where it is redirected to."""
        try:
            where = httpx.URL(url)
        except (httpx.InvalidURL, TypeError, ValueError) as error:
            raise FetchError(url, "is not a web address") from error
        if where.scheme not in ("http", "https") or not where.host or where.userinfo:
            raise FetchError(url, "is not a plain web address")
        port = where.port or {"http": 80, "https": 443}[where.scheme]
        site = f"{where.scheme}://{where.netloc.decode('ascii')}"
        if (pause := self.not_before.get(site, 0.0) - time.monotonic()) > 0:
            raise FetchError(url, "the host asks to wait", passing=True, wait=pause)
        address = await public_address(where.host, port, self.limits.private)
        if asks_robots and self.robots and not await self.allowed(site, url):
            raise FetchError(url, "the host's robots.txt forbids it")
        try:
            async with self.client.stream(
                "GET",
                where.copy_with(host=address),
                headers={"Host": where.netloc.decode("ascii"), "Accept-Encoding": "identity"},
                extensions={"sni_hostname": where.host},
            ) as response:
                if response.is_redirect:
                    return str(where.join(response.headers["location"]))
                self.check_status(url, site, response)
                return await read_body(url, response)
        except httpx.HTTPError as error:
            raise FetchError(url, f"the connection failed ({type(error).__name__})", passing=True) from error

    def check_status(self, url: str, site: str, response: httpx.Response) -> None:
        """Note when the site may be asked again.

        Raises:
            FetchError: The status is not 200.
        """
        status = response.status_code
        if status in RETRIED:
            wait = retry_after(response.headers.get("retry-after", "")) or 0.0
            if status == 429:
                pause = wait or self.limits.first_wait
                self.not_before[site] = time.monotonic() + min(pause, self.limits.longest_wait)
            raise FetchError(url, f"the host answers {status}", passing=True, wait=wait, status=status)
        if status != 200:
            raise FetchError(url, f"the host answers {status}", status=status)

    async def picture_body(self, url: str, response: httpx.Response) -> bytes:
        """The body of a response of the right type, no longer than the limits say."""
        max_bytes = self.limits.max_bytes
        kind = response.headers.get("content-type", "").split(";")[0].strip().lower()
        if kind not in self.limits.types:
            raise FetchError(url, f"is of the type {kind[:40] or 'nothing'}, not a picture")
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            raise FetchError(url, "is compressed, though nobody asked for that")
        announced = response.headers.get("content-length", "")
        if announced.isdigit() and int(announced) > max_bytes:
            raise FetchError(url, f"is larger than {max_bytes:,} bytes")
        body = bytearray()
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > max_bytes:
                raise FetchError(url, f"is larger than {max_bytes:,} bytes")
        if announced.isdigit() and len(body) != int(announced):
            raise FetchError(url, "ended early", passing=True)
        return bytes(body)

    async def robots_body(self, url: str, response: httpx.Response) -> bytes:
        """The first :data:`MAX_ROBOTS` bytes of a robots.txt, decompressed, up to the last whole line."""
        if response.headers.get("content-encoding", "identity").strip().lower() not in ENCODINGS:
            raise FetchError(url, "is compressed in a way that cannot be read")
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > MAX_ROBOTS:
                return bytes(body[:MAX_ROBOTS]).rpartition(b"\n")[0]
        return bytes(body)

    async def robots_txt(self, site: str) -> str:
        """The rules of a site as RFC 9309 (section 2.3.1) wants them taken.

        Returns:
            The text of its robots.txt, also from behind redirects; nothing, which allows all, if the
            host answers 4xx or redirects too often; what forbids all if it cannot be read.

        Raises:
            FetchError: The host cannot be reached at the moment.
        """
        url = f"{site}/robots.txt"
        try:
            for _ in range(ROBOTS_REDIRECTS + 1):
                found = await self.hop(url, self.robots_body, asks_robots=False)
                if isinstance(found, bytes):
                    return found.decode("utf-8", "replace")
                url = found
        except FetchError as error:
            if error.passing:
                raise
            return "" if 400 <= error.status < 500 else FORBID_ALL
        return ""

    async def allowed(self, site: str, url: str) -> bool:
        """Whether the site's robots.txt, which is asked for once, lets us fetch ``url``."""
        async with self.locks.setdefault(site, asyncio.Lock()):
            if site not in self.rules:
                self.rules[site] = Protego.parse(await self.robots_txt(site))
        return self.rules[site].can_fetch(url, PRODUCT)
