"""Fetching pictures from servers that redirect, stall, lie and point at private addresses."""

import asyncio
import gzip
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler

import pytest
from loopback import PictureServer, http_server, picture_bytes

from altlib.core.errors import FetchError
from altlib.data.collect.fetching import Fetcher, FetchLimits, public_address, retry_after

LIMITS = FetchLimits(max_bytes=100_000, seconds=2.0, first_wait=0.01, private=True)


@pytest.fixture
def pictures() -> Iterator[tuple[PictureServer, str]]:
    server = PictureServer()
    with http_server(server.answer) as address:
        yield server, address
        server.stop.set()


def fetch(url: str, limits: FetchLimits = LIMITS, waits: list[float] | None = None) -> bytes:
    async def sleep(seconds: float) -> None:
        if waits is not None:
            waits.append(seconds)

    async def run() -> bytes:
        async with Fetcher(limits, sleep=sleep) as fetcher:
            return await fetcher.get(url)

    return asyncio.run(run())


def test_a_picture_arrives_as_it_is(pictures) -> None:
    assert fetch(f"{pictures[1]}/ok/1") == picture_bytes("/ok/1")


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("html/1", "not a picture"),
        ("status/404/9/x", "answers 404"),
        ("loop/1", "redirected more than 3 times"),
        ("endless/1", "larger than"),
        ("announced/1", "larger than"),
        ("gzip/1", "compressed"),
        ("slow/1", "took longer"),
    ],
)
def test_what_breaks_the_limits_is_refused(pictures, path: str, reason: str) -> None:
    started = time.monotonic()
    limits = FetchLimits(max_bytes=100_000, seconds=0.5, attempts=2, first_wait=0.01, private=True)
    with pytest.raises(FetchError, match=reason):
        fetch(f"{pictures[1]}/{path}", limits)
    assert time.monotonic() - started < 10


def test_a_host_in_trouble_is_asked_again_with_growing_waits(pictures) -> None:
    waits: list[float] = []
    assert fetch(f"{pictures[1]}/status/503/3/x", waits=waits)
    assert len(waits) == 3 and waits[0] < waits[1] < waits[2]


def test_the_host_says_how_long_to_wait(pictures) -> None:
    server, address = pictures
    server.headers = {"Retry-After": "7"}
    waits: list[float] = []
    with pytest.raises(FetchError, match="asks to wait|answers 429"):
        fetch(f"{address}/status/429/9/x", waits=waits)
    assert waits[0] == 7
    assert server.seen["/status/429/9/x"] == 1  # nobody is asked before the time is over


def test_a_wait_beyond_reason_is_not_waited_for(pictures) -> None:
    server, address = pictures
    server.headers = {"Retry-After": "86400"}
    waits: list[float] = []
    with pytest.raises(FetchError) as error:
        fetch(f"{address}/status/503/9/x", waits=waits)
    assert error.value.passing and not waits


def test_retry_after_as_seconds_and_as_a_date() -> None:
    assert retry_after("120") == 120
    assert retry_after("Wed, 21 Oct 2015 07:28:00 GMT", now=1445412480 - 5) == 5
    assert retry_after("soon") is None


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "10.1.2.3", "192.168.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1", "0.0.0.0",
     "fd00::1", "100.64.0.1", "224.0.0.1"],
)  # fmt: skip
def test_private_addresses_are_never_connected_to(host: str) -> None:
    with pytest.raises(FetchError, match="not a public one"):
        asyncio.run(public_address(host, 80))


def test_a_redirection_to_a_private_address_is_not_followed(pictures, monkeypatch) -> None:
    server, address = pictures
    server.redirect = "http://169.254.169.254/latest/meta-data"
    real = public_address

    async def only_the_server(host: str, port: int, private: bool = False) -> str:
        return await real(host, port, private=host == "127.0.0.1")

    monkeypatch.setattr("altlib.data.collect.fetching.public_address", only_the_server)
    with pytest.raises(FetchError, match="not a public one"):
        fetch(f"{address}/redirect/1", FetchLimits(private=False))


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://example.org/x", "http://user:word@example.org/", "x", ""])
def test_only_plain_web_addresses_are_fetched(url: str) -> None:
    with pytest.raises(FetchError):
        fetch(url)


