"""Pictures with a caption and a description each: what CLIP is tuned on, and where they come from."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from torch import Tensor

from . import sources
from .backbones import Clip
from .files import read_json
from .posts import read_corpus, split_by_post


@dataclass
class Triplets:
    """Pictures with a caption and a description each.

    ``features`` (n, width) unit-length image features of the base model; ``captions`` and
    ``descriptions`` (n, context) token ids; ``rows`` the items' numbers in the frame that they
    were made from; ``cropped`` how many texts were longer than the context; ``incomplete`` how
    many items lacked a caption or a description; ``images`` the picture files.
    """

    features: Tensor
    captions: Tensor
    descriptions: Tensor
    rows: np.ndarray
    cropped: int = 0
    incomplete: int = 0
    images: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.captions)


def longer_than_context(clip: Clip, texts: list[str], tokens: Tensor) -> int:
    """How many texts lost their end to the context length: their last column is filled and a shorter text tokenises alike."""
    full = [i for i in range(len(texts)) if int(tokens[i, -1]) != 0]
    shortened = [texts[i][: len(texts[i]) - 1].rstrip() for i in full]
    if not full:
        return 0
    again = clip.tokenize(shortened)
    return int((again == tokens[full]).all(1).sum())


def make_triplets(posts: pd.DataFrame, features: Tensor, clip: Clip) -> Triplets:
    """Triplets of the posts that have a caption and alt text (their description).

    ``features`` (n, width) in the order of ``posts``. Incomplete items are left out and counted;
    texts longer than the context are cropped and counted. Raises ``ValueError`` if no item is
    complete.
    """
    complete = ((posts["caption"].str.strip() != "") & (posts["alt_text"].str.strip() != "")).to_numpy()
    rows = np.flatnonzero(complete)
    if not len(rows):
        raise ValueError(
            f"none of {len(posts)} items has both a caption and a description; this chapter needs a source with captions, "
            "such as miniworld or concadia"
        )
    captions, descriptions = posts["caption"].iloc[rows].tolist(), posts["alt_text"].iloc[rows].tolist()
    caption_tokens, description_tokens = clip.tokenize(captions), clip.tokenize(descriptions)
    return Triplets(
        features[rows],
        caption_tokens,
        description_tokens,
        rows,
        longer_than_context(clip, captions, caption_tokens)
        + longer_than_context(clip, descriptions, description_tokens),
        len(posts) - len(rows),
        posts["image"].iloc[rows].tolist(),
    )


def triplet_posts(run: Path, concadia_path: str = "", stories: int = 600, seed: int = 0) -> tuple[pd.DataFrame, str]:
    """Posts with captions and a split, and the name of where they come from.

    Concadia itself if ``concadia_path`` names it, in its own split; else the run's corpus if it
    has captions; else ``stories`` posts of the miniature world, drawn into the run's folder.
    """
    if concadia_path:
        return sources.collect("concadia", run, concadia_path)[0], "concadia"
    posts = read_corpus(run / "corpus")
    if (posts["caption"].str.strip() != "").any():
        return posts, "run"
    posts, _ = sources.collect("miniworld", run / "triplets", posts=stories, seed=seed)
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


def tuning_triplets(rows: pd.DataFrame, clip: Clip, cache: Path) -> Triplets:
    """Triplets of posts whose pictures are encoded here, with features kept in ``cache``."""
    from .features import picture_features

    return make_triplets(rows, picture_features(rows["image"].tolist(), clip, cache), clip)
