"""What a collection holds follows from the events, in whatever order they come; it has one writer and any number of readers."""

import os
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from altlib.core.errors import CorpusError
from altlib.data.collect.reading import open_collection
from altlib.data.collect.store import CollectedPicture, CollectedPost, Collection
from altlib.data.sources import registry


def post(uri: str = "p", version: int = 1, pictures: int = 1, author: str = "a") -> CollectedPost:
    taken = tuple(CollectedPicture(n, f"alt {version}", f"https://example.org/{uri}/{n}") for n in range(pictures))
    return CollectedPost(uri, author, version, "2024-01-01", f"text {version}", "en", taken)


events = st.one_of(
    st.builds(post, st.sampled_from("pq"), st.integers(1, 4), st.integers(0, 2)),
    st.tuples(st.sampled_from("pq"), st.integers(1, 4)),
)


def held(order: list) -> list[tuple]:
    with tempfile.TemporaryDirectory() as folder, Collection(Path(folder)) as collection:
        for event in order:
            with collection.together():
                collection.put(event) if isinstance(event, CollectedPost) else collection.remove(*event)
        assert collection.wanted == sum(collection.states().values())
        for file, _ in collection.pending(100, set()):
            collection.settle(file)
        return [(p["item_id"], p["text"], p["alt_text"]) for p in collection.posts([])]


@given(
    st.lists(events, max_size=8, unique_by=lambda e: (e.uri, e.version) if isinstance(e, CollectedPost) else e),
    st.randoms(),
)
@settings(deadline=None, max_examples=50)
def test_the_order_of_events_does_not_matter(order, random):
    # One version of a post is one state, so no post may also be removed in the version that it has.
    removed = {e for e in order if isinstance(e, tuple)}
    order = [e for e in order if isinstance(e, tuple) or (e.uri, e.version) not in removed]
    expected = held(order)
    again = order + order[:3]
    random.shuffle(again)
    assert held(again) == expected


def test_what_fails_within_a_block_leaves_nothing(tmp_path):
    with Collection(tmp_path) as collection:
        with pytest.raises(ZeroDivisionError), collection.together():
            collection.put(post())
            collection.set_fact("cursor", str(1 // 0))
        assert collection.states() == {"pending": 0, "kept": 0, "failed": 0} and collection.wanted == 0


def test_pictures_that_failed_are_listed_with_their_reason(tmp_path):
    with Collection(tmp_path) as collection:
        collection.put(post(pictures=2))
        first, second = (file for file, _ in collection.pending(9, set()))
        collection.settle(first, "too large")
        collection.settle(second)
        unreadable: list[dict] = []
        assert len(list(collection.posts(unreadable))) == 1 and unreadable[0]["reason"] == "too large"
        assert [d["post_id"] for d in collection.dehydrated()] == ["p"]


def test_files_that_belong_to_no_picture_are_deleted_by_the_next_writer(tmp_path):
    with Collection(tmp_path):
        (tmp_path / "images" / "left").write_bytes(b"x")
    with open_collection(tmp_path):
        assert [p.name for p in (tmp_path / "images").iterdir()] == ["left"]  # the writer may be at it
    with Collection(tmp_path):
        assert not list((tmp_path / "images").iterdir())
    with pytest.raises(CorpusError, match="no collection in"):
        open_collection(tmp_path / "nowhere")


AUTHOR = "acct:ada@example.org"


def tram_post(number: int, alt: str = "A yellow tram in the rain", version: int = 1) -> CollectedPost:
    picture = CollectedPicture(0, alt, f"https://example.org/{number}.png")
    return CollectedPost(
        f"https://example.org/statuses/{number}", AUTHOR, version, "", f"Post {number}", "en", (picture,)
    )


def fill(folder: Path, count: int) -> None:
    """A collection of posts whose pictures are there, but one."""
    with Collection(folder) as collection:
        with collection.together():
            for number in range(count):
                collection.put(tram_post(number))
        for file, _ in collection.pending(count - 1, set()):
            (folder / "images" / file).write_bytes(b"picture")
            collection.settle(file)


def process(code: str, *arguments: object) -> subprocess.Popen:
    """A Python process that runs ``code``."""
    return subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)], text=True, stdout=subprocess.PIPE)


WRITE = """
import sys, time
from pathlib import Path
from altlib.core.files import whole_file
from altlib.data.collect.store import *
folder, seconds = Path(sys.argv[1]), float(sys.argv[2])
begun = time.monotonic()
with Collection(folder) as collection:
    print("open", flush=True)
    number = 1000
    while time.monotonic() - begun < seconds:
        picture = CollectedPicture(0, "A yellow tram in the rain", f"https://example.org/{number}.png")
        with collection.together():
            collection.put(CollectedPost(f"https://example.org/statuses/{number}", "a", 1, "", "", "en", (picture,)))
        for file, _ in collection.pending(9, set()):
            with whole_file(folder / "images" / file) as part:
                part.write_bytes(b"picture")
                time.sleep(0.01)
            collection.settle(file)
        number += 1
    print(collection.states()["kept"], flush=True)
"""

