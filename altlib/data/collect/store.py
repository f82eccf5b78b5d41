"""Posts as they are collected from a network: one SQLite file and a folder of pictures.

What is stored follows from the events alone, in whatever order and however often they arrive:
of two versions of a post the later counts, and what was removed stays removed. So a collection
that was disconnected, killed and resumed ends up as an undisturbed one does. Deleted posts leave
nothing behind but a one-way fingerprint of their address, by which they are known again.

One process at a time writes; any number read meanwhile (:mod:`altlib.data.collect.reading`).
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Self

from altlib.core.errors import CorpusError
from altlib.core.files import only_one
from altlib.data.addresses import fingerprint
from altlib.data.collect.reading import BASE, CollectionReader

SCHEMA = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
PRAGMA secure_delete = ON;
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS posts (
    uri TEXT PRIMARY KEY, author TEXT NOT NULL, version INTEGER NOT NULL, created_at TEXT NOT NULL,
    text TEXT NOT NULL, language TEXT NOT NULL, labels TEXT NOT NULL, is_repost INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS by_author ON posts (author);
CREATE TABLE IF NOT EXISTS pictures (
    uri TEXT NOT NULL, number INTEGER NOT NULL, alt_text TEXT NOT NULL, url TEXT NOT NULL, file TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'pending', reason TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (uri, number));
CREATE INDEX IF NOT EXISTS by_state ON pictures (state);
CREATE TABLE IF NOT EXISTS removed (address BLOB PRIMARY KEY, version INTEGER NOT NULL, held INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS left_out (reason TEXT PRIMARY KEY, pictures INTEGER NOT NULL) WITHOUT ROWID;
COMMIT;
"""

EVER = 2**62  # a version later than any other


@dataclass(frozen=True)
class CollectedPicture:
    """A picture of a collected post: its place in it, its alt text and where it can be fetched."""

    number: int
    alt_text: str
    url: str


@dataclass(frozen=True)
class CollectedPost:
    """A post with the pictures that passed the filters.

    ``uri`` its address on the network, ``version`` a number that grows with every change, in
    the units of the source (microseconds on Bluesky).
    """

    uri: str
    author: str
    version: int
    created_at: str
    text: str
    language: str
    pictures: tuple[CollectedPicture, ...] = ()
    labels: str = ""
    is_repost: bool = False


def picture_file(post: CollectedPost, picture: CollectedPicture) -> str:
    """Name of a picture's file, which tells nothing of who posted it."""
    return hashlib.blake2b(f"{post.uri}\0{picture.number}\0{picture.url}".encode(), digest_size=16).hexdigest()


