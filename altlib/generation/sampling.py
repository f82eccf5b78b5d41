"""Captions drawn at random from a captioner's own distribution, several of each picture, without gradients."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from transformers.cache_utils import DynamicCache

from altlib.generation.decoding import prompt_batch
from altlib.generation.gumbel import gumbel_noise
from altlib.models.captioner import Example, PrefixCaptioner


@torch.no_grad()
def sample_tokens(
    captioner: PrefixCaptioner, features: Tensor, examples: list[Example], samples: int, max_tokens: int
) -> Tensor:
    """Draw captions of each picture; pictures and posts are read once for all of them.

    Args:
        captioner: The captioner.
        features: Of the pictures, (B, d_clip).
        examples: Their posts.
        samples: K, captions of each picture.
        max_tokens: Of the longest caption.

    Returns:
        Token ids, (B * K, T), those of a picture one after another; the end of text follows a caption that has ended.
    """
    model: Any = captioner.language_model
    head = model.get_output_embeddings()
    inputs, mask = prompt_batch(captioner, features, examples)
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    cache = DynamicCache()

    def read(inputs: Tensor, mask: Tensor, positions: Tensor) -> Tensor:
        return model.base_model(
            inputs_embeds=inputs, attention_mask=mask, position_ids=positions, past_key_values=cache, use_cache=True
        )[0][:, -1]

    hidden = read(inputs, mask, positions).repeat_interleave(samples, 0)  # (B * K, d)
    cache.batch_repeat_interleave(samples)
    mask, positions = mask.repeat_interleave(samples, 0), positions[:, -1:].repeat_interleave(samples, 0)
    ended = torch.zeros(len(hidden), dtype=torch.bool, device=hidden.device)
    tokens: list[Tensor] = []
    while len(tokens) < max_tokens:
        said = head(hidden).float()  # (B * K, V)
        token = (said + gumbel_noise(said)).argmax(-1).masked_fill(ended, captioner.end)
        tokens.append(token)
        ended = ended | (token == captioner.end)
        if bool(ended.all()) or len(tokens) == max_tokens:
            break
        mask, positions = torch.cat([mask, mask.new_ones(len(mask), 1)], 1), positions + 1
        hidden = read(captioner.embedding(token)[:, None], mask, positions)
    return torch.stack(tokens, 1)


def caption_log_likelihoods(
    captioner: PrefixCaptioner, features: Tensor, examples: list[Example], tokens: Tensor
) -> tuple[Tensor, Tensor]:
    """How likely a captioner is to draw given captions, with gradients.

    Args:
        captioner: The captioner.
        features: Of the pictures, (N, d_clip).
        examples: Their posts.
        tokens: Token ids of the captions, (N, T), as :func:`sample_tokens` gives them.

    Returns:
        log p of each caption in nats, and its number of tokens; both (N,). The end counts where it was drawn,
        and not where a caption was cut off.
    """
    rows, end = tokens.tolist(), captioner.end
    written = [row[: row.index(end)] if end in row else row for row in rows]
    with_captions = [Example(e.text, ids) for e, ids in zip(examples, written, strict=True)]
    losses, owners = captioner.token_losses(features, with_captions)
    last = torch.ones_like(owners, dtype=torch.bool)
    last[:-1] = owners[1:] != owners[:-1]
    drew_end = torch.tensor([end in row for row in rows], device=owners.device)
    counted = (~last | drew_end[owners]).to(losses.dtype)
    nothing = torch.zeros(len(rows), device=losses.device)
    return nothing.index_add(0, owners, -losses * counted), nothing.index_add(0, owners, counted)