READ = """
import sys, time
from pathlib import Path
from altlib.data.sources import registry
from altlib.data.collect.reading import open_collection
folder, seconds = Path(sys.argv[1]), float(sys.argv[2])
begun, last, reads = time.monotonic(), 0, 0
while time.monotonic() - begun < seconds:
    posts, unreadable = registry.collect("mastodon", folder, path=str(folder))
    with open_collection(folder) as collection:
        assert len(posts) >= last and not unreadable and collection.states()["kept"] >= len(posts)
    assert all(Path(image).is_file() for image in posts["image"])
    last, reads = len(posts), reads + 1
print(reads)
"""


def test_many_read_while_one_writes_and_nothing_is_lost(tmp_path) -> None:
    fill(tmp_path, 20)
    writer = process(WRITE, tmp_path, 6)
    assert writer.stdout and writer.stdout.readline() == "open\n"
    readers = [process(READ, tmp_path, 2) for _ in range(2)]
    reads = [int(reader.communicate()[0]) for reader in readers]
    kept = int(writer.communicate()[0])
    assert not writer.returncode and not any(reader.returncode for reader in readers) and min(reads) > 0
    with open_collection(tmp_path) as collection:
        files = {row[0] for row in collection.base.execute("SELECT file FROM pictures")}
        assert collection.states() == {"pending": 0, "kept": kept, "failed": 0}
    assert {path.name for path in (tmp_path / "images").iterdir()} == files


def test_a_second_writer_is_refused_until_the_first_ends_even_by_a_kill(tmp_path) -> None:
    writer = process(WRITE, tmp_path, 60)
    assert writer.stdout and writer.stdout.readline() == "open\n"
    with pytest.raises(CorpusError, match="another process is collecting into"), Collection(tmp_path):
        pass
    writer.kill()
    writer.wait()
    with Collection(tmp_path) as collection:
        assert collection.wanted >= 0


def test_reading_changes_no_byte_and_no_name(tmp_path) -> None:
    fill(tmp_path, 3)
    (tmp_path / "images" / ".half.part").write_bytes(b"half")

    def seen() -> dict:
        return {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in tmp_path.rglob("*") if p.is_file()}

    before = seen()
    with open_collection(tmp_path) as collection:
        assert len(list(collection.posts([]))) == 2 and len(list(collection.dehydrated())) == 2
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            collection.base.execute("DELETE FROM posts")
    assert seen() == before
    with Collection(tmp_path):
        pass
    assert not (tmp_path / "images" / ".half.part").exists()


def test_a_folder_that_nobody_may_write_to_can_be_read(tmp_path, monkeypatch) -> None:
    fill(tmp_path, 3)
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with open_collection(tmp_path) as collection:
        assert len(list(collection.posts([]))) == 2
        assert sorted(p.name for p in tmp_path.iterdir()) == ["images", "lock", "posts.sqlite"]


def test_a_reader_that_is_slow_sees_the_collection_as_it_was(tmp_path) -> None:
    fill(tmp_path, 5)
    with open_collection(tmp_path) as reader:
        found = reader.posts([])
        next(found)
        with Collection(tmp_path) as collection, collection.together():
            collection.put(tram_post(99))
            collection.remove("https://example.org/statuses/3")
        assert len(list(found)) == 3
        assert len(list(reader.posts([]))) == 3  # asked again, without the one that was removed


def test_what_is_no_collection_is_named(tmp_path) -> None:
    with pytest.raises(CorpusError, match="there is no collection"):
        open_collection(tmp_path)
    (tmp_path / "posts.sqlite").write_bytes(b"no database " * 100)
    with pytest.raises(CorpusError, match=r"posts.sqlite cannot be used"), open_collection(tmp_path):
        pass
    with pytest.raises(CorpusError, match=r"posts.sqlite cannot be used"), Collection(tmp_path):
        pass
    with pytest.raises(CorpusError, match="holds no posts"):
        (tmp_path / "posts.sqlite").unlink()
        with Collection(tmp_path):
            pass
        registry.collect("mastodon", tmp_path, path=str(tmp_path))


def test_a_lock_is_given_back_when_the_block_fails(tmp_path) -> None:
    with pytest.raises(KeyError), Collection(tmp_path):
        raise KeyError
    with Collection(tmp_path) as collection:
        assert collection.wanted == 0
