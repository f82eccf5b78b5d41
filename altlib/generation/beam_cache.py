"""A key/value cache for beam search: prompts are kept once and in place, only generated tokens follow the beams."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from transformers.cache_utils import Cache, DynamicLayer


class BeamLayer(DynamicLayer):
    """Keys and values of one layer: the prompt's stay in place, those of generated tokens follow the beams."""

    keys: Any
    values: Any

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        """Start empty, in the type and on the device of the first states."""
        self.dtype, self.device = key_states.dtype, key_states.device
        self.keys, self.values = key_states[..., :0, :], value_states[..., :0, :]
        self.length = self.prompt = 0
        self.is_initialized = True

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        """Append new states.

        Args:
            key_states: (rows, heads, new, d).
            value_states: (rows, heads, new, d).
            args: Not used; transformers passes more.
            kwargs: Not used.

        Returns:
            All keys and values that are attended to, (rows, heads, length, d).
        """
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        new = key_states.shape[-2]
        if self.length == 0:
            self.keys, self.values = key_states, value_states
        else:
            self.keys[..., self.length : self.length + new, :] = key_states
            self.values[..., self.length : self.length + new, :] = value_states
        self.length += new
        return self.keys[..., : self.length, :], self.values[..., : self.length, :]

    def get_seq_length(self) -> int:
        """Positions held."""
        return self.length if self.is_initialized else 0

    def fan_out(self, beams: int, room: int) -> None:
        """Give every row copies of its prompt and room for more positions.

        Args:
            beams: Copies per row.
            room: New positions.
        """
        self.prompt = self.length
        for name in ("keys", "values"):
            prompt = getattr(self, name)
            rows, heads, length, width = prompt.shape
            wide = prompt.new_empty(rows * beams, heads, length + room, width)
            wide.view(rows, beams, heads, length + room, width)[..., :length, :] = prompt[:, None]
            setattr(self, name, wide)

    def follow(self, rows: Tensor) -> None:
        """Make the generated positions of row i those of row ``rows[i]``, a beam of the same picture."""
        moved = (rows != torch.arange(len(rows), device=rows.device)).nonzero().flatten()
        for generated in map(self.generated, (self.keys, self.values)):
            generated.index_copy_(0, moved, generated.index_select(0, rows[moved]))

    def generated(self, states: Tensor) -> Tensor:
        """The generated positions of keys or values, a view (rows, heads, n, d)."""
        return states[..., self.prompt : self.length, :]

    def keep(self, rows: Tensor) -> None:
        """Drop all rows but ``rows``."""
        self.keys, self.values = self.keys.index_select(0, rows), self.values.index_select(0, rows)


class BeamCache(Cache):
    """One :class:`BeamLayer` per layer of the language model."""

    def __init__(self) -> None:
        super().__init__(layer_class_to_replicate=BeamLayer)
        self.layers: Any
