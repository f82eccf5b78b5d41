"""A captioner that reads only the first vectors of its prefix, to see how much of a picture each of them carries."""

from __future__ import annotations

import copy
import dataclasses

from torch import Tensor, nn

from altlib.models.captioner import PrefixCaptioner


class FirstVectors(nn.Module):
    """The first vectors of a mapping network's prefix.

    Args:
        mapper: The mapping network.
        length: How many of its vectors are kept.
    """

    def __init__(self, mapper: nn.Module, length: int):
        super().__init__()
        self.mapper, self.length = mapper, length

    def forward(self, features: Tensor) -> Tensor:
        """The shortened prefix of each picture, (B, d_clip) -> (B, length, d_lm)."""
        return self.mapper(features)[:, : self.length]


def with_first_vectors(captioner: PrefixCaptioner, length: int) -> PrefixCaptioner:
    """The same captioner, which sees a picture only through the first vectors of its prefix.

    It was trained with all of them, so its texts are not those of a captioner with a shorter prefix.

    Args:
        captioner: The captioner; it keeps its own prefix.
        length: From 0, which hides the picture, to the captioner's prefix length.

    Returns:
        A captioner that shares all weights with ``captioner``.

    Raises:
        ValueError: The prefix has fewer vectors than that.
    """
    if not 0 <= length <= captioner.prefix_length:
        raise ValueError(f"the prefix has {captioner.prefix_length} vectors; {length} of them cannot be read")
    if captioner.mapper is None:
        return captioner
    shorter = copy.copy(captioner)
    shorter._modules = dict(captioner._modules)  # a shallow copy would share this, and replace the mapper of both
    shorter.config = dataclasses.replace(captioner.config, prefix_length=length)
    shorter.mapper = FirstVectors(captioner.mapper, length)
    return shorter
