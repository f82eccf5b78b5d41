"""Read a collection of posts, also while it is written; readers change nothing."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from altlib.core.errors import CorpusError, DiskFullError
from altlib.data.addresses import fingerprint

BASE = "posts.sqlite"  # the file that makes a folder a collection


@dataclass
class CollectionReader:
    """A collection that is read, also while it is written: ``posts.sqlite`` and ``images/``. Use it as a context manager.

    Attributes:
        folder: of the collection.
    """

    folder: Path

    def __enter__(self) -> Self:
        """Open the collection."""
        base = (self.folder / BASE).resolve()
        # SQLite keeps a file beside its own while it reads; where it cannot, nobody can write either.
        sealed = not os.access(self.folder, os.W_OK) and not base.with_name(f"{BASE}-wal").exists()
        how = "immutable=1" if sealed else "mode=rw"
        self.base = sqlite3.connect(f"{base.as_uri()}?{how}", uri=True, isolation_level=None, timeout=30)
        try:
            self.base.execute("PRAGMA query_only = ON")
            self.base.execute("SELECT 1 FROM pictures").fetchone()
        except sqlite3.DatabaseError as error:
            self.base.close()
            raise self.explained(error) from error
        return self

    def __exit__(self, *_: object) -> None:
        """Close the collection."""
        self.base.close()

    def explained(self, error: sqlite3.Error) -> Exception:
        """The error with its way out."""
        if "full" in str(error):
            return DiskFullError(28, f"no room left on the disk for {self.folder}; free some space and start again")
        return CorpusError(f"{self.folder / 'posts.sqlite'} cannot be used ({error})")

    def fact(self, name: str, default: str = "") -> str:
        """A fact that :meth:`set_fact` kept."""
        row = self.base.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return row[0] if row else default

    def excluded(self) -> dict[str, int]:
        """How many pictures were not taken, by reason."""
        return dict(self.base.execute("SELECT reason, pictures FROM left_out ORDER BY pictures DESC, reason"))

    def states(self) -> dict[str, int]:
        """How many pictures are pending, kept or failed."""
        return {"pending": 0, "kept": 0, "failed": 0} | dict(
            self.base.execute("SELECT state, COUNT(*) FROM pictures GROUP BY state")
        )

    def posts(self, unreadable: list[dict], limit: int = 0) -> Iterator[dict[str, Any]]:
        """The collected posts in the order of their versions, at most ``limit`` pictures (0: all).

        Pictures that could not be fetched are appended to ``unreadable``.
        """
        rows = self.base.execute(
            "SELECT p.uri, author, number, created_at, text, alt_text, file, language, labels, is_repost, state, reason "
            "FROM pictures JOIN posts p USING (uri) WHERE state != 'pending' ORDER BY version, p.uri, number"
        )
        taken = 0
        for uri, author, number, created_at, text, alt_text, file, language, labels, is_repost, state, reason in rows:
            ids = {"item_id": f"{uri}#{number}", "post_id": uri, "author": fingerprint(author).hex()}
            if state == "failed":
                unreadable.append({**ids, "reason": reason})
                continue
            if limit and taken >= limit:
                break
            taken += 1
            yield {
                **ids,
                "created_at": created_at,
                "text": text,
                "alt_text": alt_text,
                "image": str((self.folder / "images" / file).resolve()),
                "language": language,
                "labels": labels,
                "is_repost": bool(is_repost),
            }

    def posts_of(self, author: str) -> list[str]:
        """Addresses of an author's posts."""
        return [row[0] for row in self.base.execute("SELECT uri FROM posts WHERE author = ?", (author,))]

    def last_addresses(self, beginning: str, limit: int) -> list[str]:
        """The addresses of posts that begin so, the last first, at most ``limit``; a longer number is a later one."""
        rows = self.base.execute(
            "SELECT uri FROM posts WHERE uri >= ? AND uri < ? ORDER BY LENGTH(uri) DESC, uri DESC LIMIT ?",
            (beginning, f"{beginning}\U0010ffff", limit),
        )
        return [row[0] for row in rows]

    def knows(self, address: str) -> bool:
        """Whether there is a post with this address or by this author, or whether it was removed."""
        found = self.base.execute(
            "SELECT 1 FROM posts WHERE uri = ? UNION SELECT 1 FROM posts WHERE author = ? "
            "UNION SELECT 1 FROM removed WHERE address = ?",
            (address, address, fingerprint(address)),
        )
        return found.fetchone() is not None

    def dehydrated(self) -> Iterator[dict[str, str]]:
        """Addresses of posts and pictures only, as the Twitter paper released its corpus (section 4)."""
        for uri, number, url in self.base.execute(
            "SELECT uri, number, url FROM pictures JOIN posts USING (uri) WHERE state = 'kept' ORDER BY version, uri, number"
        ):
            yield {"post_id": uri, "picture": str(number), "media_url": url}


def is_collection(folder: Path) -> bool:
    """Whether there is a collection in a folder."""
    return (folder / BASE).is_file()


def open_collection(folder: Path) -> CollectionReader:
    """An existing collection, to be read.

    Raises:
        CorpusError: There is none.
    """
    if not is_collection(folder):
        raise CorpusError(f"there is no collection in {folder}: `altlib collect` makes one")
    return CollectionReader(folder)
