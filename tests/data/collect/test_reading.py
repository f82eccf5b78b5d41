"""A collection has one writer and any number of readers, and readers change nothing."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from altlib.core.errors import CorpusError
from altlib.data.collect.reading import is_collection, open_collection
from altlib.data.collect.store import CollectedPicture, CollectedPost, Collection
from altlib.data.sources import registry

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


def test_posts_are_found_by_author_and_by_the_beginning_of_their_address(tmp_path) -> None:
    assert not is_collection(tmp_path)
    fill(tmp_path, 12)
    assert is_collection(tmp_path)
    with open_collection(tmp_path) as collection:
        assert len(collection.posts_of(AUTHOR)) == 12 and collection.posts_of("acct:nobody@example.org") == []
        last = collection.last_addresses("https://example.org/statuses/", 3)
        assert [address.rsplit("/", 1)[-1] for address in last] == ["11", "10", "9"]
        assert collection.last_addresses("https://other.example/statuses/", 3) == []


def test_what_was_taken_out_is_still_known(tmp_path) -> None:
    fill(tmp_path, 3)
    with Collection(tmp_path) as collection:
        collection.forget(["https://example.org/statuses/1"], [])
    with open_collection(tmp_path) as collection:
        known = ["https://example.org/statuses/1", "https://example.org/statuses/2", AUTHOR]
        assert [collection.knows(name) for name in [*known, "https://example.org/statuses/9"]] == [True] * 3 + [False]


def test_a_reader_that_does_not_end_keeps_forgetting_from_ending(tmp_path) -> None:
    fill(tmp_path, 3)
    with open_collection(tmp_path) as reader, Collection(tmp_path) as collection:
        collection.base.execute("PRAGMA busy_timeout = 100")
        next(found := reader.posts([]))
        with pytest.raises(CorpusError, match="another process is reading"):
            collection.forget([], [AUTHOR])
        found.close()
        collection.forget([], [AUTHOR])
    assert not any(b"tram" in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
