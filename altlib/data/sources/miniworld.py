"""Posts of the miniature world, drawn and written on the spot."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from altlib.core.code_imports import code_fingerprint
from altlib.core.files import whole_file
from altlib.core.progress import progress_bar
from altlib.data.sources.registry import Request
from altlib.miniworld.network import network

CODE = code_fingerprint("miniworld.network")

FIELDS = (
    "item_id",
    "post_id",
    "created_at",
    "text",
    "alt_text",
    "caption",
    "language",
    "media_type",
    "is_repost",
    "labels",
    "facts",
)


def records(request: Request) -> Iterator[dict[str, Any]]:
    """The pictures of as many posts as are asked for, of the request's seed; a second call redraws nothing.

    Pictures are PNG, 96 pixels square, CC BY-SA 4.0 (OpenMoji). Each version of the code that draws
    them has a folder of its own.
    """
    images = request.folder.resolve() / "images" / CODE[:12]
    images.mkdir(parents=True, exist_ok=True)
    for post in progress_bar(network(request.seed, request.posts), desc="pictures drawn", unit=" pictures"):
        path = images / f"{post.item_id}.png"
        if not path.exists():
            with whole_file(path) as part:
                post.draw().save(part, format="PNG", compress_level=1)
        yield {name: getattr(post, name) for name in FIELDS} | {"image": str(path)}
