"""What models answered, kept in one SQLite file with what every request cost."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any

TABLES = """
CREATE TABLE IF NOT EXISTS replies (key TEXT PRIMARY KEY, text TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS requests (
    key TEXT NOT NULL, outcome TEXT NOT NULL, tokens_in INTEGER, tokens_out INTEGER, dollars TEXT
);
"""
MILLION = Decimal(1_000_000)


@dataclass(frozen=True)
class Usage:
    """What a request used.

    Attributes:
        tokens_in: Read by the model.
        tokens_out: Written by it.
        dollars: What that costs.
        known: Whether the server said so; a request that broke off may have cost something all the same.
    """

    tokens_in: int = 0
    tokens_out: int = 0
    dollars: Decimal = Decimal(0)
    known: bool = False

    @staticmethod
    def of(stated: Any, dollars_in: float, dollars_out: float) -> Usage:
        """The usage that a server states.

        Args:
            stated: ``usage`` of a completion; a ``cost`` in it (dollars, as OpenRouter gives it) goes before the prices.
            dollars_in: Price of a million tokens that are read.
            dollars_out: Price of a million tokens that are written.
        """
        if stated is None:
            return Usage()
        read, written = int(stated.prompt_tokens or 0), int(stated.completion_tokens or 0)
        cost = getattr(stated, "cost", None)
        priced = (read * Decimal(str(dollars_in)) + written * Decimal(str(dollars_out))) / MILLION
        is_number = isinstance(cost, int | float) and not isinstance(cost, bool) and cost >= 0
        return Usage(read, written, Decimal(str(cost)) if is_number else priced, True)


@dataclass(frozen=True)
class Spent:
    """What all requests of a file used.

    Attributes:
        requests: How many were sent.
        unknown: How many of them broke off before the server said what they used.
        tokens_in: Read by the models.
        tokens_out: Written by them.
        dollars: What that costs.
    """

    requests: int
    unknown: int
    tokens_in: int
    tokens_out: int
    dollars: Decimal

    def __sub__(self, earlier: Spent) -> Spent:
        """What was used since an earlier look."""
        return Spent(*(getattr(self, name) - getattr(earlier, name) for name in self.__dataclass_fields__))

    def sentence(self) -> str:
        """In words."""
        said = (
            f"{self.requests:,} requests, {self.tokens_in:,} tokens read and {self.tokens_out:,} written: "
            f"{self.dollars:.4f} dollars"
        )
        return said + (f"; of {self.unknown:,} requests that broke off the cost is not known" if self.unknown else "")


class Replies:
    """The file; use it as a context manager.

    Every request and every reply is committed as it comes, so a kill loses none that has come.

    Args:
        path: The file, which is made if it is missing.
    """

    def __init__(self, path: Path):
        path.parent.mkdir(parents=True, exist_ok=True)
        self.database = sqlite3.connect(path, isolation_level=None, timeout=60.0)
        self.database.execute("PRAGMA journal_mode=WAL")
        self.database.execute("PRAGMA synchronous=NORMAL")
        self.database.executescript(TABLES)

    def __enter__(self) -> Replies:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.database.close()

    def get(self, key: str) -> str | None:
        """The reply to a question; None if there is none yet."""
        row = self.database.execute("SELECT text FROM replies WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def put(self, key: str, text: str) -> None:
        """Keep a reply."""
        self.database.execute("INSERT OR REPLACE INTO replies VALUES (?, ?)", (key, text))

    def note(self, key: str, usage: Usage, outcome: str) -> None:
        """Note a request, what it used and how it ended."""
        row = (usage.tokens_in, usage.tokens_out, str(usage.dollars)) if usage.known else (None, None, None)
        self.database.execute("INSERT INTO requests VALUES (?, ?, ?, ?, ?)", (key, outcome, *row))

    def spent(self) -> Spent:
        """What all requests used so far."""
        rows = self.database.execute("SELECT tokens_in, tokens_out, dollars FROM requests").fetchall()
        known = [row for row in rows if row[2] is not None]
        return Spent(
            len(rows),
            len(rows) - len(known),
            sum(row[0] for row in known),
            sum(row[1] for row in known),
            sum((Decimal(row[2]) for row in known), Decimal(0)),
        )


def spent_in(path: Path) -> Spent:
    """What the requests of a file used; nothing if there is none."""
    if not path.is_file():
        return Spent(0, 0, 0, 0, Decimal(0))
    with Replies(path) as replies:
        return replies.spent()
