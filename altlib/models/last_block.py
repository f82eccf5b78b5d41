"""A language model's hidden states where they are read; the last block computes nothing for other positions.

A captioner reads the last hidden states at the positions of the alt text, which are less than half
of all. The other outputs of the last block are not used (those of earlier blocks are keys and
values for what follows). Its queries, its output projection and its MLP, ten twelfths of its work,
are therefore left out for them. Losses and gradients stay the same.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F


def hidden_states_at(model: Any, embedded: Tensor, wanted: Tensor) -> Tensor:
    """Last hidden states at the wanted positions, in reading order.

    Models other than GPT-2 compute all positions first.

    Args:
        model: A causal transformer without its output layer.
        embedded: Its inputs, (B, T, d), padded at the end.
        wanted: Which positions are read, (B, T) bool.

    Returns:
        (M, d) for M wanted positions.
    """
    if not is_plain_gpt2(model):
        return model(inputs_embeds=embedded, use_cache=False)[0][wanted]
    positions = torch.arange(embedded.shape[1], device=embedded.device)
    x = model.drop(embedded + model.wpe(positions))
    for block in model.h[:-1]:
        x = block(x)  # causal without a mask
    return model.ln_f(block_at(model.h[-1], x, wanted))


def is_plain_gpt2(model: Any) -> bool:
    """Whether ``model`` is a ``GPT2Model`` of transformers in which no part was replaced."""
    from transformers import GPT2Model
    from transformers.pytorch_utils import Conv1D

    if type(model) is not GPT2Model or model.config.add_cross_attention:
        return False
    last: Any = model.h[-1]
    return model.config._attn_implementation == "sdpa" and type(last.attn.c_attn) is Conv1D  # causal without a mask


def block_at(block: Any, x: Tensor, wanted: Tensor) -> Tensor:
    """Output of a GPT-2 block at the wanted positions, (B, T, d), (B, T) bool -> (M, d)."""
    attention = block.attn
    width, heads = attention.embed_dim, attention.num_heads
    weight, bias = attention.c_attn.weight, attention.c_attn.bias  # (d, 3 d), (3 d,): queries, keys, values
    normed = block.ln_1(x)
    key, value = (
        torch.addmm(bias[width:], normed.flatten(0, 1), weight[:, width:])
        .view(*x.shape[:2], 2, heads, -1)
        .permute(2, 0, 3, 1, 4)  # 2 x (B, heads, T, d / heads)
    )
    query = torch.addmm(bias[:width], normed[wanted], weight[:, :width])  # (M, d)
    # Rows want different numbers of positions: queries go to the first slots of a row each.
    wanted_of_row = wanted.sum(1, keepdim=True)  # (B, 1)
    slots = int(wanted_of_row.max())
    used = torch.arange(slots, device=x.device) < wanted_of_row  # (B, Q)
    position = (~wanted).int().argsort(dim=1, stable=True)[:, :slots]  # (B, Q)
    visible = torch.arange(x.shape[1], device=x.device) <= position[..., None]  # (B, Q, T)
    queries = query.new_zeros(*used.shape, width)
    queries[used] = query
    mixed = F.scaled_dot_product_attention(
        queries.unflatten(2, (heads, -1)).transpose(1, 2),
        key,
        value,
        attn_mask=visible[:, None],
        dropout_p=attention.attn_dropout.p if attention.training else 0.0,
        scale=attention.scaling,
    )
    mixed = mixed.transpose(1, 2).flatten(2)[used]  # (M, d)
    y = x[wanted] + attention.resid_dropout(attention.c_proj(mixed))
    return y + block.mlp(block.ln_2(y))
