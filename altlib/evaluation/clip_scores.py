"""How well a text fits a picture: CLIPScore, and the score of a CLIP that prefers descriptions."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from altlib.evaluation.transfer import base_encoder
from altlib.models.clip import Clip, longer_than_context
from altlib.models.description_clip import DescriptionClip, picture_embeddings
from altlib.models.features import picture_features
from altlib.models.triplets import Triplets


def description_accuracy(images: Tensor, captions: Tensor, descriptions: Tensor) -> float:
    """Share of pictures whose description outscores the caption; three (n, width) tensors of unit vectors."""
    return float(((images * descriptions).sum(1) > (images * captions).sum(1)).float().mean())


def accuracy_of(tuned: DescriptionClip, triplets: Triplets, clip: Clip) -> float:
    """:func:`description_accuracy` of a tuned model on triplets."""
    images = triplets.features
    if tuned.settings.towers == "both":
        images = picture_embeddings(tuned, triplets.images, clip)
    texts = tuned.encode_texts(torch.cat([triplets.captions, triplets.descriptions]))
    captions, descriptions = texts.split(len(triplets))
    return description_accuracy(images, captions, descriptions)


def base_accuracy(base: Clip, triplets: Triplets) -> float:
    """:func:`description_accuracy` of the pretrained model on triplets."""
    encode = base_encoder(base)
    texts = encode(torch.cat([triplets.captions, triplets.descriptions]))
    captions, descriptions = texts.split(len(triplets))
    return description_accuracy(triplets.features, captions, descriptions)


CLIPSCORE_PROMPT = "A photo depicts "
CLIPSCORE_WEIGHT = 2.5


def clip_score(images: Tensor, texts: Tensor) -> Tensor:
    """``2.5 max(cos, 0)`` of each pair of unit vectors, (n, width), (n, width) -> (n,) (Hessel et al. 2021)."""
    return CLIPSCORE_WEIGHT * (images * texts).sum(-1).clamp(min=0)


def base_scores(base: Clip, pictures: list[str], texts: list[str], cache: Path | None = None) -> Tensor:
    """CLIPScore of pairs of picture file and text, as published with its prompt, n, n -> (n,)."""
    images = picture_features(pictures, base, cache)
    return clip_score(images, base.encode_texts([CLIPSCORE_PROMPT + text for text in texts]))


def tuned_scores(
    tuned: DescriptionClip, base: Clip, pictures: list[str], texts: list[str], cache: Path | None = None
) -> Tensor:
    """The same by a fine-tuned model, on the bare text as it was trained, n, n -> (n,).

    ``cache`` holds image features of the base model, which serve unless the vision tower learned too.
    """
    both = tuned.settings.towers == "both"
    images = picture_embeddings(tuned, pictures, base) if both else picture_features(pictures, base, cache)
    return clip_score(images, tuned.encode_texts(base.tokenize(texts)))


def score_picture(
    picture: Path, texts: list[str], base: Clip, tuned: DescriptionClip | None
) -> tuple[list[dict[str, float]], int]:
    """Scores of several texts for one picture, a dict a text, and how many texts were longer than the context.

    Keys: ``CLIPScore`` and, with ``tuned``, ``description score``. Raises
    :class:`altlib.core.errors.PictureError` for a picture that cannot be read, ``ValueError`` for an
    empty text.
    """
    if any(not text.strip() for text in texts):
        raise ValueError("a text to score is empty")
    pictures = [str(picture)] * len(texts)
    scores = {"CLIPScore": base_scores(base, pictures, texts)}
    if tuned is not None:
        scores["description score"] = tuned_scores(tuned, base, pictures, texts)
    cropped = longer_than_context(base, texts, base.tokenize(texts))
    return [{name: float(values[i]) for name, values in scores.items()} for i in range(len(texts))], cropped
