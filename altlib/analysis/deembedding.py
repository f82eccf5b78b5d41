"""Prefix de-embedding: the words that the vectors of a picture's prefix lie near (Twitter paper, section 3.1)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from altlib.core.progress import progress_bar
from altlib.core.statistics import derangement

TILE = 4096  # tokens on each side of a tile of distances
MOST_SCORES = 1 << 24  # similarities that are held at a time


@dataclass(frozen=True)
class NearestTokens:
    """The nearest tokens of every prefix vector.

    Attributes:
        ids: Token ids, nearest first, (n, k, top) on the CPU.
        similarity: Their cosine or dot product, (n, k, top) on the CPU.
    """

    ids: Tensor
    similarity: Tensor


@torch.inference_mode()
def nearest_tokens(
    prefix: Tensor, embedding: Tensor, top: int = 5, measure: str = "cosine", allowed: Tensor | None = None
) -> NearestTokens:
    """The tokens whose embeddings are nearest to each prefix vector.

    Args:
        prefix: (n, k, d).
        embedding: (V, d).
        top: How many.
        measure: ``cosine`` or ``dot product``.
        allowed: Which tokens may be chosen, (V,) bool; None allows all.

    Raises:
        ValueError: There is no such measure.
    """
    if measure == "cosine":
        prefix, embedding = F.normalize(prefix, dim=-1), F.normalize(embedding, dim=-1)
    elif measure != "dot product":
        raise ValueError(f"unknown measure {measure!r}; known: cosine, dot product")
    found = []
    pictures = max(1, MOST_SCORES // (prefix.shape[1] * len(embedding)))
    for part in prefix.split(min(64, pictures)):
        scores = part @ embedding.T  # (b, k, V)
        if allowed is not None:
            scores = scores.masked_fill(~allowed.to(scores.device), -torch.inf)
        found.append(scores.topk(top, dim=-1))
    return NearestTokens(torch.cat([f.indices for f in found]).cpu(), torch.cat([f.values for f in found]).cpu())


def token_words(tokenizer: Any, size: int) -> list[str]:
    """Every token of a vocabulary as text, without spaces around it."""
    return [tokenizer.decode([i]).strip() for i in range(size)]


def word_tokens(words: list[str], least: int = 3) -> Tensor:
    """Which tokens are words or pieces of words of at least ``least`` letters, (V,) bool."""
    return torch.tensor([len(w) >= least and w.isalpha() for w in words])


STOP_WORDS = frozenset(
    """
    the and with for that this there from here you can has have are was were its his her their our your not but all
    any one two three four who which what when where into onto over under other some such more most very just at in
    on of to is it be as by an or a left right side picture photo photograph image showing shows shown seen
    background words text placed stands stand can see
""".split()
)


def content_words(text: str) -> set[str]:
    """Lower-case words of a text that say something about what is shown."""
    return {w for w in re.findall(r"[a-z]{3,}", text.lower()) if w not in STOP_WORDS}


def names_picture(token: str, words: set[str]) -> bool:
    """Whether a token is one of the words or a piece of at least four letters that begins one."""
    token = token.lower()
    return token in words or (len(token) >= 4 and any(w.startswith(token) for w in words))


def naming_rates(
    ids: Tensor, vocabulary: list[str], words: list[set[str]], seed: int, rounds: int = 200
) -> dict[str, np.ndarray]:
    """How often the nearest tokens name what is in the picture, against chance, at each position of the prefix.

    Chance is found by comparing the same tokens with another picture's words.

    Args:
        ids: Nearest tokens, (n, k, top).
        vocabulary: Every token as text.
        words: Content words of each of the n pictures.
        seed: Of the random pairings.
        rounds: How many random pairings.

    Returns:
        ``observed``, ``chance``, and its 95% range ``chance_low`` and ``chance_high``, each (k,); and
        ``lead``, by how much ``observed`` exceeds chance in each pairing, on average over positions, (rounds,).
    """
    n, k, _ = ids.shape
    tokens = [[{vocabulary[t] for t in position} for position in picture] for picture in ids.tolist()]

    def rate(pairing: np.ndarray) -> np.ndarray:
        hits = np.zeros(k)
        for i, j in enumerate(pairing):
            hits += [any(names_picture(t, words[j]) for t in tokens[i][p]) for p in range(k)]
        return hits / n

    rng = np.random.default_rng(seed)
    chance = np.array([rate(derangement(rng.permutation(n))) for _ in range(rounds)])
    low, high = np.percentile(chance, [2.5, 97.5], axis=0)
    observed = rate(np.arange(n))
    found = {"observed": observed, "chance": chance.mean(0), "chance_low": low, "chance_high": high}
    return found | {"lead": observed.mean() - chance.mean(1)}


@torch.inference_mode()
def nearest_distances(points: Tensor, embedding: Tensor, tile: int = TILE) -> Tensor:
    """How far points lie from the nearest token embedding, without ever holding all distances.

    Args:
        points: (n, d).
        embedding: (V, d).
        tile: Points and tokens between which distances are held at a time.

    Returns:
        Euclidean distances, (n,).
    """
    nearest = [
        torch.stack([torch.cdist(part, tokens).amin(1) for tokens in embedding.split(tile)]).amin(0)
        for part in points.split(tile)
    ]
    return torch.cat(nearest)


@torch.inference_mode()
def token_distances(embedding: Tensor, tile: int = TILE) -> Tensor:
    """How far each token embedding lies from the nearest other one, without ever holding all distances.

    A real vocabulary has up to 262,144 tokens; the distances between them would fill 275 GB. Each
    tile of them is computed once, for its rows and for its columns.

    Args:
        embedding: (V, d).
        tile: Tokens on each side of a tile.

    Returns:
        Euclidean distances, (V,).
    """
    nearest = embedding.new_full((len(embedding),), torch.inf)
    parts = list(zip(nearest.split(tile), embedding.split(tile), strict=True))
    tiles = [(row, column) for row in range(len(parts)) for column in range(row, len(parts))]
    for row, column in progress_bar(tiles, desc="distances between tokens", unit=" tiles"):
        (of_rows, rows), (of_columns, columns) = parts[row], parts[column]
        distances = torch.cdist(rows, columns)
        if row == column:
            distances.fill_diagonal_(torch.inf)
        else:
            of_columns.copy_(torch.minimum(of_columns, distances.amin(0)))
        of_rows.copy_(torch.minimum(of_rows, distances.amin(1)))
    return nearest


@torch.inference_mode()
def cloud_distances(prefix: Tensor, embedding: Tensor) -> dict[str, np.ndarray]:
    """How far prefix vectors and token embeddings lie from the nearest (other) token embedding.

    Args:
        prefix: (n, k, d).
        embedding: (V, d).

    Returns:
        Euclidean distances ``prefix`` (n, k) and ``tokens`` (V,), and the norms of both, ``prefix_norm``
        (n, k) and ``token_norm`` (V,).
    """
    to_prefix = torch.cat([nearest_distances(part.flatten(0, 1), embedding) for part in prefix.split(64)])
    return {
        "prefix": to_prefix.view(prefix.shape[:2]).cpu().numpy(),
        "tokens": token_distances(embedding).cpu().numpy(),
        "prefix_norm": prefix.norm(dim=-1).cpu().numpy(),
        "token_norm": embedding.norm(dim=-1).cpu().numpy(),
    }
