"""CLIP's text encoder in steps that can be stopped half-way, and its attention as four linear layers."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def read(x: Tensor, positions: Tensor) -> Tensor:
    """The activation at one token position of each row, (B, T, d), (B,) -> (B, d)."""
    return x[torch.arange(len(x), device=x.device), positions]


class SplitAttention(nn.Module):
    """Self-attention with separate projections, equal to the ``nn.MultiheadAttention`` that it is made from.

    torch fuses query, key and value into one matrix, on which LoRA can neither choose query and
    value alone nor use dropout; apart, they are four linear layers like any other.
    """

    def __init__(self, fused: nn.MultiheadAttention):
        super().__init__()
        self.heads = fused.num_heads
        width = fused.embed_dim
        self.q_proj, self.k_proj, self.v_proj, self.out_proj = (nn.Linear(width, width) for _ in range(4))
        parts = zip(fused.in_proj_weight.detach().chunk(3), fused.in_proj_bias.detach().chunk(3), strict=True)
        for projection, (weight, bias) in zip((self.q_proj, self.k_proj, self.v_proj), parts, strict=True):
            projection.load_state_dict({"weight": weight, "bias": bias})
        self.out_proj.load_state_dict(fused.out_proj.state_dict())

    def forward(
        self, query: Tensor, key: Tensor, value: Tensor, need_weights: bool = False, attn_mask: Tensor | None = None
    ) -> tuple[Tensor, None]:
        """Attention of queries to keys and values, as ``nn.MultiheadAttention`` with ``batch_first``.

        Args:
            query: (B, Q, d).
            key: (B, T, d).
            value: (B, T, d).
            need_weights: Not used; open_clip passes it.
            attn_mask: Added to the scores, or True where a query may look; broadcast to (B, heads, Q, T).

        Returns:
            (B, Q, d), and None in place of the weights.
        """
        q, k, v = (
            part(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)  # (B, heads, T, d / heads)
            for part, x in ((self.q_proj, query), (self.k_proj, key), (self.v_proj, value))
        )
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=attn_mask)
        return self.out_proj(mixed.transpose(1, 2).flatten(2)), None


def split_attention(transformer: Any) -> None:
    """Replace the attention of every residual block by :class:`SplitAttention`."""
    for block in transformer.resblocks:
        if isinstance(block.attn, nn.MultiheadAttention):
            block.attn = SplitAttention(block.attn)


class TextTower:
    """The text encoder of an open_clip model, in steps that can be stopped at a site.

    Works on ``open_clip.CLIP`` and on models with a separate ``TextTransformer``. Padding after
    the longest text of a batch is not computed.

    Raises:
        ValueError: The text encoder is of another kind: it has no residual blocks, is not causal, or
            has a class token.
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
        self.pool = getattr(text, "text_pool_type", None) or getattr(text, "pool_type", "argmax")

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
        """The residual stream after some blocks, (B, T, d) -> (B, T, d).

        Args:
            x: The residual stream before them.
            start: The first block, from 0.
            stop: The block after the last one.
        """
        mask = self.text.attn_mask[: x.shape[1], : x.shape[1]]
        for block in self.blocks[start:stop]:
            x = block(x, attn_mask=mask)
        return x

    def last_block(self, x: Tensor, positions: Tensor) -> Tensor:
        """The last block for the pooled tokens alone, because nobody reads the others.

        Args:
            x: The residual stream before the block, (B, T, d).
            positions: Of the pooled tokens, (B,).

        Returns:
            (B, d).
        """
        from open_clip.transformer import ResidualAttentionBlock

        block = self.blocks[-1]
        if not isinstance(block, ResidualAttentionBlock):
            return read(self.run(x, len(self.blocks) - 1, len(self.blocks)), positions)
        normed = block.ln_1(x)
        query = read(normed, positions)[:, None]  # (B, 1, d)
        hidden = torch.arange(x.shape[1], device=x.device) > positions[:, None]  # (B, T)
        if isinstance(block.attn, SplitAttention):
            mixed, _ = block.attn(query, normed, normed, attn_mask=~hidden[:, None, None])
        else:
            mixed, _ = block.attn(query, normed, normed, need_weights=False, key_padding_mask=hidden)
        pooled = read(x, positions) + block.ls_1(mixed[:, 0])
        return pooled + block.ls_2(block.mlp(block.ln_2(pooled)))

    def upto(self, embedded: Tensor, layer: int) -> Tensor:
        """The residual stream after a block, from token embeddings, (B, T, d) -> (B, T, d).

        Args:
            embedded: Token embeddings without positions.
            layer: Number of the block; -1 stops before all blocks.
        """
        return self.run(embedded + self.text.positional_embedding[: embedded.shape[1]], 0, layer + 1)

    def onwards(self, x: Tensor, layer: int, positions: Tensor) -> Tensor:
        """Unit-length text embeddings from the residual stream after a block.

        Args:
            x: The residual stream, (B, T, d).
            layer: Number of the block after which it was read; -1 means before all blocks.
            positions: Of the pooled tokens, (B,).

        Returns:
            (B, width).
        """
        last = len(self.blocks) - 1
        pooled = self.last_block(self.run(x, layer + 1, last), positions) if layer < last else read(x, positions)
        x = self.text.ln_final(pooled)  # (B, d)
        projection = self.text.text_projection
        if isinstance(projection, nn.Linear):
            x = projection(x)
        elif projection is not None:
            x = x @ projection
        return F.normalize(x, dim=-1)

    def __call__(self, tokens: Tensor) -> Tensor:
        """Unit-length text embeddings without any intervention, (B, T) -> (B, width)."""
        tokens = self.crop(tokens)
        return self.onwards(self.upto(self.embed(tokens), -1), -1, self.pooled(tokens))
