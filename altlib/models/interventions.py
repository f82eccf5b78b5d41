"""Read and change what a text encoder computes half-way: interchange interventions in a rotated subspace.

A *site* is the residual stream after one block of CLIP's text encoder at the token that the
encoder pools (the end of text). :class:`altlib.models.text_tower.TextTower` runs the encoder up to a
site and on from it; :class:`RotatedSubspace` swaps part of what it finds there (CLIP paper, appendix A).
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
    """Where to intervene: after block ``layer`` (zero-based), in the first ``size`` rotated coordinates."""

    layer: int
    size: int

    def check(self, tower: TextTower) -> None:
        """Raise ``ValueError`` if the encoder has no such layer or subspace size."""
        if not 0 <= self.layer < len(tower.blocks):
            raise ValueError(
                f"layer {self.layer} does not exist: the text encoder has layers 0 to {len(tower.blocks) - 1}"
            )
        if not 1 <= self.size <= tower.width:
            raise ValueError(f"a subspace of size {self.size} does not fit: the text encoder is {tower.width} wide")


def write(x: Tensor, positions: Tensor, value: Tensor) -> Tensor:
    """A copy of ``x`` with the activation at a position of each row replaced; gradients flow through both."""
    return x.index_put((torch.arange(len(x), device=x.device), positions), value)


class Rotation(nn.Module):
    """A square matrix applied to the last dimension; kept orthogonal by torch's parametrization."""

    def __init__(self, width: int):
        super().__init__()
        weight = torch.empty(width, width)
        nn.init.orthogonal_(weight)
        self.weight = nn.Parameter(weight)

    def forward(self, x: Tensor) -> Tensor:
        """(..., d) -> (..., d)."""
        return x @ self.weight


class RotatedSubspace(nn.Module):
    """A linear subspace Z of an activation: the first ``size`` coordinates after a learned rotation.

    ``forward(base, source)`` is the distributed interchange intervention: ``base`` with its part
    in Z replaced by that of ``source`` (CLIP paper, section 3 and appendix A).
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
        """(B, d), (B, d) -> (B, d)."""
        rotation = self.rotation
        swapped = torch.cat([(source @ rotation)[..., : self.size], (base @ rotation)[..., self.size :]], dim=-1)
        return swapped @ rotation.T

    def split(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The part of an activation inside Z and the rest; they add up to it, (..., d) -> 2 x (..., d)."""
        basis = self.rotation[:, : self.size]  # (d, k)
        inside = (x @ basis) @ basis.T
        return inside, x - inside

    @torch.no_grad()
    def set_rotation(self, weight: Tensor) -> None:
        """Use this orthogonal matrix, (d, d)."""
        self.rotate.weight = weight


def mediate(x: Tensor, positions: Tensor, subspace: RotatedSubspace, path: str) -> Tensor:
    """The same residual stream, through which gradients flow only on some path (CLIP paper, appendix E).

    ``none`` lets all pass; ``through`` only the part of the pooled token inside Z; ``around``
    all but that part. Values do not change; the gradients of the latter two add up to the first.
    """
    if path not in PATHS:
        raise ValueError(f"unknown path {path!r}; known: {', '.join(PATHS)}")
    if path == "none":
        return x
    inside, outside = subspace.split(read(x, positions))
    if path == "through":
        return write(x.detach(), positions, inside + outside.detach())
    return write(x, positions, inside.detach() + outside)
