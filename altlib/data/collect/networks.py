"""The networks that ``altlib collect`` collects from: one entry for each.

They are apart from the entries in :mod:`altlib.data.sources.registry` because the chapters read
collections and do not collect, so a change of a collector must not make them run again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from altlib.core.errors import CorpusError


@dataclass
class CollectRequest:
    """What ``altlib collect`` asks of a network.

    Attributes:
        folder: of the collection.
        pictures: number at which to stop; 0 for no end.
        seconds: after which to stop; 0 for no end.
        language: of posts; empty for all.
        minimum_characters: of alt text.
        instance: address of a Mastodon instance.
        ids: file of post ids, for networks that are asked by them.
        tell: is told the progress.
    """

    folder: Path
    pictures: int = 0
    seconds: float = 0.0
    language: str = "en"
    minimum_characters: int = 20
    instance: str = ""
    ids: Path | None = None
    tell: Callable[[str], None] = print

    @property
    def ending(self) -> dict[str, Any]:
        """When to stop, as settings of a collector."""
        return {"pictures": self.pictures, "seconds": self.seconds}

    @property
    def filters(self) -> dict[str, Any]:
        """What is taken, as settings of a collector of a stream."""
        return {"language": self.language, "minimum_characters": self.minimum_characters}


def collect_bluesky(request: CollectRequest) -> None:
    """Collect from Bluesky's stream."""
    from altlib.data.collect import bluesky

    settings = bluesky.BlueskySettings(**request.ending, **request.filters)
    bluesky.collect_live(request.folder, settings, request.tell)


def collect_mastodon(request: CollectRequest) -> None:
    """Collect from an instance of Mastodon."""
    from altlib.data.collect import mastodon

    settings = mastodon.MastodonSettings(instance=request.instance.rstrip("/"), **request.ending, **request.filters)
    mastodon.collect_live(request.folder, settings, request.tell)


def collect_x(request: CollectRequest) -> None:
    """Collect posts of X by their ids.

    Raises:
        CorpusError: No file of ids is given.
    """
    from altlib.data.collect import x

    if request.ids is None:
        raise CorpusError("collecting from x needs the ids of the posts: add --ids FILE")
    x.collect_live(request.folder, x.XSettings(ids=request.ids, **request.ending), request.tell)


NETWORKS: dict[str, Callable[[CollectRequest], None]] = {
    "bluesky": collect_bluesky,
    "mastodon": collect_mastodon,
    "x": collect_x,
}