def test_a_name_is_resolved_once_and_that_address_is_used(pictures, monkeypatch) -> None:
    _, address = pictures
    asked = []

    async def resolve(host: str, port: int, private: bool = False) -> str:
        asked.append(host)
        return "127.0.0.1"

    monkeypatch.setattr("altlib.data.collect.fetching.public_address", resolve)
    port = address.rsplit(":", 1)[1]
    assert fetch(f"http://pictures.example:{port}/ok/1") == picture_bytes("/ok/1")
    assert set(asked) == {"pictures.example"}


def test_robots_txt_is_asked_once_and_obeyed(pictures) -> None:
    server, address = pictures
    server.robots = "User-agent: *\nDisallow: /private/\n"

    async def run() -> None:
        async with Fetcher(LIMITS) as fetcher:
            await asyncio.gather(*(fetcher.get(f"{address}/ok/{n}") for n in range(5)))
            with pytest.raises(FetchError, match="robots"):
                await fetcher.get(f"{address}/private/1")

    asyncio.run(run())
    assert server.seen["/robots.txt"] == 1
    assert "/private/1" not in server.seen


def test_a_failed_download_leaves_no_file(pictures, tmp_path) -> None:
    async def run() -> None:
        async with Fetcher(LIMITS) as fetcher:
            await fetcher.download(f"{pictures[1]}/ok/1", tmp_path / "good.png")
            with pytest.raises(FetchError):
                await fetcher.download(f"{pictures[1]}/endless/1", tmp_path / "bad.png")

    asyncio.run(run())
    assert [p.name for p in tmp_path.iterdir()] == ["good.png"]


def test_rules_for_us_by_name_count_before_those_for_everybody(pictures) -> None:
    server, address = pictures
    server.robots = "User-agent: *\nDisallow: /\n\nUser-agent: altlib\nDisallow: /private/\nAllow: /private/x\n"
    assert fetch(f"{address}/ok/1") == picture_bytes("/ok/1")
    assert fetch(f"{address}/private/x") == picture_bytes("/private/x")
    with pytest.raises(FetchError, match="robots"):
        fetch(f"{address}/private/1")


FORBIDDEN = b"User-agent: *\nDisallow: /ok/\n"


def forbids(status: int, body: bytes, headers: dict[str, str] | None = None, hops: int = 0) -> bool:
    """Whether a site whose robots.txt is so answered, after so many redirections, forbids a picture."""
    server = PictureServer()

    def answer(handler: BaseHTTPRequestHandler) -> None:
        if handler.path.startswith("/ok/"):
            return server.answer(handler)
        hop = int(handler.path.removeprefix("/robots").removesuffix(".txt") or 0)
        if hop < hops:
            return server.send(handler, 301, b"", "text/plain", {"Location": f"/robots{hop + 1}.txt"})
        return server.send(handler, status, body, "text/plain", headers)

    with http_server(answer) as address:
        try:
            fetch(f"{address}/ok/1")
        except FetchError as error:
            assert "robots.txt forbids" in error.reason
            return True
    return False


def test_a_robots_txt_is_followed_through_five_redirections() -> None:
    assert forbids(200, FORBIDDEN, hops=5)
    assert not forbids(200, FORBIDDEN, hops=6)


def test_a_compressed_robots_txt_is_read_or_forbids_everything() -> None:
    assert forbids(200, gzip.compress(FORBIDDEN), {"Content-Encoding": "gzip"})
    assert not forbids(200, gzip.compress(b"User-agent: *\nAllow: /\n"), {"Content-Encoding": "gzip"})
    assert forbids(200, b"?", {"Content-Encoding": "secret"})


def test_the_first_500_kib_of_a_long_robots_txt_count() -> None:
    assert forbids(200, FORBIDDEN + b"# more\n" * 200_000)
    assert not forbids(200, b"# before\n" * 100_000 + FORBIDDEN)


def test_a_robots_txt_that_is_not_there_allows_and_one_that_is_broken_forbids() -> None:
    assert not forbids(403, b"")
    assert not forbids(410, b"")
    assert forbids(501, b"")
