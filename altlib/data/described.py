"""Pictures that have both a caption and a description: where they come from, and samples of them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from altlib.core.files import read_json
from altlib.data.posts import read_corpus
from altlib.data.sources import registry
from altlib.data.splits import split_by_post


def triplet_posts(
    run: Path, concadia_path: str = "", stories: int = 600, seed: int = 0, drawn: Path | None = None
) -> tuple[pd.DataFrame, str]:
    """Posts with captions and a split.

    Args:
        run: the run's folder; its corpus is taken if it has captions.
        concadia_path: of Concadia, which is taken first, in its own split; empty for none.
        stories: posts of the miniature world, which are taken last.
        seed: of these posts and their split.
        drawn: folder that new pictures are written to; None takes the run's own folder ``triplets``.

    Returns:
        The posts, and where they come from: "concadia", "run" or "miniworld".
    """
    drawn = drawn or run / "triplets"
    if concadia_path:
        return registry.collect("concadia", drawn, concadia_path)[0], "concadia"
    posts = read_corpus(run / "corpus")
    if (posts["caption"].str.strip() != "").any():
        return posts, "run"
    posts, _ = registry.collect("miniworld", drawn, posts=stories, seed=seed)
    posts["split"] = split_by_post(posts, 0.1, 0.2, seed)
    return posts, "miniworld"


def source_name(run: Path, origin: str) -> str:
    """What the numbers made from :func:`triplet_posts` are numbers of: the run's source, or the origin itself."""
    return read_json(run / "corpus" / "steps.json")["source"] if origin == "run" else origin


def sample_rows(posts: pd.DataFrame, split: str, limit: int, seed: int) -> pd.DataFrame:
    """The rows of a split in their order; a random ``limit`` of them (0: all)."""
    rows = posts[posts["split"] == split]
    if limit and len(rows) > limit:
        rows = rows.sample(limit, random_state=seed).sort_index()
    return rows.reset_index(drop=True)
