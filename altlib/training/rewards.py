"""Rewards of a generated text: CLIP's relevance, a description-preferring CLIP's, and RefCompare's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from altlib.models.vocabulary_bridge import VocabularyBridge

REWARDS = ("clip", "description", "refcompare")


@dataclass(frozen=True)
class Reward:
    """The cosine of text and picture, or what follows from it.

    Attributes:
        name: One of :data:`REWARDS`; what tells clip from description is the text encoder of the bridge.
        bridge: From the language model's tokens into the text encoder.
        references: With refcompare, cosines of reference texts with their own pictures, (r,): the reward
            is the share of them that the text outscores, each step made a sigmoid.
        width: Of these sigmoids, in units of the cosine.
    """

    name: str
    bridge: VocabularyBridge
    references: Tensor | None = None
    width: float = 0.02

    def __post_init__(self) -> None:
        if self.name not in REWARDS:
            raise ValueError(f"unknown reward {self.name!r}; known: {', '.join(REWARDS)}")
        if (self.name == "refcompare") != (self.references is not None and len(self.references) > 0):
            raise ValueError("the reward refcompare needs cosines of reference texts, and the others none")

    def of_cosines(self, cosines: Tensor) -> Tensor:
        """The reward of texts from their cosines, (B,) -> (B,)."""
        if self.references is None:
            return cosines
        steps = (cosines[:, None] - self.references.to(cosines)) / self.width
        return torch.sigmoid(steps).mean(1)

    @torch.no_grad()
    def of_texts(self, texts: Sequence[str], images: Tensor) -> Tensor:
        """The reward of texts, without gradients.

        Args:
            texts: B texts.
            images: Unit-length features of the pictures, (B, width).

        Returns:
            (B,).
        """
        read = self.bridge.clip.tokenize([text.strip() for text in texts]).to(self.bridge.device)
        embedded = self.bridge.tower(read)
        return self.of_cosines((embedded * images.to(embedded)).sum(-1))

    def __call__(self, tokens: Tensor, relaxed: Tensor, images: Tensor, straight_through: bool = True) -> Tensor:
        """The reward of sampled texts, with gradients to the relaxed one-hot vectors.

        Args:
            tokens: Sampled tokens, (B, T).
            relaxed: Of each a distribution over the vocabulary, (B, T, V).
            images: Unit-length features of the pictures, (B, width).
            straight_through: As for :meth:`altlib.models.vocabulary_bridge.VocabularyBridge.embed`.

        Returns:
            (B,).
        """
        texts, _ = self.bridge.embed(tokens, relaxed, straight_through)
        return self.of_cosines((texts * images.to(texts)).sum(-1))
