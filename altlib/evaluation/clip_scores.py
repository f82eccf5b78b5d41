"""How well a text fits a picture: CLIPScore, and the score of a CLIP that prefers descriptions.

CLIPScore puts a prompt before the text. Fine-tuned models score the bare text, as they were trained,
so the base model's score of the bare text is what theirs is compared with.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from altlib.evaluation.transfer import base_encoder
from altlib.models.clip import Clip, longer_than_context
from altlib.models.description_clip import DescriptionClip, picture_embeddings
from altlib.models.features import picture_features
from altlib.models.triplets import Triplets

CLIPSCORE_PROMPT = "A photo depicts "
CLIPSCORE_WEIGHT = 2.5


def description_accuracy(images: Tensor, captions: Tensor, descriptions: Tensor) -> float:
    """Share of pictures whose description scores above the caption.

    Args:
        images: Unit vectors, (n, width).
        captions: Unit vectors, (n, width).
        descriptions: Unit vectors, (n, width).
    """
    return float(((images * descriptions).sum(1) > (images * captions).sum(1)).float().mean())


def accuracy_of(tuned: DescriptionClip, triplets: Triplets, clip: Clip) -> float:
    """:func:`description_accuracy` of a tuned model on triplets."""
    images = triplets.features
    if tuned.settings.towers == "both":
        images = picture_embeddings(tuned, triplets.images, clip)
    texts = tuned.encode_texts(torch.cat([triplets.captions, triplets.descriptions]))
    captions, descriptions = texts.split(len(triplets))
    return description_accuracy(images, captions, descriptions)


def base_accuracy(base: Clip, triplets: Triplets, prompt: str = "") -> float:
    """:func:`description_accuracy` of the pretrained model on triplets.

    Args:
        base: The model.
        triplets: The pictures with their texts.
        prompt: What is put before every text.
    """
    encode = base_encoder(base)
    tokens = torch.cat([triplets.captions, triplets.descriptions])
    if prompt:
        tokens = base.tokenize([prompt + text for text in triplets.caption_texts + triplets.description_texts])
    texts = encode(tokens)
    captions, descriptions = texts.split(len(triplets))
    return description_accuracy(triplets.features, captions, descriptions)


def clip_score(images: Tensor, texts: Tensor) -> Tensor:
    r"""CLIPScore of n pairs, :math:`2.5 \max(\cos, 0)` (Hessel et al. 2021).

    Args:
        images: Unit vectors, (n, width).
        texts: Unit vectors, (n, width).

    Returns:
        (n,).
    """
    return CLIPSCORE_WEIGHT * (images * texts).sum(-1).clamp(min=0)


def ref_clip_score(scores: Tensor, texts: Tensor, references: Tensor, owners: Tensor) -> Tensor:
    """RefCLIPScore of n texts: the harmonic mean of CLIPScore and of the cosine with the most similar reference.

    As in the authors' code, all texts have CLIPScore's prompt. A cosine below 0 counts as 0, as in their paper.

    Args:
        scores: CLIPScore of each text, (n,).
        texts: Unit vectors, (n, width).
        references: Unit vectors of one or more references of each text, (m, width).
        owners: The text that each reference belongs to, (m,).

    Returns:
        (n,); 0 where either is 0.
    """
    similar = (references * texts[owners]).sum(-1).clamp(min=0)
    best = torch.zeros_like(scores).scatter_reduce(0, owners, similar, "amax")
    return torch.where(scores + best > 0, 2 * scores * best / (scores + best).clamp(min=1e-12), torch.zeros_like(best))


def base_scores(
    base: Clip, pictures: list[str], texts: list[str], cache: Path | None = None, prompt: str = CLIPSCORE_PROMPT
) -> Tensor:
    """CLIPScore of pairs of picture and text by a pretrained model.

    Args:
        base: The model.
        pictures: n picture files.
        texts: n texts.
        cache: Folder in which image features are kept.
        prompt: What is put before every text; CLIPScore's own, or nothing.

    Returns:
        (n,).
    """
    images = picture_features(pictures, base, cache)
    return clip_score(images, base.encode_texts([prompt + text for text in texts]))


def tuned_scores(
    tuned: DescriptionClip, base: Clip, pictures: list[str], texts: list[str], cache: Path | None = None
) -> Tensor:
    """The score of pairs of picture and text by a fine-tuned model, on the bare text as it was trained.

    Args:
        tuned: The fine-tuned model.
        base: The model that it was tuned from.
        pictures: n picture files.
        texts: n texts.
        cache: Folder with image features of the base model, which are used unless the vision tower learned too.

    Returns:
        (n,).
    """
    both = tuned.settings.towers == "both"
    images = picture_embeddings(tuned, pictures, base) if both else picture_features(pictures, base, cache)
    return clip_score(images, tuned.encode_texts(base.tokenize(texts)))


def score_picture(
    picture: Path, texts: list[str], base: Clip, tuned: DescriptionClip | None
) -> tuple[list[dict[str, float]], int]:
    """Scores of several texts for one picture.

    Args:
        picture: The file.
        texts: The texts.
        base: The pretrained model.
        tuned: A fine-tuned model, if its score is wanted too.

    Returns:
        One dictionary per text with the keys ``CLIPScore``, ``bare text`` (the base model's score without
        CLIPScore's prompt) and, with ``tuned``, ``description score``; and how many texts were longer
        than the context.

    Raises:
        PictureError: The picture cannot be read.
        ValueError: A text is empty.
    """
    if any(not text.strip() for text in texts):
        raise ValueError("a text to score is empty")
    pictures = [str(picture)] * len(texts)
    scores = {
        "CLIPScore": base_scores(base, pictures, texts),
        "bare text": base_scores(base, pictures, texts, prompt=""),
    }
    if tuned is not None:
        scores["description score"] = tuned_scores(tuned, base, pictures, texts)
    cropped = longer_than_context(base, texts, base.tokenize(texts))
    return [{name: float(values[i]) for name, values in scores.items()} for i in range(len(texts))], cropped
