"""Collecting from Mastodon: timeline and stream, deletions, limits, tokens."""

import asyncio
import json
import threading

import pytest
from loopback import PictureServer, http_server

from altlib.core.errors import CorpusError
from altlib.data.collect.fetching import FetchLimits
from altlib.data.collect.mastodon import MastodonSettings, Timeline, collect_live, plain_text
from altlib.data.collect.reading import open_collection


class Instance:
    """A Mastodon instance: its timeline, and a stream that sends ``events`` and then breaks or stays."""

    def __init__(self) -> None:
        self.pictures = PictureServer()
        self.statuses: list[dict] = []
        self.streams: list[
            list[tuple[str, str]]
        ] = []  # one a connection; when they are used up, the stream stays silent
        self.refusals: list[tuple[int, dict]] = []
        self.stream_status = 200
        self.tokens: list[str | None] = []
        self.asked: list[str] = []
        self.streamed: dict[str, dict] = {}  # statuses that came by the stream alone
        self.breaks = False  # whether a stream ends within a chunk
        self.hidden = False  # whether the timeline is empty
        self.stop = threading.Event()
        self.address = ""

    def status(self, number: int, alt: str = "A yellow tram in the rain", **fields) -> dict:
        media = {"type": "image", "url": f"{self.address}/ok/{number}", "description": alt}
        return {
            "id": str(1000 + number),
            "created_at": f"2025-06-15T15:06:{number % 60:02}.000Z",
            "account": {"acct": f"writer{number % 3}"},
            "content": f"<p>Post {number}<br>&lt;b&gt;hello</p>",
            "language": "en",
            "media_attachments": [media],
        } | fields

    def answer(self, handler) -> None:
        path, _, query = handler.path.partition("?")
        if path.startswith("/ok") or path == "/robots.txt":
            return self.pictures.answer(handler)
        self.asked.append(handler.path)
        self.tokens.append(handler.headers.get("Authorization"))
        if path == "/api/v1/timelines/public":
            if self.refusals:
                code, headers = self.refusals.pop(0)
                return PictureServer.send(handler, code, b"{}", "application/json", headers)
            after = int(dict(p.split("=") for p in query.split("&")).get("min_id", "0"))
            newer = [s for s in self.statuses if int(s["id"]) > after]
            page = [] if self.hidden else newer[:40] if after else newer[-40:]
            return PictureServer.send(handler, 200, json.dumps(page[::-1]).encode(), "application/json")
        if path.startswith("/api/v1/statuses/"):
            asked = path.rsplit("/", 1)[-1]
            found = ({s["id"]: s for s in self.statuses} | self.streamed).get(asked)
            body = json.dumps(found or {"error": "Record not found"}).encode()
            return PictureServer.send(handler, 200 if found else 404, body, "application/json")
        if self.stream_status != 200:
            return PictureServer.send(handler, self.stream_status, b"{}", "application/json")
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream")
        if self.breaks:
            handler.send_header("Content-Length", "1000000")
        handler.end_headers()
        handler.wfile.write(b":thump\n\n")
        if self.streams:
            for kind, data in self.streams.pop(0):
                if kind == "update" and data.endswith("}"):
                    self.streamed[json.loads(data)["id"]] = json.loads(data)
                handler.wfile.write(f"event: {kind}\ndata: {data}\n\n".encode())
            return None
        self.stop.wait(20)
        return None


@pytest.fixture
def instance():
    made = Instance()
    with http_server(made.answer) as address:
        made.address = address
        yield made
        made.stop.set()


def settings(instance: Instance, **changes) -> MastodonSettings:
    limits = FetchLimits(private=True, first_wait=0.01)
    return MastodonSettings(
        **{"instance": instance.address, "pause": 0.01, "seconds": 2.0, "patience": 5.0, "limits": limits} | changes
    )


def alts(folder) -> list[str]:
    with open_collection(folder) as collection:
        return [post["alt_text"] for post in collection.posts([])]


def test_timeline_and_stream_are_read_without_gaps(tmp_path, instance) -> None:
    instance.statuses = [instance.status(n, f"Picture {n:03}: a boat on the river") for n in range(10)]
    instance.streams = [
        [("update", json.dumps(instance.status(n, f"Picture {n:03}: a boat on the river"))) for n in (10, 11)],
        [("update", "{broken"), ("update", json.dumps(instance.status(150, "Picture 150: a boat on the river")))],
    ]
    collect_live(tmp_path, settings(instance))
    # What was posted while nobody listened, more than a page of it, is on the timeline.
    instance.statuses += [instance.status(n, f"Picture {n:03}: a boat on the river") for n in range(151, 250)]
    states = collect_live(tmp_path, settings(instance))
    assert states == {"pending": 0, "kept": 10 + 2 + 1 + 99, "failed": 0}
    assert sorted(alts(tmp_path))[-1] == "Picture 249: a boat on the river"
    with open_collection(tmp_path) as collection:
        assert collection.excluded() == {"malformed status": 1}
        assert next(collection.posts([]))["text"] == "Post 0\n<b>hello"


def test_deletions_and_edits_arrive(tmp_path, instance) -> None:
    instance.statuses = [instance.status(n) for n in range(3)]
    edited = instance.status(1, "A red tram in the sun", edited_at="2025-06-16T00:00:00.000Z")
    emptied = instance.status(2, "", edited_at="2025-06-16T00:00:00.000Z")
    instance.streams = [
        [("delete", "1000"), ("status.update", json.dumps(edited)), ("status.update", json.dumps(emptied))]
    ]
    collect_live(tmp_path, settings(instance))
    assert alts(tmp_path) == ["A red tram in the sun"]
    assert len(list((tmp_path / "images").iterdir())) == 1


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"language": "pt"}, "other language"),
        ({"sensitive": True}, "sensitive label"),
        ({"reblog": {"id": "1"}}, "repost"),
        ({"alt": "short"}, "very short alt text"),
    ],
)
def test_what_is_not_taken_is_counted(tmp_path, instance, fields, reason) -> None:
    instance.statuses = [instance.status(1, **fields)]
    collect_live(tmp_path, settings(instance, seconds=0.7))
    with open_collection(tmp_path) as collection:
        assert collection.excluded() == {reason: 1}


