"""Real servers on loopback: Bluesky's stream, and a server of pictures that misbehaves on demand."""

from __future__ import annotations

import io
import json
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from PIL import Image
from websockets.asyncio.server import serve

DAY = 1_750_000_000_000_000  # microseconds


def picture_bytes(name: str) -> bytes:
    """A small PNG whose colour follows from ``name``."""
    rng = random.Random(name)
    out = io.BytesIO()
    Image.new("RGB", (8, 8), tuple(rng.randrange(256) for _ in range(3))).save(out, "PNG")
    return out.getvalue()


class PictureServer:
    """Answers by the first part of the path: ``/ok/...`` a picture, ``/status/503/2/name`` twice 503 and then a picture."""

    def __init__(self) -> None:
        self.seen: dict[str, int] = {}
        self.robots = ""
        self.headers: dict[str, str] = {}
        self.redirect = ""
        self.stop = threading.Event()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        path = handler.path
        self.seen[path] = self.seen.get(path, 0) + 1
        part, *rest = path.strip("/").split("/")
        if part == "robots.txt":
            return self.send(handler, 200 if self.robots else 404, self.robots.encode(), "text/plain")
        if part == "status" and self.seen[path] <= int(rest[1]):
            return self.send(handler, int(rest[0]), b"", "text/plain", self.headers)
        if part == "redirect":
            return self.send(handler, 302, b"", "text/plain", {"Location": self.redirect})
        if part == "loop":
            return self.send(handler, 302, b"", "text/plain", {"Location": path})
        if part == "html":
            return self.send(handler, 200, b"<html>", "text/html")
        if part == "broken":
            return self.send(handler, 200, picture_bytes(path)[:30], "image/png")
        if part == "gzip":
            return self.send(handler, 200, b"x", "image/png", {"Content-Encoding": "gzip"})
        if part == "announced":
            return self.send(handler, 200, b"", "image/png", {"Content-Length": str(10**12)})
        if part in ("endless", "slow"):
            handler.send_response(200)
            handler.send_header("Content-Type", "image/png")
            handler.end_headers()
            while not self.stop.is_set():
                try:
                    handler.wfile.write(b"x" * (65536 if part == "endless" else 1))
                    if part == "slow":
                        self.stop.wait(0.05)
                except OSError:
                    return None
            return None
        return self.send(handler, 200, picture_bytes(path), "image/png")

    @staticmethod
    def send(handler: BaseHTTPRequestHandler, status: int, body: bytes, kind: str, headers: dict | None = None) -> None:
        handler.send_response(status)
        headers = {"Content-Length": str(len(body)), "Content-Type": kind} | (headers or {})
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)


@contextmanager
def http_server(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[str]:
    """Serve GET and POST by ``answer`` on loopback; yields the address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.0"

        def do_GET(self) -> None:
            answer(self)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        request_queue_size = 128  # many connections may come at once

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


# ---- Bluesky ----


def post_event(author: str, key: str, moment: int, alts: list[str], operation: str = "create", **record) -> dict:
    """An event of Jetstream: a post with a picture for each alt text."""
    images = [
        {"alt": alt, "image": {"$type": "blob", "ref": {"$link": f"bafkrei{author[-4:]}{key}{i:02}".ljust(30, "x")}}}
        for i, alt in enumerate(alts)
    ]
    embed = {"$type": "app.bsky.embed.images", "images": images}
    value = {"$type": "app.bsky.feed.post", "text": f"Post {key}", "langs": ["en"], "createdAt": "2025-06-15T15:06:40Z"}
    return {
        "did": author,
        "time_us": moment,
        "kind": "commit",
        "commit": {
            "operation": operation,
            "collection": "app.bsky.feed.post",
            "rkey": key,
            "record": value | ({"embed": embed} if alts else {}) | record,
        },
    }


def delete_event(author: str, key: str, moment: int) -> dict:
    """An event that deletes a post."""
    commit = {"operation": "delete", "collection": "app.bsky.feed.post", "rkey": key}
    return {"did": author, "time_us": moment, "kind": "commit", "commit": commit}


def account_event(author: str, moment: int, active: bool = False) -> dict:
    """An event that closes (or opens again) an account."""
    return {"did": author, "time_us": moment, "kind": "account", "account": {"did": author, "active": active}}


def busy_stream(count: int, seed: int = 0, spacing: int = 100_000, mess: int = 20) -> list[str]:
    """Frames of a lively stream: posts, updates, deletions, closed accounts, duplicates, wrong order, broken frames."""
    rng = random.Random(seed)
    authors = [f"did:plc:author{n:04}" for n in range(max(4, count // 12))]
    events: list[tuple[float, str]] = []
    posted: list[tuple[str, str]] = []
    for i in range(count):
        moment = DAY + i * spacing
        kind = rng.random()
        author = rng.choice(authors)
        if kind < 0.6 or not posted:
            key = f"key{i:06}"
            alts = [f"Picture {n} of {key}: a boat on the river" for n in range(rng.randint(1, 3))]
            posted.append((author, key))
            event = post_event(author, key, moment, alts)
        elif kind < 0.7:
            event = post_event(author, f"key{i:06}", moment, [rng.choice(["", "short", "A selfie of me at the beach"])])
        elif kind < 0.8:
            who, key = rng.choice(posted)
            alts = [] if rng.random() < 0.3 else [f"Changed at {i}: a boat under a bridge"]
            event = post_event(who, key, moment, alts, "update")
        elif kind < 0.95:
            event = delete_event(*rng.choice(posted), moment)
        else:
            event = account_event(author, moment, rng.random() < 0.3)
        frame = json.dumps(event)
        events.append((i + rng.uniform(0, mess), frame))
        if rng.random() < 0.05:
            events.append((i + rng.uniform(0, mess), frame))
        if rng.random() < 0.03:
            events.append((i + 0.5, rng.choice(["{", "[]", '{"kind": "commit"}', frame[: len(frame) // 2], "null"])))
    return [frame for _, frame in sorted(events)]


def moment_of(frame: str) -> int:
    """A frame's time, 0 for a broken one."""
    try:
        return json.loads(frame)["time_us"]
    except (ValueError, TypeError, KeyError):
        return 0


@asynccontextmanager
async def stream_server(frames: list[str], cut: Callable[[], int | None], at_end: Callable[[], None]):
    """Replay ``frames`` from the asked cursor on; ``cut()`` says after how many a connection breaks (None: never)."""
    moments = [moment_of(f) for f in frames]

    async def replay(socket) -> None:
        cursor = int(parse_qs(urlsplit(socket.request.path).query).get("cursor", ["0"])[0])
        first = next((i for i, m in enumerate(moments) if m and m >= cursor), len(frames))
        after = cut()
        for sent, frame in enumerate(frames[first:]):
            if after is not None and sent >= after:
                socket.transport.abort()
                return
            await socket.send(frame)
        at_end()
        await socket.wait_closed()

    async with serve(replay, "127.0.0.1", 0, close_timeout=0.2, ping_interval=1, ping_timeout=1) as server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/subscribe"
