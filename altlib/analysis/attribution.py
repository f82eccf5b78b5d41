r"""Which words of a text move its score: integrated gradients, mediated by a subspace.

With the score F, the embeddings x of the tokens and those of a baseline b, the attribution of token i is

.. math::

   A_i = (x_i - b_i) \int_0^1 \frac{\partial F(b + t (x - b))}{\partial x_i} dt

The method is that of the CLIP paper, section 4.3 and appendix E.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from altlib.models.interventions import PATHS, RotatedSubspace, Site, mediate
from altlib.models.text_tower import TextTower

METHOD = "gausslegendre"  # how captum approximates the integral


@dataclass
class Attribution:
    """Attributions of the tokens of n texts.

    Attributes:
        tokens: Token ids, (n, T).
        values: By how much each token raises the cosine of image and text, (n, T).
        difference: The cosine minus that of the baseline, (n,).
        pooled: Position of the end of text, (n,).
    """

    tokens: Tensor
    values: Tensor
    difference: Tensor
    pooled: Tensor

    def completeness_error(self) -> Tensor:
        """How far the sum of attributions is from the difference, as a share of it, (n,); 0 for exact unmediated ones."""
        return (self.values.sum(1) - self.difference).abs() / self.difference.abs().clamp(min=1e-6)


def mediated_score(
    tower: TextTower, site: Site | None, subspace: RotatedSubspace | None, path: str
) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    """The cosine of image and text as a function whose gradient takes one path.

    Args:
        tower: The text encoder.
        site: Where the subspace is; not needed for the path ``none``.
        subspace: Z; not needed for the path ``none``.
        path: One of :data:`~altlib.models.interventions.PATHS`.

    Returns:
        A function from token embeddings (B, T, d), image embeddings (B, width) and positions of the end of text (B,)
        to cosines (B,).

    Raises:
        ValueError: There is no such path, or it needs a site and a subspace.
    """
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

    The baseline is the same text with a padding token in the place of every word; special tokens at
    the beginning and the end stay. Attributions are summed over the embedding's dimensions
    (Sundararajan et al. 2017).

    Args:
        tower: The text encoder.
        tokens: Token ids, (n, context).
        images: Unit vectors, (n, width).
        padding: The padding token.
        path: The way that gradients take.
        site: As for :func:`mediated_score`.
        subspace: As for :func:`mediated_score`.
        steps: Points of the Gauss-Legendre rule that approximate the integral.
        batch_size: Texts at a time.
        progress: Called with the number of texts after each batch.
    """
    from captum.attr import IntegratedGradients

    score = mediated_score(tower, site, subspace, path)
    gradients = IntegratedGradients(score, multiply_by_inputs=True)
    values = torch.zeros(tokens.shape)
    difference, pooled = torch.zeros(len(tokens)), tower.pooled(tokens)
    starts = special_prefix(tokens)
    device = tower.text.positional_embedding.device
    for rows in pooled.argsort().split(batch_size):
        cropped, pictures = tower.crop(tokens[rows]).to(device), images[rows].to(device)
        positions = tower.pooled(cropped)
        columns = torch.arange(cropped.shape[1], device=device)
        words = (columns < positions[:, None]) & (columns >= starts)
        baseline = torch.where(words, padding, cropped)
        with torch.no_grad():
            embedded, reference = tower.embed(cropped), tower.embed(baseline)
            difference[rows] = (score(embedded, pictures, positions) - score(reference, pictures, positions)).cpu()
        found = gradients.attribute(
            embedded,
            reference,
            additional_forward_args=(pictures, positions),
            n_steps=steps,
            method=METHOD,
            internal_batch_size=max(batch_size * 8, len(rows)),
        )
        values[rows, : cropped.shape[1]] = found.sum(-1).detach().float().cpu()
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
    third is the first minus the second. The arguments are those of :func:`attribute`.

    Args:
        tower: The text encoder.
        tokens: Token ids, (n, context).
        images: Unit vectors, (n, width).
        padding: The padding token.
        site: Where the subspace is.
        subspace: Z.
        steps: Points of the integral.
        whole: The unmediated attributions, if they are known.
        progress: Called with the number of texts after each batch.
    """
    none = whole or attribute(tower, tokens, images, padding, "none", site, subspace, steps, progress=progress)
    through = attribute(tower, tokens, images, padding, "through", site, subspace, steps, progress=progress)
    around = replace(none, values=none.values - through.values)
    return {"none": none, "through": through, "around": around}


def special_prefix(tokens: Tensor) -> int:
    """How many leading tokens the tokenizer puts before all texts: 1 if there is a start of text, otherwise 0."""
    end = int(tokens.max())
    return int(bool((tokens[:, 0] == end - 1).all()))


@dataclass(frozen=True)
class WordAttribution:
    """A word of a text with the sum of its tokens' attributions."""

    word: str
    value: float


def word_attributions(pieces: list[str], values: list[float]) -> list[WordAttribution]:
    """Join the pieces of a tokenised text into words and sum their attributions.

    A piece that begins with white space begins a word, and so does one after white space or on the
    border between letters and punctuation.

    Args:
        pieces: As their tokenizer writes them out.
        values: Their attributions.
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

    Args:
        clip_tokenizer: open_clip's own tokenizer, or one of transformers.
        ids: Token ids.

    Raises:
        ValueError: The tokenizer is of another kind.
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


def attributed_words(attribution: Attribution, clip_tokenizer: Any, row: int) -> list[WordAttribution]:
    """The words of one text with their attributions; the end of text is left out.

    Args:
        attribution: Of n texts.
        clip_tokenizer: The tokenizer that read them.
        row: Number of the text.
    """
    stop = int(attribution.pooled[row])
    ids, values = attribution.tokens[row, :stop].tolist(), attribution.values[row, :stop].tolist()
    pieces = token_pieces(clip_tokenizer, ids)
    kept = [
        (p, v)
        for p, v in zip(pieces, values, strict=True)
        if not p.strip().startswith(("<start_of_text>", "<|startoftext|>"))
    ]
    return word_attributions([p for p, _ in kept], [v for _, v in kept])
