"""Servers of Bluesky, Mastodon and X on loopback that disturb the collectors, and what must be kept in the end."""

import asyncio
import io
import json
import os
import socket
import struct
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from random import Random
from urllib.parse import parse_qs, urlsplit

import requests
from PIL import Image
from websockets.asyncio.server import serve

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "tests"))

from loopback import busy_stream, http_server, moment_of  # noqa: E402

from altlib.core.errors import CorpusError  # noqa: E402
from altlib.data.collect import bluesky, mastodon, stream, x  # noqa: E402
from altlib.data.collect.fetching import FetchLimits  # noqa: E402
from altlib.data.collect.reading import open_collection  # noqa: E402
from altlib.data.collect.stream import collect_async, exclusion  # noqa: E402

LIMITS = FetchLimits(private=True, first_wait=0.002, attempts=4)
PART = 0.15  # of answers that are disturbed
QUIET = 4.0  # seconds without a change after which all that was sent is stored


class Faults:
    """What is done to answers and connections, at random, and how often."""

    def __init__(self, seed):
        self.rng, self.lock, self.counts = Random(seed), threading.Lock(), Counter()

    def count(self, what):
        with self.lock:
            self.counts[what] += 1

    @property
    def disconnects(self):
        return sum(n for what, n in self.counts.items() if what.startswith("dropped"))

    def reset(self, handler):
        """End a connection at once, as a crash does."""
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        handler.connection.close()
        handler.wfile = io.BytesIO()

    def answer(self, handler, body, kind="application/json", corrupt=True):
        """Answer, or drop the connection before or within the answer, refuse, or send a broken body."""
        chance = self.rng.random() / PART
        if chance < 0.3:
            self.count("dropped before an answer")
            return self.reset(handler)
        if chance < 0.6:
            self.count("dropped within an answer")
            return send(handler, 200, kind, body[: len(body) // 2], len(body))
        if chance < 0.8:
            self.count("refused")
            return send(handler, 503, kind, b"")
        if chance < 1 and corrupt:
            self.count("corrupted")
            return send(handler, 200, kind, b'[{"broken"')
        return send(handler, 200, kind, body)


def send(handler, status, kind, body, length=None):
    handler.send_response(status)
    handler.send_header("Content-Type", kind)
    handler.send_header("Content-Length", str(len(body) if length is None else length))
    handler.end_headers()
    handler.wfile.write(body)


def picture(name):
    out = io.BytesIO()
    Image.new("RGB", (8, 8), tuple(Random(name).randrange(256) for _ in range(3))).save(out, "PNG")
    return out.getvalue()


def send_picture(faults, handler):
    if handler.path == "/robots.txt":
        return send(handler, 404, "text/plain", b"")
    return faults.answer(handler, picture(handler.path), "image/png", corrupt=False)


# ---- Bluesky ----


def bluesky_truth(frames):
    """Alt texts that are there after all events, by their item, and those that are not any more."""
    latest, removed, seen = {}, Counter(), {}
    for event in filter(None, map(parsed, frames)):
        author, moment = event["did"], event["time_us"]
        if event["kind"] == "account":
            if not event["account"]["active"]:
                removed[author] = max(removed[author], moment)
            continue
        uri = f"at://{author}/app.bsky.feed.post/{event['commit']['rkey']}"
        if event["commit"]["operation"] == "delete":
            removed[uri] = max(removed[uri], moment)
            continue
        images = event["commit"]["record"].get("embed", {}).get("images", [])
        alts = {f"{uri}#{n}": i["alt"] for n, i in enumerate(images) if not exclusion(i["alt"], 20)}
        seen |= {(item, alt): None for item, alt in alts.items()}
        if moment >= latest.get(uri, (0,))[0]:
            latest[uri] = (moment, author, alts)
    kept = {}
    for uri, (moment, author, alts) in latest.items():
        if moment > removed[uri] and moment > removed[author]:
            kept |= alts
    return kept, {alt for _, alt in seen} - set(kept.values())


def parsed(frame):
    try:
        event = json.loads(frame)
    except ValueError:
        return None
    return event if isinstance(event, dict) and "did" in event else None


def disturb_bluesky(folder, faults, wanted):
    frames = busy_stream(4 * wanted, seed=faults.rng.randrange(1000), spacing=500_000, mess=6)
    moments = [moment_of(frame) for frame in frames]
    over = threading.Event()

    async def replay(connection):
        cursor = int(parse_qs(urlsplit(connection.request.path).query).get("cursor", ["0"])[0])
        first = next((i for i, m in enumerate(moments) if m and m >= cursor), len(frames))
        for frame in (
            frames[first : first + faults.rng.randint(0, 26)] if faults.disconnects < wanted else frames[first:]
        ):
            await connection.send(frame)
        if faults.disconnects < wanted:
            how = faults.rng.choice(["with a reset", "within a frame", "with a broken frame", "in order"])
            faults.count(f"dropped {how}")
            if how == "within a frame":
                connection.transport.write(b"\x81\x7e\x01\x00{")
            elif how == "with a broken frame":
                connection.transport.write(b"\xff\xff\x00broken")
            if how == "in order":
                await connection.close()
            else:
                connection.transport.close() if how == "within a frame" else connection.transport.abort()
            return
        over.set()
        await connection.wait_closed()

    async def run(address):
        async with serve(replay, "127.0.0.1", 0, close_timeout=0.2) as server:
            port = server.sockets[0].getsockname()[1]
            settings = bluesky.BlueskySettings(
                streams=(f"ws://127.0.0.1:{port}/subscribe",), picture_server=address, pause=0.0, limits=LIMITS
            )

            def source(into):
                return bluesky.Stream(into, settings, lambda text: None)

            await until(over, folder, lambda: collect_async(folder, "bluesky", source, settings))

    with http_server(lambda handler: send_picture(faults, handler)) as address:
        asyncio.run(run(address))
    return bluesky_truth(frames)


def contents(folder):
    """Numbers that change whenever the collection does."""
    with open_collection(folder) as collection:
        counts = "SELECT COUNT(*), TOTAL(version) FROM posts UNION ALL SELECT COUNT(*), TOTAL(version) FROM removed"
        return collection.base.execute(counts).fetchall(), collection.states(), collection.excluded()


async def until(over, folder, collect):
    """Collect, again after each error that says so, until all is sent and stored and every picture is fetched."""
    while True:
        task = asyncio.create_task(collect())
        seen, since = None, time.monotonic()
        while not task.done():
            await asyncio.sleep(0.2)
            if over.is_set() and (found := contents(folder)) != seen:
                seen, since = found, time.monotonic()
            if over.is_set() and time.monotonic() - since > QUIET:
                task.cancel()
                break
        done = (await asyncio.gather(task, return_exceptions=True))[0]
        if isinstance(done, Exception) and not isinstance(done, CorpusError):
            raise done
        with open_collection(folder) as collection:
            if over.is_set() and not collection.states()["pending"]:
                return


# ---- Mastodon ----


class Instance:
    """Posts, edits and deletes by a script, one step for each event that its stream sends and some while nobody listens."""

    def __init__(self, faults, wanted, steps):
        self.faults, self.wanted, self.steps, self.made = faults, wanted, steps, 0
        self.statuses, self.gone, self.address = {}, set(), ""
        self.lock, self.over, self.stop = threading.Lock(), threading.Event(), threading.Event()

    def step(self):
        """The next event; None after the last."""
        rng = self.faults.rng
        with self.lock:
            if self.made >= self.steps:
                return None
            self.made += 1
            recent = [i for i in sorted(self.statuses, key=int)[-100:]]
            chance, number = rng.random(), self.made
            if chance < 0.6 or not recent:
                status = self.status(str(100_000 + number), f"Picture {number}: a boat on the river")
                self.statuses[status["id"]] = status
                return "update", json.dumps(status)
            chosen = rng.choice(recent)
            if chance < 0.75:
                self.gone.add(self.statuses[chosen]["media_attachments"][0]["description"])
                status = self.status(chosen, f"Changed at {number}: a boat under a bridge")
                status["edited_at"] = f"2025-06-16T{number // 3600:02}:{number // 60 % 60:02}:{number % 60:02}.000Z"
                self.statuses[chosen] = status
                return "status.update", json.dumps(status)
            self.gone.add(self.statuses.pop(chosen)["media_attachments"][0]["description"])
            return "delete", chosen

    def status(self, number, alt):
        media = {"type": "image", "url": f"{self.address}/picture/{number}/{alt.split(':')[0].split()[-1]}"}
        return {
            "id": number,
            "created_at": "2025-06-15T15:06:40.000Z",
            "account": {"acct": "writer"},
            "content": f"<p>{number}</p>",
            "language": "en",
            "media_attachments": [media | {"description": alt}],
        }

    def answer(self, handler):
        path = urlsplit(handler.path).path
        if path == "/api/v1/streaming/public":
            return self.send_stream(handler)
        if path == "/api/v1/timelines/public":
            after = int(parse_qs(urlsplit(handler.path).query).get("min_id", ["0"])[0])
            with self.lock:
                newer = [self.statuses[i] for i in sorted(self.statuses, key=int) if int(i) > after]
            page = (newer[:40] if after else newer[-40:])[::-1]
            return self.faults.answer(handler, json.dumps(page).encode())
        if path.startswith("/api/v1/statuses/"):
            with self.lock:
                status = self.statuses.get(path.rsplit("/", 1)[-1])
            if status is None:
                return send(handler, 404, "application/json", b"{}")
            return self.faults.answer(handler, json.dumps(status).encode())
        return send_picture(self.faults, handler)

    def send_stream(self, handler):
        rng = self.faults.rng
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream")
        handler.end_headers()
        events = [b":thump\n\n"]
        for _ in range(rng.randint(0, 8) if self.faults.disconnects < self.wanted else self.steps):
            if found := self.step():
                events.append("event: {}\ndata: {}\n\n".format(*found).encode())
                events += [events[-1]] * (rng.random() < 0.05)
            if rng.random() < 0.05:
                events.append(b'event: update\ndata: {"id": broken\n\n')
        if rng.random() < 0.3 and len(events) > 2:
            events[-1], events[-2] = events[-2], events[-1]
        if self.faults.disconnects >= self.wanted:
            handler.wfile.write(b"".join(events))
            self.over.set()
            self.stop.wait()
            return
        how = rng.choice(["with a reset", "within a frame", "in order"])
        self.faults.count(f"dropped {how}")
        body = b"".join(events)
        handler.wfile.write(body[: len(body) - 30] if how == "within a frame" else body)
        if how == "with a reset":
            self.faults.reset(handler)
        for _ in range(rng.randint(0, 3)):  # while nobody listens
            self.step()


def disturb_mastodon(folder, faults, wanted):
    instance = Instance(faults, wanted, 5 * wanted)
    with http_server(instance.answer) as instance.address:
        settings = mastodon.MastodonSettings(instance=instance.address, pause=0.001, patience=600, limits=LIMITS)

        def source(into):
            return mastodon.Timeline(into, settings, lambda text: None)

        asyncio.run(until(instance.over, folder, lambda: collect_async(folder, "mastodon", source, settings)))
        instance.stop.set()
    kept = {
        f"{instance.address}/statuses/{number}#0": status["media_attachments"][0]["description"]
        for number, status in instance.statuses.items()
    }
    return kept, instance.gone - set(kept.values())


# ---- X ----


class Api:
    """The lookup of posts by ids: a tenth of them have a described picture, a fifth is deleted."""

    def __init__(self, faults):
        self.faults, self.address = faults, ""

    def answer(self, handler):
        path = urlsplit(handler.path)
        if path.path != "/2/tweets":
            return send_picture(self.faults, handler)
        there = [i for i in parse_qs(path.query)["ids"][0].split(",") if int(i) % 5]
        self.faults.rng.shuffle(there)
        there += there[:3]
        described = [i for i in dict.fromkeys(there) if int(i) % 10 == 1]
        tweet = {"text": "Post", "author_id": "7", "lang": "en", "created_at": "2022-06-21T12:00:00.000Z"}
        data = [
            tweet | {"id": i, "edit_history_tweet_ids": [i], "attachments": {"media_keys": [f"3_{i}"]}} for i in there
        ]
        media = [
            {"media_key": f"3_{i}", "type": "photo", "url": f"{self.address}/picture/{i}", "alt_text": f"A boat, {i}"}
            for i in described
        ]
        return self.faults.answer(handler, json.dumps({"data": data, "includes": {"media": media}}).encode())


class ToLoopback(requests.adapters.HTTPAdapter):
    """Sends what is meant for the API to a server on loopback."""

    def __init__(self, address):
        super().__init__()
        self.address = address

    def send(self, request, **options):
        request.url = request.url.replace("https://api.twitter.com", self.address)
        return super().send(request, **options)


def disturb_x(folder, faults, wanted):
    os.environ["X_BEARER_TOKEN"] = "loopback"
    api, first = Api(faults), 10_000_000
    with http_server(api.answer) as api.address:
        session = requests.Session()
        session.trust_env = False
        session.mount("https://", ToLoopback(api.address))
        number = 0
        while faults.disconnects < wanted:  # another file of ids, until enough connections broke
            ids, number = folder.with_suffix(f".{number}.txt"), number + 1
            ids.write_text("\n".join(str(first + (number - 1) * 2000 + i) for i in range(2000)))
            settings = x.XSettings(ids=ids, pause=0.001, attempts=4, limits=LIMITS)
            over = False
            while not over:
                try:
                    states = stream.collect_live(
                        folder, "x", lambda into, s=settings: x.Hydration(into, s, lambda text: None, session), settings
                    )
                    over = not states["pending"]
                except CorpusError:
                    faults.count("ended with an error, run again")
    posted = range(first, first + number * 2000)
    return {f"https://x.com/i/status/{i}#0": f"A boat, {i}" for i in posted if i % 10 == 1}, set()
