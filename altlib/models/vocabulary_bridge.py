"""From a language model's tokens to CLIP's text encoder, with gradients, although their vocabularies differ.

A sampled text goes the way of any text: the language model's tokens are decoded, CLIP's tokenizer reads
the result, and the embeddings of its tokens enter CLIP's text encoder. That way has no gradient. So each
of CLIP's tokens is tied to the language model's tokens that cover its characters, and each token of the
language model has a place in CLIP's embedding space: the mean embedding of the tokens into which CLIP
splits its text. In the straight-through form, a token's relaxed one-hot vector adds nothing to the value
and passes its gradient on, so the embedding of the text is exactly CLIP's. In the soft form, mixtures of
these places stand in for CLIP's embeddings: exact where the vocabularies agree and CLIP's tokenizer cleans
nothing, such as curly quotes; an approximation elsewhere, with cosines above 0.8 for plain sentences and of
0.6 for rows of punctuation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from altlib.models.clip import Clip
from altlib.models.text_tower import TextTower

STOP = "."


def characters(text: str) -> int:
    """How many characters a text has besides white space."""
    return len("".join(text.split()))


def overlaps(read: Sequence[int], written: Sequence[int], cropped: bool = False) -> Tensor:
    """Which share of each token that is read comes from each token that was written.

    Both split the same text. If cleaning has changed its length, places are taken in proportion.

    Args:
        read: Characters of CLIP's tokens, C numbers.
        written: Characters of the language model's tokens, T numbers.
        cropped: Whether CLIP has read the beginning alone.

    Returns:
        (C, T); rows sum to 1, or to 0 for a token without characters.
    """
    ends, others = torch.tensor([0, *read]).cumsum(0).double(), torch.tensor([0, *written]).cumsum(0).double()
    if ends[-1] and others[-1] and not cropped:
        others = others * (ends[-1] / others[-1])
    first = torch.maximum(ends[:-1, None], others[None, :-1])
    last = torch.minimum(ends[1:, None], others[None, 1:])
    shared = (last - first).clamp(min=0)
    return (shared / shared.sum(1, keepdim=True).clamp(min=1e-9)).float()


class VocabularyBridge:
    """The way from a language model's tokens into a CLIP's text encoder.

    Args:
        tokenizer: The language model's.
        clip: A CLIP that reads text.
        tower: Its text encoder, or that of a CLIP that was tuned from it. It is frozen: gradients pass through
            it and leave none in its weights.

    Raises:
        ValueError: The CLIP encodes pictures alone, or its text encoder is of a kind that cannot be entered.
    """

    def __init__(self, tokenizer: Any, clip: Clip, tower: TextTower | None = None):
        if not clip.reads_text:
            raise ValueError(f"{clip.name} reads no text; a reward needs an open_clip model")
        self.tokenizer, self.clip = tokenizer, clip
        self.tower = tower or TextTower(clip.model)
        for part in (self.tower.text.token_embedding, self.tower.text.transformer, self.tower.text.ln_final):
            part.requires_grad_(False)
        for name in ("positional_embedding", "text_projection"):
            if getattr(self.tower.text, name, None) is not None:
                getattr(self.tower.text, name).requires_grad_(False)
        self.end = int(tokenizer.eos_token_id)
        self.context = self.tower.text.positional_embedding.shape[0]
        self.embedding: nn.Embedding = self.tower.text.token_embedding
        self.written = [characters(tokenizer.decode([token])) for token in range(len(tokenizer))]
        self.read_lengths: dict[int, int] = {}
        self.places = self.vocabulary_places()  # (V, d)

    @property
    def device(self) -> torch.device:
        """Where the text encoder is."""
        return self.embedding.weight.device

    def decode_token(self, token: int) -> str:
        """The text of one of CLIP's tokens."""
        own: Any = self.clip.tokenize
        decode: Callable[[list[int]], str] = getattr(own, "tokenizer", own).decode
        return decode([token])

    def read_length(self, token: int) -> int:
        """Characters of one of CLIP's tokens."""
        if token not in self.read_lengths:
            self.read_lengths[token] = characters(self.decode_token(token))
        return self.read_lengths[token]

    def tokens_of(self, tokens: Tensor) -> tuple[list[int], int]:
        """CLIP's tokens of a text without those that mark its beginning and end, and the place of the first.

        Args:
            tokens: One row as CLIP's tokenizer gives it, (context,).
        """
        pooled = int(self.tower.pooled(tokens[None])[0])
        ids = tokens[:pooled].tolist()
        marked = getattr(self.clip.tokenize, "sot_token_id", None)
        first = 1 if ids and marked is not None and ids[0] == marked else 0
        return ids[first:], first

    def split_by_clip(self) -> list[list[int]]:
        """CLIP's tokens of each token of the language model by itself, with the space before it if there is one."""
        texts = [self.tokenizer.decode([token]) for token in range(len(self.tokenizer))]
        own = getattr(self.clip.tokenize, "tokenizer", None)
        if own is not None and own.get_vocab() == self.tokenizer.get_vocab():
            return [[token] for token in range(len(texts))]
        # Cleaning takes a space away from the beginning of a text, so a full stop stands before it.
        (stop,), _ = self.tokens_of(self.clip.tokenize([STOP])[0])
        found = []
        for after, alone in zip(self.clip.tokenize([STOP + t for t in texts]), self.clip.tokenize(texts), strict=True):
            ids = self.tokens_of(after)[0]
            found.append(ids[1:] if ids[:1] == [stop] else self.tokens_of(alone)[0])
        return found

    @torch.no_grad()
    def vocabulary_places(self) -> Tensor:
        """The place of each of the language model's tokens among CLIP's embeddings, (V, d); the ends correspond."""
        weight = self.embedding.weight
        places = torch.zeros(len(self.tokenizer), weight.shape[1], device=weight.device)
        for token, ids in enumerate(self.split_by_clip()):
            if ids:
                places[token] = weight[ids].mean(0)
        empty = self.clip.tokenize([STOP])
        places[self.end] = weight[int(empty[0, int(self.tower.pooled(empty)[0])])]
        return places

    def texts(self, tokens: Tensor) -> list[str]:
        """The texts of sampled tokens up to their end, as they are read out, (B, T) -> B texts."""
        rows = tokens.tolist()
        cut = [row[: row.index(self.end)] if self.end in row else row for row in rows]
        return [self.tokenizer.decode(row, skip_special_tokens=True) for row in cut]

    def alignment(self, tokens: Tensor, read: Tensor) -> Tensor:
        """Which share of each of CLIP's tokens comes from which sampled token.

        The token that CLIP pools comes from the sampled end.

        Args:
            tokens: Sampled tokens, (B, T).
            read: CLIP's tokens of the same texts, (B, C).

        Returns:
            (B, C, T).
        """
        found = torch.zeros(*read.shape, tokens.shape[1])
        pooled = self.tower.pooled(read)
        for row, (sampled, line) in enumerate(zip(tokens.tolist(), read, strict=True)):
            length = sampled.index(self.end) if self.end in sampled else len(sampled)
            ids, first = self.tokens_of(line)
            cropped = int(pooled[row]) == self.context - 1
            lengths = [self.read_length(t) for t in ids], [self.written[t] for t in sampled[:length]]
            shares = overlaps(*lengths, cropped)
            found[row, first : first + len(ids), :length] = shares
            if length < len(sampled):
                found[row, int(pooled[row]), length] = 1.0
        return found

    def embed(self, tokens: Tensor, relaxed: Tensor, straight_through: bool = True) -> tuple[Tensor, list[str]]:
        """Unit-length embeddings of sampled texts, with gradients to the relaxed one-hot vectors.

        Args:
            tokens: Sampled tokens, (B, T).
            relaxed: Of each token a distribution over the language model's vocabulary, (B, T, V).
            straight_through: Whether the value is exactly that of the sampled text; otherwise mixtures.

        Returns:
            (B, width), and the sampled texts.
        """
        texts = self.texts(tokens)
        read = self.tower.crop(self.clip.tokenize([text.strip() for text in texts]))
        shares = self.alignment(tokens.cpu(), read).to(self.device)
        read = read.to(self.device)
        mixed = shares @ (relaxed.to(self.device) @ self.places.to(relaxed.dtype))  # (B, C, d)
        exact = self.embedding(read)
        if straight_through:
            embedded = exact + mixed - mixed.detach()
        else:
            from_text = shares.sum(-1, keepdim=True) > 0.5  # marks and padding have no sampled token
            embedded = torch.where(from_text, mixed, exact)
        return self.tower.onwards(self.tower.upto(embedded, -1), -1, self.tower.pooled(read)), texts
