"""Training, validation and test posts, so that no text leaks from one to another (Twitter paper, section 4)."""

from __future__ import annotations

import hashlib

import pandas as pd
from scipy.cluster.hierarchy import DisjointSet

SPLITS = ("train", "val", "test")


def split_by_post(posts: pd.DataFrame, validation: float, test: float, seed: int) -> pd.Series:
    """``train``, ``val`` or ``test`` for each row, the same for all pictures of a post.

    Split by post to prevent leakage of text (Twitter paper, section 4). Posts that say the same
    words leak the same text, so they form one group and are split together. The split of a group
    follows from the seed and a hash of the id of its oldest post alone. So:

    - Newer posts never move an older one, with one exception: a post whose pictures have two
      texts joins two groups. They then share the split of the older group, since no text may be
      in two splits; no other group moves.
    - If the oldest post of a group is taken out, or an older one that says the same words is
      found later, the group may move.
    - Where a handful of posts would leave a split without any, it gets the group whose hash comes
      nearest, until more posts fill it.

    Args:
        posts: the oldest first, with the columns ``post_id`` and ``text``, or numbers that stand
            for the texts.
        validation: share of posts.
        test: share of posts.
        seed: of the hash.

    Raises:
        ValueError: The shares leave nothing for training.
    """
    if not 0 <= validation + test < 1:
        raise ValueError(f"validation and test shares must add up to less than 1, not {validation + test}")
    first_post = posts.groupby("text")["post_id"].transform("first").where(posts["text"] != "", posts["post_id"])
    bins = connected_posts(posts["post_id"], first_post)

    def place(key: str) -> float:
        return int.from_bytes(hashlib.sha256(f"{seed}/{key}".encode()).digest()[:8]) / 2**64

    places = {key: place(key) for key in bins.unique()}
    split = {k: "test" if u < test else "val" if u < test + validation else "train" for k, u in places.items()}
    for name, share in (("test", test), ("val", validation)):
        left = [key for key, taken in split.items() if taken == "train"]
        if share > 0 and len(left) > 1 and name not in split.values():
            split[min(left, key=places.__getitem__)] = name
    return bins.map(split)


def connected_posts(post_ids: pd.Series, also: pd.Series) -> pd.Series:
    """A key for each row such that rows with the same ``post_ids`` or the same ``also``, an id of another post, share it.

    The key is the id of those that hang together that comes first in ``post_ids``.
    """
    order = {post: number for number, post in enumerate(pd.unique(post_ids))}
    components = DisjointSet(order)
    for one, other in set(zip(post_ids, also, strict=True)):
        components.merge(one, other)
    keys = {m: first for c in components.subsets() for first in [min(c, key=order.__getitem__)] for m in c}
    return post_ids.map(keys)


def keeps_own_split(posts: pd.DataFrame) -> bool:
    """Whether the source has put every row of ``posts`` into one of the three splits itself."""
    return bool(posts["split"].isin(SPLITS).all())


def split_counts(posts: pd.DataFrame) -> pd.DataFrame:
    """Pictures and posts in each split, one row per split.

    Args:
        posts: Rows with the columns split and post_id.

    Raises:
        AssertionError: A post is in two splits.
    """
    if (posts.groupby("post_id")["split"].nunique() > 1).any():
        raise AssertionError("a post is in two splits")
    by_split = posts.groupby("split")["post_id"].agg(pictures="size", posts="nunique")
    return by_split.reindex(SPLITS, fill_value=0).rename_axis("split").reset_index()
