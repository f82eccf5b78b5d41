"""Hydrating posts of X from their ids: formats, deleted posts, rate limits, tokens."""

import json
import time

import pytest
import requests
from loopback import PictureServer, http_server

from altlib.core.errors import CorpusError
from altlib.data.collect import stream
from altlib.data.collect.fetching import FetchLimits
from altlib.data.collect.reading import open_collection
from altlib.data.collect.x import Hydration, XSettings, read_ids
from altlib.data.posts import as_posts


class Api:
    """The API's lookup of posts and a server of their pictures."""

    def __init__(self) -> None:
        self.pictures = PictureServer()
        self.refusals: list[tuple[int, dict]] = []
        self.gone: set[str] = set()
        self.asked: list[list[str]] = []
        self.tokens: set[str | None] = set()
        self.address = ""

    def answer(self, handler) -> None:
        path, _, query = handler.path.partition("?")
        if path != "/2/tweets":
            return self.pictures.answer(handler)
        self.tokens.add(handler.headers.get("Authorization"))
        if self.refusals:
            status, headers = self.refusals.pop(0)
            return PictureServer.send(handler, status, b'{"title": "x"}', "application/json", headers)
        from urllib.parse import parse_qs

        ids = parse_qs(query)["ids"][0].split(",")
        self.asked.append(ids)
        there = [i for i in ids if i not in self.gone]
        data = [
            {
                "id": i,
                "text": f"Post {i}",
                "author_id": "7",
                "lang": "en",
                "created_at": "2022-06-21T12:00:00.000Z",
                "possibly_sensitive": False,
                "attachments": {"media_keys": [f"3_{i}a", f"3_{i}b"]},
            }
            for i in there
        ]
        media = [
            {"media_key": f"3_{i}a", "type": "photo", "url": f"{self.address}/ok/{i}a", "alt_text": f"A boat, {i}"}
            for i in there
        ] + [{"media_key": f"3_{i}b", "type": "photo", "url": f"{self.address}/ok/{i}b"} for i in there]
        body = json.dumps({"data": data, "includes": {"media": media}}).encode()
        return PictureServer.send(handler, 200, body, "application/json")


class ToLoopback(requests.adapters.HTTPAdapter):
    """Sends what is meant for the API to a server on loopback."""

    def __init__(self, address: str):
        super().__init__()
        self.address = address

    def send(self, request, **options):
        request.url = request.url.replace("https://api.twitter.com", self.address)
        return super().send(request, **options)


@pytest.fixture
def api(monkeypatch):
    monkeypatch.setenv("X_BEARER_TOKEN", "very-secret")
    made = Api()
    with http_server(made.answer) as address:
        made.address = address
        yield made


def hydrate(api: Api, folder, ids, told: list[str] | None = None, **changes) -> dict[str, int]:
    file = folder / "ids.jsonl"
    folder.mkdir(exist_ok=True)
    file.write_text("\n".join(json.dumps(i) if isinstance(i, dict) else str(i) for i in ids))
    session = requests.Session()
    session.trust_env = False
    session.mount("https://", ToLoopback(api.address))
    settings = XSettings(ids=file, pause=0.01, limits=FetchLimits(private=True, first_wait=0.01), **changes)

    def source(into):
        return Hydration(into, settings, (told if told is not None else []).append, session)

    return stream.collect_live(folder / "data", "x", source, settings)


def test_posts_are_asked_for_a_hundred_at_a_time_and_kept(tmp_path, api) -> None:
    api.gone = {"1003"}
    states = hydrate(api, tmp_path, range(1000, 1120))
    assert [len(ids) for ids in api.asked] == [100, 20]
    assert states == {"pending": 0, "kept": 119, "failed": 0}
    with open_collection(tmp_path / "data") as collection:
        posts = as_posts(list(collection.posts([])))
        assert collection.excluded() == {"no alt text": 119, "no longer there": 1}
    assert posts.loc[0, ["alt_text", "text", "language"]].tolist() == ["A boat, 1000", "Post 1000", "en"]


def test_hydration_goes_on_where_it_was(tmp_path, api) -> None:
    hydrate(api, tmp_path, range(1000, 1120), pictures=50)
    assert len(api.asked) == 1
    hydrate(api, tmp_path, range(1000, 1120))
    assert [len(ids) for ids in api.asked] == [100, 20]
    hydrate(api, tmp_path, range(1000, 1120), pictures=5000)  # asked for more than there is
    assert len(api.asked) == 2


def test_named_pictures_only_are_taken(tmp_path, api) -> None:
    ids = [
        {"tweet_id": "1", "media_url": f"{api.address}/ok/1a"},
        {"tweet_id": "2", "media_url": f"{api.address}/ok/2b"},
    ]
    assert hydrate(api, tmp_path, ids)["kept"] == 1


def test_a_rate_limit_is_waited_for_and_a_server_in_trouble_asked_again(tmp_path, api) -> None:
    api.refusals = [(429, {"x-rate-limit-reset": str(int(time.time()) + 1)}), (503, {}), (429, {})]
    told: list[str] = []
    assert hydrate(api, tmp_path, [1, 2], told)["kept"] == 2
    assert any("rate limit" in t for t in told)


@pytest.mark.parametrize("status", [401, 403])
def test_a_wrong_token_is_explained_and_never_shown(tmp_path, api, status) -> None:
    api.refusals = [(status, {})]
    with pytest.raises(CorpusError, match="X_BEARER_TOKEN") as error:
        hydrate(api, tmp_path, [1])
    assert api.tokens == {"Bearer very-secret"}
    assert "very-secret" not in str(error.value)
    assert not any(b"very-secret" in p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())


def test_without_a_token_it_says_which_is_needed(tmp_path, api, monkeypatch) -> None:
    monkeypatch.delenv("X_BEARER_TOKEN")
    with pytest.raises(CorpusError, match="set the environment variable X_BEARER_TOKEN"):
        hydrate(api, tmp_path, [1])


def test_an_api_that_stays_away_ends_with_what_to_do(tmp_path, api) -> None:
    api.refusals = [(503, {})] * 9
    with pytest.raises(CorpusError, match="run the same command again"):
        hydrate(api, tmp_path, [1], attempts=3)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('{"tweet_id": "12", "media_url": "u"}\n{"tweet_id": 12, "media_url": "v"}\n{"id": 13}', {"12": {"u", "v"}, "13": set()}),
        ("tweet_id,media_url\n12,u\n13,\n", {"12": {"u"}, "13": set()}),
        ("12\n\nhttps://x.com/i/status/13\n", {"12": set(), "13": set()}),
    ],
)  # fmt: skip
def test_ids_come_in_several_forms(tmp_path, content, expected) -> None:
    (tmp_path / "ids").write_text(content)
    assert read_ids(tmp_path / "ids") == expected


@pytest.mark.parametrize("content", ["", "hello\n", '{"a": 1}\n', '{"tweet_id": "12"}\n{broken\n'])
def test_a_file_without_ids_is_named(tmp_path, content) -> None:
    (tmp_path / "ids").write_text(content)
    with pytest.raises(CorpusError, match="ids"):
        read_ids(tmp_path / "ids")


def test_what_was_dehydrated_can_be_hydrated(tmp_path, api) -> None:
    hydrate(api, tmp_path / "a", [5, 6])
    with open_collection(tmp_path / "a" / "data") as collection:
        records = list(collection.dehydrated())
    assert hydrate(api, tmp_path / "b", records)["kept"] == 2
