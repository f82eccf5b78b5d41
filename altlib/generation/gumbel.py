"""Captions sampled with Gumbel-softmax, so that a score of the text has a gradient (Jang et al. 2016).

Adding Gumbel noise to the logits and taking the largest draws exactly from the model's distribution. The
softmax of the same sum, at a temperature, is a relaxed one-hot vector; the lower the temperature, the
nearer to one-hot, and the larger the variance of the gradient. Gradients also flow through the embedding
of each sampled token into what follows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers.cache_utils import DynamicCache

from altlib.generation.decoding import prompt_batch
from altlib.models.captioner import Example, PrefixCaptioner


@dataclass(frozen=True)
class RelaxedCaptions:
    """Sampled captions with their relaxed one-hot vectors.

    Attributes:
        tokens: Sampled token ids, (B, T); the end of text and anything follows a caption that has ended.
        relaxed: Distributions at the temperature, with gradients, (B, T, V).
        logits: What the model said at each place, (B, T, V).
        counted: Which tokens belong to their caption, its end included, (B, T) bool.
    """

    tokens: Tensor
    relaxed: Tensor
    logits: Tensor
    counted: Tensor


def gumbel_noise(like: Tensor) -> Tensor:
    """Standard Gumbel noise of the shape of ``like``, from torch's global random numbers."""
    return -(-torch.rand_like(like).log()).log()


def sample_relaxed(
    captioner: PrefixCaptioner,
    features: Tensor,
    examples: list[Example],
    temperature: float,
    max_tokens: int,
    straight_through: bool = True,
) -> RelaxedCaptions:
    """Sample a caption for each picture.

    Args:
        captioner: The captioner.
        features: Of the pictures, (B, d_clip).
        examples: Their posts.
        temperature: Of the relaxation, above 0.
        max_tokens: Of the longest caption.
        straight_through: Whether what follows reads the sampled token; otherwise the mixture.

    Raises:
        ValueError: The temperature is not above 0.
    """
    if temperature <= 0:
        raise ValueError(f"the temperature of Gumbel-softmax is {temperature:g}; it must be above 0")
    model: Any = captioner.language_model
    weight, head = captioner.embedding.weight, model.get_output_embeddings()
    inputs, mask = prompt_batch(captioner, features, examples)
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    cache = DynamicCache()
    ended = torch.zeros(len(inputs), dtype=torch.bool, device=weight.device)
    tokens, relaxed, logits, counted = [], [], [], []
    for _ in range(max_tokens):
        hidden = model.base_model(
            inputs_embeds=inputs, attention_mask=mask, position_ids=positions, past_key_values=cache, use_cache=True
        )[0]
        said = head(hidden[:, -1]).float()  # (B, V)
        noisy = said + gumbel_noise(said)
        soft, token = (noisy / temperature).softmax(-1), noisy.argmax(-1)
        tokens.append(token)
        relaxed.append(soft)
        logits.append(said)
        counted.append(~ended)
        ended = ended | (token == captioner.end)
        if bool(ended.all()):
            break
        mixed = soft.to(weight.dtype) @ weight  # (B, d)
        chosen = captioner.embedding(token) + mixed - mixed.detach() if straight_through else mixed
        inputs, positions = chosen[:, None], positions[:, -1:] + 1
        mask = torch.cat([mask, mask.new_ones(len(mask), 1)], 1)
    return RelaxedCaptions(
        torch.stack(tokens, 1), torch.stack(relaxed, 1), torch.stack(logits, 1), torch.stack(counted, 1)
    )
