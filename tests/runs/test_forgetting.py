"""What is to be forgotten leaves collections and runs, with all that was derived from it."""

import asyncio
import json

import pytest
from data.collect.test_bluesky import collected
from loopback import DAY, PictureServer, http_server, post_event

from altlib.cli.main import main
from altlib.core.errors import CorpusError
from altlib.data.collect.store import open_collection
from altlib.data.posts import as_posts, read_corpus, write_corpus
from altlib.runs.forgetting import forget_in_run

AUTHOR, OTHER = "did:plc:author0001", "did:plc:author0002"
ADDRESS = f"at://{OTHER}/app.bsky.feed.post/key9"


@pytest.fixture
def collection(tmp_path):
    """A collection of three posts, two by one author."""
    server = PictureServer()
    frames = [json.dumps(post_event(AUTHOR, f"key{n}", DAY + n, ["A heron over the reeds"])) for n in (1, 2)]
    frames.append(json.dumps(post_event(OTHER, "key9", DAY + 9, ["A yellow tram in the rain"])))
    with http_server(server.answer) as address:
        asyncio.run(collected(tmp_path / "data", frames, pictures=f"{address}/ok"))
    return tmp_path / "data"


@pytest.fixture
def run(tmp_path, collection):
    """A run that used the collection, with things derived from it."""
    with open_collection(collection) as opened:
        posts = as_posts(list(opened.posts([])))
    folder = tmp_path / "run"
    write_corpus(folder / "corpus", posts.assign(split="train"))
    for name in ("features", "notebooks", "html", "records", "captioners"):
        (folder / name).mkdir()
        (folder / name / "x").write_text("A heron over the reeds")
    return folder


def test_an_author_is_forgotten_everywhere(collection, run, capsys) -> None:
    assert main(["forget", str(collection), str(run), "--author", AUTHOR]) == 0
    with open_collection(collection) as opened:
        assert [post["post_id"] for post in opened.posts([])] == [ADDRESS]
    assert len(list((collection / "images").iterdir())) == 1
    assert read_corpus(run / "corpus")["post_id"].tolist() == [ADDRESS]
    assert not any(b"heron" in p.read_bytes() for p in [*collection.rglob("*"), *run.rglob("*")] if p.is_file())
    assert "2 pictures forgotten" in capsys.readouterr().out


def test_a_forgotten_post_is_not_collected_again(collection, tmp_path) -> None:
    assert main(["forget", str(collection), "--post", ADDRESS]) == 0
    again = [json.dumps(post_event(OTHER, "key9", DAY + 99, ["A yellow tram in the rain"]))]
    asyncio.run(collected(collection, again))
    with open_collection(collection) as opened:
        assert ADDRESS not in [post["post_id"] for post in opened.posts([])]


def test_models_are_kept_if_asked_and_that_is_noted(run) -> None:
    found = forget_in_run(run, [ADDRESS], [], keep_models=True)
    assert found.rows == 1 and "captioners" not in found.folders
    assert (run / "captioners").is_dir() and not (run / "features").exists()
    assert json.loads((run / "forgotten.json").read_text()) == {"rows": 1, "models_kept": True}


def test_a_run_without_the_post_is_left_as_it_is(run) -> None:
    assert forget_in_run(run, ["at://did:plc:nobody/app.bsky.feed.post/1"], []).folders == []
    assert (run / "features").is_dir()


def test_mistakes_are_explained(tmp_path, collection, capsys) -> None:
    with pytest.raises(CorpusError, match="not the folder of a run"):
        forget_in_run(tmp_path, [ADDRESS], [])
    assert main(["forget", str(collection)]) == 1
    assert "say what to forget" in capsys.readouterr().err


def test_a_dehydrated_corpus_holds_addresses_only(collection, tmp_path) -> None:
    assert main(["dehydrate", str(collection), str(tmp_path / "ids.jsonl")]) == 0
    lines = [json.loads(line) for line in (tmp_path / "ids.jsonl").read_text().splitlines()]
    assert len(lines) == 3
    assert all(set(line) == {"post_id", "picture", "media_url"} for line in lines)
