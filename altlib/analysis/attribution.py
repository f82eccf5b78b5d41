"""Which words of a text move its score: integrated gradients, mediated by a subspace (CLIP paper, section 4.3, appendix E)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from altlib.models.interventions import PATHS, RotatedSubspace, Site, mediate
from altlib.models.text_tower import TextTower

METHOD = "gausslegendre"


@dataclass
class Attribution:
    """Attributions of the tokens of n texts.

    ``tokens`` (n, T) ids; ``values`` (n, T), by how much each token raises the cosine of image
    and text; ``difference`` (n,) the cosine minus that of the baseline; ``pooled`` (n,) position
    of the end of text.
    """

    tokens: Tensor
    values: Tensor
    difference: Tensor
    pooled: Tensor

    def completeness_error(self) -> Tensor:
        """|sum of attributions - difference| as a share of |difference|, (n,); 0 for exact unmediated attributions."""
        return (self.values.sum(1) - self.difference).abs() / self.difference.abs().clamp(min=1e-6)


def mediated_score(
    tower: TextTower, site: Site | None, subspace: RotatedSubspace | None, path: str
) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    """A function (token embeddings (B, T, d), images (B, width), positions (B,)) -> cosines (B,) whose gradient takes ``path``."""
    if path not in PATHS:
        raise ValueError(f"unknown path {path!r}; known: {', '.join(PATHS)}")
    if path != "none" and (site is None or subspace is None):
        raise ValueError(f"the path {path!r} needs a site and a subspace")

    def score(embedded: Tensor, images: Tensor, positions: Tensor) -> Tensor:
        layer = site.layer if site is not None else len(tower.blocks) - 1
        stream = tower.upto(embedded, layer)
        if path != "none":
            assert subspace is not None
            stream = mediate(stream, positions, subspace, path)
        return (tower.onwards(stream, layer, positions) * images).sum(-1)

    return score


def attribute(
    tower: TextTower,
    tokens: Tensor,
    images: Tensor,
    padding: int,
    path: str = "none",
    site: Site | None = None,
    subspace: RotatedSubspace | None = None,
    steps: int = 32,
    batch_size: int = 32,
    progress: Callable[[int], object] = lambda n: None,
) -> Attribution:
    """Integrated gradients of the cosine with respect to each token's embedding, by captum.

    ``tokens`` (n, context) and ``images`` (n, width) unit vectors. The baseline is the same text
    with the token ``padding`` in the place of every word; special tokens at the beginning and
    the end stay. ``steps`` points of the Gauss-Legendre rule approximate the integral.
    Attributions are summed over the embedding's dimensions (Sundararajan et al. 2017).
    """
    from captum.attr import IntegratedGradients

    score = mediated_score(tower, site, subspace, path)
    gradients = IntegratedGradients(score, multiply_by_inputs=True)
    values = torch.zeros(tokens.shape)
    difference, pooled = torch.zeros(len(tokens)), tower.pooled(tokens)
    starts = special_prefix(tokens)
    for rows in pooled.argsort().split(batch_size):
        cropped = tower.crop(tokens[rows])
        positions = tower.pooled(cropped)
        columns = torch.arange(cropped.shape[1])
        words = (columns < positions[:, None]) & (columns >= starts)
        baseline = torch.where(words, padding, cropped)
        with torch.no_grad():
            embedded, reference = tower.embed(cropped), tower.embed(baseline)
            difference[rows] = score(embedded, images[rows], positions) - score(reference, images[rows], positions)
        found = gradients.attribute(
            embedded,
            reference,
            additional_forward_args=(images[rows], positions),
            n_steps=steps,
            method=METHOD,
            internal_batch_size=max(batch_size * 8, len(rows)),
        )
        values[rows, : cropped.shape[1]] = found.sum(-1).detach().float()
        progress(len(rows))
    return Attribution(tokens, values, difference, pooled)


def mediated_attributions(
    tower: TextTower,
    tokens: Tensor,
    images: Tensor,
    padding: int,
    site: Site,
    subspace: RotatedSubspace,
    steps: int = 32,
    whole: Attribution | None = None,
    progress: Callable[[int], object] = lambda n: None,
) -> dict[str, Attribution]:
    """Attributions by path: none, through and around the subspace.

    The gradient is the sum of what passes through the subspace and what passes around it, so the
    third is the first minus the second. ``whole`` the unmediated attributions, if they are known.
    """
    none = whole or attribute(tower, tokens, images, padding, "none", site, subspace, steps, progress=progress)
    through = attribute(tower, tokens, images, padding, "through", site, subspace, steps, progress=progress)
    around = replace(none, values=none.values - through.values)
    return {"none": none, "through": through, "around": around}


def special_prefix(tokens: Tensor) -> int:
    """How many leading tokens all texts share because the tokenizer puts them there: 1 with a start of text, else 0."""
    end = int(tokens.max())
    return int(bool((tokens[:, 0] == end - 1).all()))


@dataclass(frozen=True)
class WordAttribution:
    """A word of a text with the sum of its tokens' attributions."""

    word: str
    value: float


def word_attributions(pieces: list[str], values: list[float]) -> list[WordAttribution]:
    """Join the pieces of a tokenised text into words and sum their attributions.

    ``pieces`` as their tokenizer writes them out, so that a piece beginning with white space
    begins a word, as does one after white space or between letters and punctuation.
    """
    words: list[list[Any]] = []
    fresh = True
    for piece, value in zip(pieces, values, strict=True):
        for part in re.findall(r"\s+|[\w'-]+|[^\w\s'-]+", piece) or [piece]:
            if part.isspace():
                fresh = True
                continue
            joins = not fresh and words and re.match(r"[\w'-]", part) and re.search(r"[\w'-]$", words[-1][0])
            share = value * len(part) / max(1, len(piece.strip()))
            if joins:
                words[-1][0] += part
                words[-1][1] += share
            else:
                words.append([part, share])
            fresh = False
    return [WordAttribution(word, value) for word, value in words]


def token_pieces(clip_tokenizer: Any, ids: list[int]) -> list[str]:
    """Each token of a text written out, with the white space that belongs to it.

    Works for open_clip's own tokenizer and for those of transformers.
    """
    inner = getattr(clip_tokenizer, "tokenizer", None)
    if inner is not None and hasattr(inner, "convert_ids_to_tokens"):
        return [inner.decode([i], clean_up_tokenization_spaces=False) for i in ids]
    if hasattr(clip_tokenizer, "decoder") and hasattr(clip_tokenizer, "byte_decoder"):
        decoded = []
        for i in ids:
            text = clip_tokenizer.decoder[i].replace("</w>", " ")
            decoded.append(
                bytearray(clip_tokenizer.byte_decoder[c] for c in text.rstrip()).decode("utf-8", "replace")
                + (" " if text.endswith(" ") else "")
            )
        return decoded
    raise ValueError(f"cannot write out the tokens of a {type(clip_tokenizer).__name__}")


def words_of(attribution: Attribution, clip_tokenizer: Any, row: int) -> list[WordAttribution]:
    """The words of one text with their attributions; the end of text is left out."""
    stop = int(attribution.pooled[row])
    ids, values = attribution.tokens[row, :stop].tolist(), attribution.values[row, :stop].tolist()
    pieces = token_pieces(clip_tokenizer, ids)
    kept = [
        (p, v)
        for p, v in zip(pieces, values, strict=True)
        if not p.strip().startswith(("<start_of_text>", "<|startoftext|>"))
    ]
    return word_attributions([p for p, _ in kept], [v for _, v in kept])
