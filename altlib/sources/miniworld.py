"""Posts of the miniature world, drawn and written on the spot."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from ..files import whole_file
from ..miniworld.network import network
from ..posts import as_posts
from ..progress import progress_bar


def collect(folder: Path, stories: int, seed: int) -> pd.DataFrame:
    """Draw ``stories`` posts of seed ``seed`` into ``folder/images``; a second call redraws nothing.

    Pictures are PNG, 96 pixels square, CC BY-SA 4.0 (OpenMoji).
    """
    images = folder.resolve() / "images"
    images.mkdir(parents=True, exist_ok=True)
    records = []
    for post in progress_bar(network(seed, stories), desc="pictures drawn", unit=" pictures"):
        path = images / f"{post.item_id}.png"
        if not path.exists():
            with whole_file(path) as part:
                post.draw().save(part, format="PNG", compress_level=1)
        records.append(
            {
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
        )
    return as_posts(records)
