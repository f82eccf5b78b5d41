"""Read and change what a text encoder computes half-way: interchange interventions in a rotated subspace.

A *site* is the residual stream after one block of CLIP's text encoder at the token that the
encoder pools (the end of text). :class:`TextTower` runs the encoder up to a site and on from it;
:class:`RotatedSubspace` swaps part of what it finds there (CLIP paper, appendix A).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrizations

PATHS = ("none", "through", "around")


@dataclass(frozen=True)
class Site:
    """Where to intervene: after block ``layer`` (zero-based), in the first ``size`` rotated coordinates."""

    layer: int
    size: int


class TextTower:
    """The text encoder of an open_clip model, in steps that can be stopped at a site.

    Works on ``open_clip.CLIP`` and on models with a separate ``TextTransformer``. Padding after
    the longest text of a batch is not computed. Raises ``ValueError`` for a text encoder of
    another kind (no residual blocks, not causal, or with a class token).
    """

    def __init__(self, model: Any):
        text = model.text if hasattr(model, "text") else model
        if (
            not hasattr(text, "transformer")
            or not hasattr(text.transformer, "resblocks")
            or getattr(text, "attn_mask", None) is None
            or getattr(text, "cls_emb", None) is not None
        ):
            raise ValueError(
                "interventions need a causal open_clip text encoder without a class token; "
                f"{type(text).__name__} is of another kind"
            )
        self.text = text
        self.blocks = text.transformer.resblocks
        self.width: int = text.positional_embedding.shape[1]
        self.context: int = text.positional_embedding.shape[0]
        self.pool = getattr(text, "text_pool_type", None) or getattr(text, "pool_type", "argmax")

    def check(self, site: Site) -> None:
        """Raise ``ValueError`` if the encoder has no such layer or subspace size."""
        if not 0 <= site.layer < len(self.blocks):
            raise ValueError(
                f"layer {site.layer} does not exist: the text encoder has layers 0 to {len(self.blocks) - 1}"
            )
        if not 1 <= site.size <= self.width:
            raise ValueError(f"a subspace of size {site.size} does not fit: the text encoder is {self.width} wide")

    def pooled(self, tokens: Tensor) -> Tensor:
        """Position of the token that the encoder pools, (B, T) -> (B,)."""
        if self.pool == "eos":
            return (tokens == self.text.text_eos_id).int().argmax(-1)
        return tokens.argmax(-1)

    def crop(self, tokens: Tensor) -> Tensor:
        """The tokens without the columns that are padding in every row."""
        return tokens[:, : int(self.pooled(tokens).max()) + 1]

    def embed(self, tokens: Tensor) -> Tensor:
        """Token embeddings without positions, (B, T) -> (B, T, d)."""
        return self.text.token_embedding(tokens)

    def run(self, x: Tensor, start: int, stop: int) -> Tensor:
        """Blocks ``start`` to ``stop`` (exclusive) on the residual stream, (B, T, d) -> (B, T, d)."""
        mask = self.text.attn_mask[: x.shape[1], : x.shape[1]]
        for block in self.blocks[start:stop]:
            x = block(x, attn_mask=mask)
        return x

    def upto(self, embedded: Tensor, layer: int) -> Tensor:
        """The residual stream after block ``layer``, from token embeddings, (B, T, d) -> (B, T, d)."""
        return self.run(embedded + self.text.positional_embedding[: embedded.shape[1]], 0, layer + 1)

    def onwards(self, x: Tensor, layer: int, positions: Tensor) -> Tensor:
        """Unit-length text embeddings from the residual stream after block ``layer``, (B, T, d) -> (B, width)."""
        x = self.run(x, layer + 1, len(self.blocks))
        x = self.text.ln_final(x[torch.arange(len(x), device=x.device), positions])  # (B, d)
        projection = self.text.text_projection
        if isinstance(projection, nn.Linear):
            x = projection(x)
        elif projection is not None:
            x = x @ projection
        return F.normalize(x, dim=-1)

    def __call__(self, tokens: Tensor) -> Tensor:
        """Unit-length text embeddings without any intervention, (B, T) -> (B, width)."""
        tokens = self.crop(tokens)
        last = len(self.blocks) - 1
        return self.onwards(self.upto(self.embed(tokens), last), last, self.pooled(tokens))


def read(x: Tensor, positions: Tensor) -> Tensor:
    """The activation at a token position of each row, (B, T, d), (B,) -> (B, d)."""
    return x[torch.arange(len(x), device=x.device), positions]


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
