"""Posts of the miniature world, drawn and written on the spot."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from altlib.core.files import whole_file
from altlib.core.progress import progress_bar
from altlib.miniworld.network import network


def collect(folder: Path, stories: int, seed: int) -> Iterator[dict]:
    """The pictures of ``stories`` posts of seed ``seed``, drawn into ``folder/images``; a second call redraws nothing.

    Pictures are PNG, 96 pixels square, CC BY-SA 4.0 (OpenMoji).
    """
    images = folder.resolve() / "images"
    images.mkdir(parents=True, exist_ok=True)
    for post in progress_bar(network(seed, stories), desc="pictures drawn", unit=" pictures"):
        path = images / f"{post.item_id}.png"
        if not path.exists():
            with whole_file(path) as part:
                post.draw().save(part, format="PNG", compress_level=1)
        yield {
            "item_id": post.item_id,
            "post_id": post.post_id,
            "created_at": post.created_at,
            "text": post.text,
            "alt_text": post.alt_text,
            "caption": post.caption,
            "image": str(path),
            "language": post.language,
            "media_type": post.media_type,
            "is_repost": post.is_repost,
            "labels": post.labels,
            "facts": post.facts,
        }