@dataclass
class Collection(CollectionReader):
    """A collection that posts are brought into or taken out of. Use it as a context manager.

    Attributes:
        folder: of the collection; it is made if it is missing.
        wanted: pictures that are kept or still to be fetched.
        removed_files: names of pictures that are deleted when the transaction ends.
    """

    wanted: int = 0
    removed_files: list[str] = field(default_factory=list)

    def __enter__(self) -> Self:
        """Open or create the collection; files of pictures that are no longer in it are deleted.

        Raises:
            CorpusError: Another process writes to it, or its file is damaged.
            DiskFullError: The disk is full.
        """
        (self.folder / "images").mkdir(parents=True, exist_ok=True)
        with ExitStack() as opened:
            try:
                opened.enter_context(only_one(self.folder / "lock", wait=False))
            except BlockingIOError:
                raise CorpusError(
                    f"another process is collecting into {self.folder} or taking posts out of it; wait until it has "
                    "ended, or end it, and run the same command again"
                ) from None
            self.base = sqlite3.connect(self.folder / BASE, isolation_level=None, timeout=30)
            opened.callback(self.base.close)
            try:
                self.base.executescript(SCHEMA)
                self.sweep()
                self.count_wanted()
            except sqlite3.DatabaseError as error:
                raise self.explained(error) from error
            self.opened = opened.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """Close the collection, and let others write to it."""
        self.opened.close()

    @contextmanager
    def together(self) -> Iterator[None]:
        """What is done in the block is kept as a whole or not at all; files are deleted after it."""
        try:
            self.base.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                if self.base.in_transaction:  # SQLite itself rolls back when the disk is full
                    self.base.execute("ROLLBACK")
                self.removed_files.clear()
                self.count_wanted()
                raise
            self.base.execute("COMMIT")
        except sqlite3.Error as error:
            raise self.explained(error) from error
        for name in self.removed_files:
            (self.folder / "images" / name).unlink(missing_ok=True)
        self.removed_files.clear()

    def count_wanted(self) -> None:
        """Count the pictures that are kept or still to be fetched."""
        states = self.states()
        self.wanted = states["kept"] + states["pending"]

    def sweep(self) -> None:
        """Delete files that belong to no picture: what a kill left between two steps."""
        known = {row[0] for row in self.base.execute("SELECT file FROM pictures")}
        for path in (self.folder / "images").iterdir():
            if path.name not in known:
                path.unlink(missing_ok=True)

    # ---- events ----

    def put(self, post: CollectedPost) -> None:
        """Take a post in, or its later version.

        A version without pictures takes the post out. Nothing happens if a later version is
        there, or the post or its author was removed afterwards.
        """
        gone = self.base.execute(
            "SELECT 1 FROM removed WHERE address IN (?, ?) AND version >= ?",
            (fingerprint(post.uri), fingerprint(post.author), post.version),
        ).fetchone()
        held = self.base.execute("SELECT version FROM posts WHERE uri = ?", (post.uri,)).fetchone()
        if gone or (held and held[0] >= post.version):
            return
        files = self.delete_pictures(post.uri)
        if not post.pictures:
            # An earlier version, should it arrive late, must not come back.
            self.base.execute("DELETE FROM posts WHERE uri = ?", (post.uri,))
            self.mark(post.uri, post.version, held=bool(held))
        else:
            self.base.execute(
                "INSERT OR REPLACE INTO posts VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    post.uri,
                    post.author,
                    post.version,
                    post.created_at,
                    post.text,
                    post.language,
                    post.labels,
                    post.is_repost,
                ),
            )
        for picture in post.pictures:
            name = picture_file(post, picture)
            state, reason = files.pop(name, ("pending", ""))
            self.wanted += state != "failed"
            self.base.execute(
                "INSERT INTO pictures VALUES (?, ?, ?, ?, ?, ?, ?)",
                (post.uri, picture.number, picture.alt_text, picture.url, name, state, reason),
            )
        self.removed_files += files

    def delete_pictures(self, uri: str) -> dict[str, tuple[str, str]]:
        """Delete the rows of a post's pictures; returns state and reason of each by its file."""
        rows = self.base.execute("SELECT file, state, reason FROM pictures WHERE uri = ?", (uri,)).fetchall()
        self.base.execute("DELETE FROM pictures WHERE uri = ?", (uri,))
        self.wanted -= sum(state != "failed" for _, state, _ in rows)
        return {file: (state, reason) for file, state, reason in rows}

    def forget(self, posts: Iterable[str], authors: Iterable[str]) -> int:
        """Take out posts and authors for good, so that no byte of them stays; returns the number of pictures.

        Raises:
            CorpusError: Another process has been reading for so long that what it reads cannot be deleted.
        """
        with self.together():
            count = sum(map(self.remove, posts)) + sum(map(self.remove_author, authors))
        self.sweep()
        # SQLite's journal still holds the old pages until it is brought in and emptied.
        if self.base.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
            raise CorpusError(
                f"another process is reading {self.folder}, so the posts cannot be deleted from its file yet; "
                "end it and run the same command again"
            )
        return count

    def mark(self, address: str, version: int, held: bool) -> None:
        """Note that a post or an author was removed at ``version``."""
        self.base.execute(
            "INSERT INTO removed VALUES (?, ?, ?) ON CONFLICT (address) DO UPDATE SET "
            "version = MAX(version, excluded.version), held = MAX(held, excluded.held)",
            (fingerprint(address), version, held),
        )

    def remove(self, uri: str, version: int = EVER) -> int:
        """Take a post out, now and whenever it comes again in a version up to this one; returns its pictures' number."""
        return self.take_out("uri = ?", uri, version)

    def remove_author(self, author: str, version: int = EVER) -> int:
        """Take out all posts of an author up to ``version``, now and in future; returns the number of pictures."""
        return self.take_out("author = ?", author, version)

    def take_out(self, condition: str, address: str, version: int) -> int:
        """Delete the posts that ``condition`` finds for ``address``, and mark the address."""
        chosen = [
            row[0]
            for row in self.base.execute(
                f"SELECT uri FROM posts WHERE {condition} AND version <= ?", (address, version)
            )
        ]
        count = 0
        for uri in chosen:
            files = self.delete_pictures(uri)
            self.removed_files += files
            count += len(files)
            self.base.execute("DELETE FROM posts WHERE uri = ?", (uri,))
        self.mark(address, version, held=bool(chosen) or version == EVER)
        return count

    def drop_old_marks(self, before: int) -> None:
        """Forget removals, before that version, of what was never here: only late events could need them."""
        self.base.execute("DELETE FROM removed WHERE NOT held AND version < ?", (before,))

    def count_excluded(self, reasons: dict[str, int]) -> None:
        """Add to the number of pictures that were not taken, by reason."""
        self.base.executemany(
            "INSERT INTO left_out VALUES (?, ?) ON CONFLICT (reason) DO UPDATE SET pictures = pictures + excluded.pictures",
            list(reasons.items()),
        )

    # ---- facts about the collection ----

    def set_fact(self, name: str, value: str) -> None:
        """Keep a fact about the collection, such as the source's cursor."""
        self.base.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    # ---- pictures ----

    def pending(self, limit: int, skip: set[str]) -> list[tuple[str, str]]:
        """File and address of up to ``limit`` pictures that are not fetched yet and not in ``skip``."""
        rows = self.base.execute(
            "SELECT file, url FROM pictures WHERE state = 'pending' LIMIT ?", (limit + len(skip),)
        ).fetchall()
        return [row for row in rows if row[0] not in skip][:limit]

    def settle(self, file: str, reason: str = "") -> None:
        """Note that a picture is here, or, with a ``reason``, why it cannot be."""
        changed = self.base.execute(
            "UPDATE pictures SET state = ?, reason = ? WHERE file = ?", ("failed" if reason else "kept", reason, file)
        )
        self.wanted -= changed.rowcount if reason else 0
        if not changed.rowcount:  # removed while it was fetched
            (self.folder / "images" / file).unlink(missing_ok=True)
