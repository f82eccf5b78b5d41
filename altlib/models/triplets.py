"""Pictures with a caption and a description each, as CLIP reads them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from torch import Tensor

from altlib.models.clip import Clip, longer_than_context


@dataclass
class Triplets:
    """Pictures with a caption and a description each.

    Attributes:
        features: Unit-length image features of the base model, (n, width).
        captions: Token ids, (n, context).
        descriptions: Token ids, (n, context).
        rows: The items' numbers in the frame that they were made from, (n,).
        cropped: How many texts were longer than the context.
        incomplete: How many items lacked a caption or a description.
        images: The n picture files.
        caption_texts: The n captions.
        description_texts: The n descriptions.
    """

    features: Tensor
    captions: Tensor
    descriptions: Tensor
    rows: np.ndarray
    cropped: int = 0
    incomplete: int = 0
    images: list[str] = field(default_factory=list)
    caption_texts: list[str] = field(default_factory=list)
    description_texts: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.captions)


def make_triplets(posts: pd.DataFrame, features: Tensor, clip: Clip) -> Triplets:
    """Triplets of the posts that have a caption and alt text (their description).

    Incomplete items are left out and counted; texts longer than the context are cropped and counted.

    Args:
        posts: With the columns caption, alt_text and image.
        features: Image features in the order of ``posts``, (n, width).
        clip: The model that the triplets are for.

    Raises:
        ValueError: No item is complete.
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
        captions,
        descriptions,
    )


def tuning_triplets(rows: pd.DataFrame, clip: Clip, cache: Path) -> Triplets:
    """Triplets of posts whose pictures are encoded here, with features kept in ``cache``."""
    from altlib.models.features import picture_features

    return make_triplets(rows, picture_features(rows["image"].tolist(), clip, cache), clip)
