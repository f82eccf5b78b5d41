"""Log-probabilities of many responses in one pass, in which what they share is computed once.

The combinations of a preference example differ in few parts: two pictures, each followed by up to
two posts, each followed by up to two responses. They are laid out as trees, one row per picture::

    picture ++ post 1 ++ response 1 ++ response 2 ++ post 2 ++ response 1 ++ response 2

A token attends to those on its own path from the root alone, and its position is its distance from
the root. So every response has the log-probability that it has by itself, while pictures and posts
are read, and learned from, once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True)
class Branch:
    """What follows a picture.

    Attributes:
        context: Token ids of the post, up to the token whose successor is the response; one or more.
        responses: Token ids of each response, with the end of text.
    """

    context: list[int]
    responses: list[list[int]]


@dataclass(frozen=True)
class Tree:
    """A picture with all that follows it.

    Attributes:
        trunk: Input embeddings of the picture and whatever stands before it, (k, d).
        branches: One per post.
    """

    trunk: Tensor
    branches: list[Branch]


@dataclass
class Layout:
    """Where everything of a tree stands in its row.

    Attributes:
        ids: Token ids of the positions after the trunk.
        depth: Distance from the root of each of these positions.
        branch: Number of the branch of each.
        leaf: Number of the response of each, -1 in a post.
        reads: Positions in the row whose successor is predicted.
        targets: Token ids of these successors.
        owners: Number of the response that each belongs to.
        responses: How many there are.
    """

    ids: list[int]
    depth: list[int]
    branch: list[int]
    leaf: list[int]
    reads: list[int]
    targets: list[int]
    owners: list[int]
    responses: int = 0

    def add(self, ids: list[int], depth: int, branch: int, leaf: int) -> None:
        """Append a part of the tree."""
        self.ids += ids
        self.depth += range(depth, depth + len(ids))
        self.branch += [branch] * len(ids)
        self.leaf += [leaf] * len(ids)


def lay_out(trunk: int, branches: Sequence[Branch]) -> Layout:
    """The layout of a tree whose trunk has ``trunk`` positions."""
    row = Layout([], [], [], [], [], [], [])
    for number, branch in enumerate(branches):
        row.add(branch.context, trunk, number, -1)
        last = trunk + len(row.ids) - 1
        for response in branch.responses:
            first = trunk + len(row.ids)
            row.add(response, trunk + len(branch.context), number, row.responses)
            row.reads += [last, *range(first, first + len(response) - 1)]
            row.targets += response
            row.owners += [row.responses] * len(response)
            row.responses += 1
    return row


def tree_mask(branch: Tensor, leaf: Tensor) -> Tensor:
    """Which positions each position attends to.

    Args:
        branch: Number of each position's branch, (R, T); -1 in the trunk, -2 in padding.
        leaf: Number of each position's response, (R, T); -1 outside of responses.

    Returns:
        (R, 1, T, T) bool, true from the second-last to the last axis.
    """
    length = branch.shape[1]
    causal = torch.ones(length, length, dtype=torch.bool, device=branch.device).tril()
    same_branch = (branch[:, None] == -1) | (branch[:, None] == branch[..., None])
    same_leaf = (leaf[:, None] == -1) | (leaf[:, None] == leaf[..., None])
    # A position without anything to attend to would become NaN, so each attends to itself.
    itself = torch.eye(length, dtype=torch.bool, device=branch.device)
    return ((causal & same_branch & same_leaf) | itself)[:, None]


def as_the_model_reads(mask: Tensor, model: Any, dtype: torch.dtype) -> Tensor:
    """A boolean mask in the form that the model's attention takes.

    Raises:
        ValueError: The model's attention reads no mask of its own.
    """
    implementation = model.config._attn_implementation
    if implementation == "sdpa":
        return mask
    if implementation == "eager":
        return torch.zeros(mask.shape, dtype=dtype, device=mask.device).masked_fill(~mask, torch.finfo(dtype).min)
    raise ValueError(
        f"responses that share a prompt need the attention sdpa or eager; the language model has {implementation}"
    )


def padded(rows: Sequence[Sequence[int]], before: Sequence[int], length: int, fill: int, trunk: int) -> Tensor:
    """Rows of numbers of equal length: ``trunk`` at the trunk's positions, ``fill`` at the end, (R, length)."""
    return torch.tensor(
        [[trunk] * k + list(row) + [fill] * (length - k - len(row)) for k, row in zip(before, rows, strict=True)]
    )


def tree_log_probabilities(model: Any, head: Any, trees: Sequence[Tree], padding: int) -> Tensor:
    """log p of every response, in nats, summed over its tokens.

    Args:
        model: A causal transformer without its output layer.
        head: The output layer, from hidden states to logits.
        trees: Pictures with posts and responses.
        padding: Any token id.

    Returns:
        (number of all responses,), in the order of trees, branches and responses.
    """
    embedding = model.get_input_embeddings()
    device = embedding.weight.device
    before = [len(tree.trunk) for tree in trees]
    rows = [lay_out(k, tree.branches) for k, tree in zip(before, trees, strict=True)]
    length = max(k + len(row.ids) for k, row in zip(before, rows, strict=True))
    ids = padded([row.ids for row in rows], before, length, padding, padding).to(device)
    branch = padded([row.branch for row in rows], before, length, -2, -1).to(device)
    leaf = padded([row.leaf for row in rows], before, length, -1, -1).to(device)
    depth = padded([row.depth for row in rows], before, length, 0, 0).to(device)
    where = torch.arange(length, device=device)
    in_trunk = where < torch.tensor(before, device=device)[:, None]  # (R, T)
    depth = torch.where(in_trunk, where, depth)
    trunks = torch.stack([F.pad(tree.trunk, (0, 0, 0, length - len(tree.trunk))) for tree in trees])
    embedded = embedding(ids)
    embedded = torch.where(in_trunk[..., None], trunks.to(embedded.dtype), embedded)  # (R, T, d)
    mask = as_the_model_reads(tree_mask(branch, leaf), model, embedded.dtype)
    hidden = model(inputs_embeds=embedded, attention_mask=mask, position_ids=depth, use_cache=False)[0]
    reads = torch.tensor([r * length + i for r, row in enumerate(rows) for i in row.reads], device=device)
    targets = torch.tensor([target for row in rows for target in row.targets], device=device)
    owners, responses = [], 0
    for row in rows:
        owners += [responses + owner for owner in row.owners]
        responses += row.responses
    logits = head(hidden.flatten(0, 1)[reads]).float()  # (M, V)
    found = -F.cross_entropy(logits, targets, reduction="none")
    return torch.zeros(responses, device=device).index_add(0, torch.tensor(owners, device=device), found)