def test_a_rate_limit_is_waited_for(tmp_path, instance) -> None:
    instance.statuses = [instance.status(1)]
    instance.refusals = [(429, {"Retry-After": "1"}), (503, {})]
    collect_live(tmp_path, settings(instance, seconds=3.0))
    assert len(alts(tmp_path)) == 1


def test_a_stream_that_wants_a_token_is_replaced_by_polling(tmp_path, instance, monkeypatch) -> None:
    monkeypatch.delenv("MASTODON_TOKEN", raising=False)
    instance.stream_status = 401
    instance.statuses = [instance.status(1)]
    told: list[str] = []
    collect_live(tmp_path, settings(instance, poll=0.1, seconds=1.0), told.append)
    assert len(alts(tmp_path)) == 1
    assert any("MASTODON_TOKEN" in t for t in told)


def test_a_wrong_token_is_explained_and_never_shown(tmp_path, instance, monkeypatch) -> None:
    monkeypatch.setenv("MASTODON_TOKEN", "very-secret")
    instance.stream_status = 401
    told: list[str] = []
    with pytest.raises(CorpusError, match="wants a valid token") as error:
        collect_live(tmp_path, settings(instance), told.append)
    assert instance.tokens[0] == "Bearer very-secret"
    assert "very-secret" not in str(error.value) + "".join(told)
    assert not any(b"very-secret" in p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())


def test_it_stops_at_the_number_of_pictures(tmp_path, instance) -> None:
    instance.statuses = [instance.status(n) for n in range(30)]
    assert collect_live(tmp_path, settings(instance, pictures=5, seconds=20))["kept"] == 5


def test_no_instance_says_what_to_do(tmp_path) -> None:
    with pytest.raises(CorpusError, match="collected is kept; check the address"):
        collect_live(tmp_path, MastodonSettings(instance="http://127.0.0.1:9", pause=0.01))


def test_the_text_of_a_status_is_plain() -> None:
    assert plain_text("<p>One<br />two &amp; three</p><p>four</p><script>x</script>") == "One\ntwo & three\nfourx"


def test_the_same_statuses_in_any_order_give_the_same_collection(tmp_path, instance) -> None:
    from altlib.data.collect.store import Collection

    events = [("update", instance.status(n)) for n in range(6)] + [("delete", "1002"), ("delete", "1004")]
    found = []
    for name, order in (("a", events), ("b", events[::-1])):

        async def bring(folder=tmp_path / name, order=order):
            with Collection(folder) as collection:
                Timeline(collection, settings(instance), print).store(order)
                return collection.base.execute("SELECT uri FROM pictures ORDER BY 1").fetchall()

        found.append(asyncio.run(bring()))
    assert found[0] == found[1] and len(found[0]) == 4


def test_what_was_deleted_edited_or_late_while_nobody_listened_is_seen_afterwards(tmp_path, instance) -> None:
    instance.statuses = [instance.status(n, f"Picture {n:03}: a boat on the river") for n in range(0, 100, 2)]
    collect_live(tmp_path, settings(instance, seconds=1.0))
    before = len(alts(tmp_path))
    edited = {"edited_at": "2025-06-16T00:00:00.000Z"}
    late = instance.status(71, "Picture 071: it came late from another instance")
    changed = instance.status(96, "Picture 096: changed, a boat under a bridge", **edited)
    first = instance.status(20, "Picture 020: changed, the first that is held", **edited)
    there = {s["id"]: s for s in [*instance.statuses, late, changed, first]}
    del there["1090"]
    instance.statuses = sorted(there.values(), key=lambda s: int(s["id"]))
    collect_live(tmp_path, settings(instance, seconds=1.5))
    found = alts(tmp_path)
    assert len(found) == before and "Picture 090: a boat on the river" not in found
    assert {s["media_attachments"][0]["description"] for s in (late, changed, first)} <= set(found)
    with open_collection(tmp_path) as collection:
        assert collection.excluded() == {}


def test_an_instance_whose_timeline_is_empty_for_a_time_loses_nothing(tmp_path, instance) -> None:
    instance.statuses = [instance.status(n) for n in range(5)]
    collect_live(tmp_path, settings(instance, seconds=1.0))
    instance.hidden = True
    collect_live(tmp_path, settings(instance, seconds=1.0))
    assert len(alts(tmp_path)) == 5


def test_what_is_read_again_is_not_counted_again(tmp_path, instance) -> None:
    instance.statuses = [instance.status(n, "short" if n % 2 else "A yellow tram in the rain") for n in range(6)]
    for _ in range(2):
        collect_live(tmp_path, settings(instance, seconds=0.7))
    with open_collection(tmp_path) as collection:
        assert collection.excluded() == {"very short alt text": 3}


def test_the_waits_do_not_grow_while_something_new_comes(tmp_path, instance) -> None:
    alt = "Picture {:03}: a boat on the river"
    instance.streams = [[("update", json.dumps(instance.status(n, alt.format(n))))] for n in range(12)]
    instance.breaks = True  # each connection ends with an error, not in order
    collect_live(tmp_path, settings(instance, seconds=8.0, pause=0.05, pictures=12))
    assert len(alts(tmp_path)) == 12  # doubled each time, the waits would add up to more than a minute
