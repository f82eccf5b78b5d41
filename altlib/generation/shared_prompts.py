"""Attention of beams that share a prompt: its keys and values are kept once, and all beams of a picture read them at once.

One position at a time, attention spends its time on reading keys and values. With k beams for each
picture, those of the prompt are the same k times. Here the k beams are k queries of one matrix
product with the prompt, and a second product attends to the tokens that each beam has generated
itself; one softmax goes over both.

The language models of :data:`SHARING` read keys and values through transformers' attention
interface and add nothing to the scores, so their results are the same but for rounding. All others
keep a copy of the prompt for each beam (:mod:`altlib.generation.beam_cache`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from transformers.cache_utils import Cache
from transformers.modeling_utils import AttentionInterface

from altlib.generation.beam_cache import BeamLayer

SHARING = ("gpt2", "llama", "qwen2")  # types of models
NAME = "altlib_shared_prompts"  # of the attention, in transformers


class SharedPromptLayer(BeamLayer):
    """Keys and values of one layer: those of prompts once for each picture, those of generated tokens for each beam."""

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        """Append new states: first those of the prompts, then those of one generated token after the other.

        Args:
            key_states: (rows, heads, new, d).
            value_states: (rows, heads, new, d).
            args: Not used; transformers passes more.
            kwargs: Not used.

        Returns:
            The keys and values of the prompts, or those of all generated tokens, (rows, heads, length, d).
        """
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
            self.prompt_keys, self.prompt_values = key_states, value_states
            self.length = self.prompt = key_states.shape[-2]
            return key_states, value_states
        self.length += 1
        keys, values = self.generated(self.keys), self.generated(self.values)
        keys[..., -1:, :], values[..., -1:, :] = key_states, value_states
        return keys, values

    def generated(self, states: Tensor) -> Tensor:
        """The generated positions of keys or values, a view (rows, heads, n, d)."""
        return states[..., : self.length - self.prompt, :]

    def fan_out(self, beams: int, room: int) -> None:
        """Give every picture ``beams`` rows with room for generated positions.

        Args:
            beams: Rows per picture.
            room: Generated positions.
        """
        pictures, heads, _, width = self.prompt_keys.shape
        self.beams = beams
        self.keys = self.prompt_keys.new_empty(pictures * beams, heads, room, width)
        self.values = self.prompt_values.new_empty(pictures * beams, heads, room, width)

    def keep(self, rows: Tensor) -> None:
        """Drop all rows but ``rows``, which are all beams of some pictures."""
        super().keep(rows)
        pictures = rows[:: self.beams] // self.beams
        self.prompt_keys = self.prompt_keys.index_select(0, pictures)
        self.prompt_values = self.prompt_values.index_select(0, pictures)


class SharedPromptCache(Cache):
    """One :class:`SharedPromptLayer` per layer of the language model."""

    def __init__(self) -> None:
        super().__init__(layer_class_to_replicate=SharedPromptLayer)
        self.layers: Any


def attend(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    beam_cache: SharedPromptCache | None = None,
    prompt_mask: Tensor | None = None,
    **kwargs: Any,
) -> tuple[Tensor, None]:
    """One generated position of every beam attends to its prompt and to its own generated positions.

    Args:
        module: The attention of one layer.
        query: (rows, heads, 1, d); the beams of a picture follow each other.
        key: Of generated positions, (rows, key heads, n, d).
        value: Of generated positions, (rows, key heads, n, d).
        attention_mask: Not used.
        scaling: Of the scores; 1 / sqrt(d) by default.
        beam_cache: Holds the prompts.
        prompt_mask: Whether each position of a prompt counts, (pictures, L) bool; all do by default.
        kwargs: Not used; transformers passes more.

    Returns:
        (rows, 1, heads, d), and no weights.
    """
    assert beam_cache is not None
    layer = beam_cache.layers[module.layer_idx]
    rows, heads, _, d = query.shape
    k, key_heads = layer.beams, key.shape[1]
    group = heads // key_heads  # query heads that share a key head
    scale = d**-0.5 if scaling is None else scaling
    own = (query * scale).view(rows, key_heads, group, d)
    together = own.view(-1, k, key_heads, group, d).transpose(1, 2).reshape(-1, key_heads, k * group, d)
    to_prompt = together @ layer.prompt_keys.transpose(-1, -2)  # (P, key heads, k group, L)
    if prompt_mask is not None:
        to_prompt = to_prompt.masked_fill(~prompt_mask[:, None, None], float("-inf"))
    to_own = own @ key.contiguous().transpose(-1, -2)  # (rows, key heads, group, n)
    pictures, length = len(to_prompt), to_prompt.shape[-1]
    to_own = to_own.view(pictures, k, key_heads, group, -1).transpose(1, 2).reshape(pictures, key_heads, k * group, -1)
    weights = torch.cat([to_prompt, to_own], -1).float().softmax(-1).to(query.dtype)
    from_prompt = weights[..., :length] @ layer.prompt_values  # (P, key heads, k group, d)
    by_row = weights[..., length:].view(pictures, key_heads, k, group, -1).transpose(1, 2)
    from_own = by_row.reshape(rows, key_heads, group, -1) @ value.contiguous()  # (rows, key heads, group, d)
    shared = from_prompt.view(pictures, key_heads, k, group, d).transpose(1, 2).reshape(rows, heads, d)
    return (shared + from_own.view(rows, heads, d))[:, None], None


AttentionInterface.register(NAME, attend)


@contextlib.contextmanager
def sharing(model: Any) -> Iterator[None]:
    """Let a language model attend by :func:`attend`, until the end."""
    before = model.config._attn_implementation
    model.set_attn_implementation(NAME)
    try:
        yield
    finally:
        model.set_attn_implementation(before)
