"""Read and change what a text encoder computes half-way: interchange interventions in a rotated subspace.

A *site* is the residual stream after one block of CLIP's text encoder, at the token that the
encoder pools (the end of text). :class:`altlib.models.text_tower.TextTower` runs the encoder up to
a site and on from it; :class:`RotatedSubspace` swaps a part of what it finds there (CLIP paper,
appendix A).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from altlib.models.text_tower import TextTower, read

PATHS = ("none", "through", "around")


@dataclass(frozen=True)
class Site:
    """Where to intervene.

    Attributes:
        layer: After this block, from 0.
        size: In so many of the first rotated coordinates.
    """

    layer: int
    size: int

    def check(self, tower: TextTower) -> None:
        """Check that a text encoder has the site.

        Raises:
            ValueError: It has no such layer, or is narrower than the subspace.
        """
        if not 0 <= self.layer < len(tower.blocks):
            raise ValueError(
                f"layer {self.layer} does not exist: the text encoder has layers 0 to {len(tower.blocks) - 1}"
            )
        if not 1 <= self.size <= tower.width:
            raise ValueError(f"a subspace of size {self.size} does not fit: the text encoder is {tower.width} wide")


def write(x: Tensor, positions: Tensor, value: Tensor) -> Tensor:
    """A copy of the residual stream with the activation at one position of each row replaced.

    Gradients flow through both the stream and the new value.

    Args:
        x: (B, T, d).
        positions: (B,).
        value: (B, d).
    """
    return x.index_put((torch.arange(len(x), device=x.device), positions), value)


class Rotation(nn.Module):
    """A square matrix applied to the last dimension; kept orthogonal by torch's parametrization."""

    def __init__(self, width: int):
        super().__init__()
        weight = torch.empty(width, width)
        nn.init.orthogonal_(weight)
        self.weight = nn.Parameter(weight)

    def forward(self, x: Tensor) -> Tensor:
        """Rotate the last dimension, (..., d) -> (..., d)."""
        return x @ self.weight


class RotatedSubspace(nn.Module):
    """A linear subspace Z of an activation: the first coordinates after a learned rotation.

    Args:
        width: Size d of the activation.
        size: Size k of the subspace.
        seed: Of the first rotation.
    """

    def __init__(self, width: int, size: int, seed: int = 0):
        super().__init__()
        self.size = size
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.rotate = parametrizations.orthogonal(Rotation(width))

    @property
    def rotation(self) -> Tensor:
        """The orthogonal matrix, (d, d); its first ``size`` columns span Z."""
        return cast(Tensor, self.rotate.weight)

    def forward(self, base: Tensor, source: Tensor) -> Tensor:
        r"""The distributed interchange intervention (CLIP paper, section 3 and appendix A).

        .. math:: [(s R)_{1 \dots k}, (b R)_{k + 1 \dots d}] R^T

        Args:
            base: Activations, (B, d).
            source: Activations whose part in Z is put in the place of the base's, (B, d).

        Returns:
            (B, d).
        """
        rotation = self.rotation
        swapped = torch.cat([(source @ rotation)[..., : self.size], (base @ rotation)[..., self.size :]], dim=-1)
        return swapped @ rotation.T

    def split(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The part of an activation inside Z and the rest, which add up to it, (..., d) -> 2 x (..., d)."""
        basis = self.rotation[:, : self.size]  # (d, k)
        inside = (x @ basis) @ basis.T
        return inside, x - inside


def mediate(x: Tensor, positions: Tensor, subspace: RotatedSubspace, path: str) -> Tensor:
    """The same residual stream, through which gradients flow only on one path (CLIP paper, appendix E).

    Values do not change. The gradients of ``through`` and ``around`` add up to that of ``none``.

    Args:
        x: The residual stream at the site, (B, T, d).
        positions: Of the pooled tokens, (B,).
        subspace: Z.
        path: ``none`` lets all gradients pass, ``through`` only those of the pooled token's part
            inside Z, ``around`` all but those.

    Raises:
        ValueError: There is no such path.
    """
    if path not in PATHS:
        raise ValueError(f"unknown path {path!r}; known: {', '.join(PATHS)}")
    if path == "none":
        return x
    inside, outside = subspace.split(read(x, positions))
    if path == "through":
        return write(x.detach(), positions, inside + outside.detach())
    return write(x, positions, inside.detach() + outside)
