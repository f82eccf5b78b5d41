"""What a run was asked to forget: fingerprints of posts and authors, by which they are known again.

They lie in ``forgotten.json`` in the folder of the run's corpus, so that a source that still holds
a forgotten post does not bring it back.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from altlib.core.errors import CorpusError
from altlib.core.files import read_json, write_json
from altlib.data.addresses import fingerprint

FILE = "forgotten.json"


@dataclass
class Forgotten:
    """What a run was asked to forget, and how far that has come.

    Attributes:
        fingerprints: of posts and authors, in hexadecimal digits.
        pictures: number of pictures that were taken out of the corpus.
        models_kept: whether models stayed that have learned from them.
        finished: whether everything that was derived from them is deleted, too.
    """

    fingerprints: list[str] = field(default_factory=list)
    pictures: int = 0
    models_kept: bool = False
    finished: bool = True

    def add(self, addresses: Iterable[str]) -> None:
        """Add posts and authors by their addresses."""
        self.fingerprints = sorted({*self.fingerprints, *(fingerprint(address).hex() for address in addresses)})

    def knows(self, address: str) -> bool:
        """Whether a post or an author was to be forgotten."""
        return fingerprint(address).hex() in self.fingerprints


def read_forgotten(corpus: Path) -> Forgotten:
    """What the run of a corpus was asked to forget; nothing if there is no such file."""
    file = corpus / FILE
    return Forgotten(**read_json(file)) if file.is_file() else Forgotten()


def write_forgotten(corpus: Path, forgotten: Forgotten) -> None:
    """Write what the run of a corpus was asked to forget."""
    write_json(corpus / FILE, asdict(forgotten))


def check_forgetting_finished(corpus: Path) -> None:
    """Check that nothing is left of what the run of a corpus was asked to forget.

    Raises:
        CorpusError: Forgetting was stopped before its end.
    """
    if not read_forgotten(corpus).finished:
        raise CorpusError(
            f"posts in {corpus.parent} were to be forgotten, and that was stopped before its end; run the same "
            "`altlib forget` command again to finish it"
        )


class Match:
    """Whether rows of a corpus belong to what is to be forgotten, by any of their post, item and author."""

    def __init__(self, forgotten: Forgotten) -> None:
        self.fingerprints = frozenset(forgotten.fingerprints)

    def hits(self, row: dict[str, Any]) -> bool:
        """Whether a row with some of the fields post_id, item_id and author is to be forgotten.

        A post of Bluesky names its author in its address, also where the row does not.
        """
        if not self.fingerprints:
            return False
        if (row.get("author") or "") in self.fingerprints:
            return True
        for name in {str(row.get("post_id") or ""), str(row.get("item_id") or "").partition("#")[0]} - {""}:
            author = name.removeprefix("at://").partition("/")[0] if name.startswith("at://") else ""
            if not self.fingerprints.isdisjoint(fingerprint(a).hex() for a in (name, author) if a):
                return True
        return False
