"""Decode captions in batches: greedy or beam search with a key/value cache, trigram blocking, reranking.

Beam search follows the definition of transformers' ``generate`` (early stopping once every
beam of a picture has ended, scores divided by length ** ``length_penalty``). What is ours is
the cache: a picture's prefix and post are read once, shared by its beams and never moved
again; only the few keys and values of generated tokens follow the beams.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor
from transformers.cache_utils import Cache, DynamicLayer

from altlib.core.cache_keys import Key
from altlib.core.code_imports import code_fingerprint
from altlib.core.devices import mixed_precision
from altlib.core.files import whole_file
from altlib.core.progress import progress_bar
from altlib.models.captioner import Example, PrefixCaptioner

CODE = code_fingerprint("generation.decoding")


@dataclass(frozen=True)
class Decoding:
    """How captions are searched for.

    ``beams`` 1 is greedy; ``block_trigrams`` forbids a trigram to come twice (Paulus et al.
    2017; "NR" in the paper); ``max_tokens`` the longest caption; ``batch_size`` pictures at a
    time.
    """

    beams: int = 5
    block_trigrams: bool = True
    max_tokens: int = 150
    length_penalty: float = 1.0
    batch_size: int = 64

    @property
    def label(self) -> str:
        """The paper's name for it: Greedy, Greedy (NR), BS or BS (NR)."""
        return ("Greedy" if self.beams == 1 else "BS") + (" (NR)" if self.block_trigrams else "")


@dataclass(frozen=True)
class Candidate:
    """A decoded caption; ``log_likelihood`` in nats, ``score`` the same divided by length ** penalty.

    ``tokens`` are its token ids without the end.
    """

    text: str
    log_likelihood: float
    score: float
    tokens: tuple[int, ...] = ()


class BeamLayer(DynamicLayer):
    """Keys and values of one layer: the prompt's stay in place, the generated ones follow the beams."""

    keys: Any
    values: Any

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        """Start empty, in the type and on the device of the first states."""
        self.dtype, self.device = key_states.dtype, key_states.device
        self.keys, self.values = key_states[..., :0, :], value_states[..., :0, :]
        self.length = self.prompt = 0
        self.is_initialized = True

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        """Append (rows, heads, new, d) states and return all that are attended to."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        new = key_states.shape[-2]
        if self.length == 0:
            self.keys, self.values = key_states, value_states
        else:
            self.keys[..., self.length : self.length + new, :] = key_states
            self.values[..., self.length : self.length + new, :] = value_states
        self.length += new
        return self.keys[..., : self.length, :], self.values[..., : self.length, :]

    def get_seq_length(self) -> int:
        """Positions held."""
        return self.length if self.is_initialized else 0

    def fan_out(self, beams: int, room: int) -> None:
        """Give every row ``beams`` copies of its prompt and room for ``room`` more positions."""
        self.prompt = self.length
        for name in ("keys", "values"):
            prompt = getattr(self, name)
            rows, heads, length, width = prompt.shape
            wide = prompt.new_empty(rows * beams, heads, length + room, width)
            wide.view(rows, beams, heads, length + room, width)[..., :length, :] = prompt[:, None]
            setattr(self, name, wide)

    def follow(self, rows: Tensor) -> None:
        """Generated positions of row i become those of row ``rows[i]``, a beam of the same picture."""
        moved = (rows != torch.arange(len(rows), device=rows.device)).nonzero().flatten()
        for states in (self.keys, self.values):
            generated = states[..., self.prompt : self.length, :]
            generated.index_copy_(0, moved, generated.index_select(0, rows[moved]))

    def keep(self, rows: Tensor) -> None:
        """Drop all rows but ``rows``."""
        self.keys, self.values = self.keys.index_select(0, rows), self.values.index_select(0, rows)


class BeamCache(Cache):
    """A :class:`BeamLayer` a layer of the language model."""

    def __init__(self) -> None:
        super().__init__(layer_class_to_replicate=BeamLayer)
        self.layers: Any


def forbidden_tokens(history: Tensor) -> tuple[Tensor, Tensor]:
    """Tokens that would repeat a trigram: ``(rows, tokens)`` for a (R, t) history of token ids."""
    if history.shape[1] < 3:
        empty = torch.empty(0, dtype=torch.long, device=history.device)
        return empty, empty
    same = (history[:, :-2] == history[:, -2:-1]) & (history[:, 1:-1] == history[:, -1:])  # (R, t - 2)
    rows, positions = same.nonzero(as_tuple=True)
    return rows, history[rows, positions + 2]


class BeamSearch:
    """Beam search over the pictures of one batch; :meth:`run` returns their candidates."""

    def __init__(self, language_model: Any, end: int, prompts: Tensor, mask: Tensor, settings: Decoding):
        """``prompts`` (B, L, d) embeddings padded on the left, ``mask`` (B, L) 1 where they count."""
        self.model, self.end, self.settings = language_model, end, settings
        self.k = settings.beams
        self.device = prompts.device
        self.cache = BeamCache()
        self.pictures = torch.arange(len(prompts), device=self.device)  # which picture each group of k rows is
        self.finished: list[list[tuple[float, float, list[int]]]] = [[] for _ in range(len(prompts))]
        # Masking costs; it is needed only where prompts differ in length.
        self.mask = None if bool(mask.all()) else mask
        self.positions = mask.sum(1)  # the next position of each picture's rows
        log_probs = self.forward(inputs_embeds=prompts, position_ids=(mask.cumsum(1) - 1).clamp(min=0))
        for layer in self.cache.layers:
            layer.fan_out(self.k, settings.max_tokens)
        self.log_probs = log_probs.repeat_interleave(self.k, 0)  # (B k, V)
        self.scores = torch.full((len(prompts), self.k), -1e9, device=self.device)
        self.scores[:, 0] = 0.0  # all beams are the same at first
        self.history = torch.empty(len(prompts) * self.k, 0, dtype=torch.long, device=self.device)
        if self.mask is not None:
            self.mask = self.mask.repeat_interleave(self.k, 0)
        self.positions = self.positions.repeat_interleave(self.k, 0)

    def forward(self, **inputs: Any) -> Tensor:
        """log p(next token) of every row, (rows, V) float32."""
        hidden = self.model.base_model(past_key_values=self.cache, attention_mask=self.mask, use_cache=True, **inputs)[
            0
        ]
        return self.model.get_output_embeddings()(hidden[:, -1]).float().log_softmax(-1)

    def run(self) -> list[list[tuple[float, float, list[int]]]]:
        """For each picture its ``(score, log_likelihood, tokens)``, best first."""
        for step in range(1, self.settings.max_tokens + 1):
            parents, tokens = self.choose(step)
            if not len(self.pictures):
                break
            rows = parents.flatten()
            for layer in self.cache.layers:
                layer.follow(rows)
            self.history = torch.cat([self.history[rows], tokens.flatten()[:, None]], 1)
            if step == self.settings.max_tokens:
                break
            if self.mask is not None:
                self.mask = torch.cat([self.mask, self.mask.new_ones(len(rows), 1)], 1)
            self.log_probs = self.forward(input_ids=self.history[:, -1:], position_ids=self.positions[:, None])
            self.positions = self.positions + 1
        return [sorted(found, key=lambda f: -f[0])[: self.k] for found in self.finished]

    def choose(self, step: int) -> tuple[Tensor, Tensor]:
        """Continue every beam by its best tokens; returns parents and tokens, both (pictures, k).

        Beams that end are set aside; pictures with k of them leave the batch.
        """
        if self.settings.block_trigrams:
            self.log_probs.index_put_(forbidden_tokens(self.history), self.log_probs.new_tensor(-1e9))
        vocabulary = self.log_probs.shape[1]
        total = self.scores[:, :, None] + self.log_probs.view(len(self.pictures), self.k, vocabulary)
        best, flat = total.flatten(1).topk(2 * self.k)  # (P, 2k)
        parent, token = flat // vocabulary, flat % vocabulary
        ends = token == self.end
        if step == self.settings.max_tokens:
            ends = torch.ones_like(ends)
        self.set_aside(best[:, : self.k], parent[:, : self.k], token[:, : self.k], ends[:, : self.k], step)
        running = best.masked_fill(ends, -1e9)
        self.scores, order = running.topk(self.k)
        base = torch.arange(len(self.pictures), device=self.device)[:, None] * self.k
        parents, tokens = base + parent.gather(1, order), token.gather(1, order)
        return self.drop_finished(parents, tokens)

    def set_aside(self, best: Tensor, parent: Tensor, token: Tensor, ends: Tensor, step: int) -> None:
        """Keep the beams that end at this step, while their picture has fewer than k."""
        for row, beam in ends.nonzero().tolist():
            found = self.finished[int(self.pictures[row])]
            if len(found) >= self.k and step < self.settings.max_tokens:
                continue
            log_likelihood = float(best[row, beam])
            if log_likelihood <= -1e8:
                continue
            last = int(token[row, beam])
            tokens = self.history[row * self.k + int(parent[row, beam])].tolist() + ([] if last == self.end else [last])
            found.append((log_likelihood / step**self.settings.length_penalty, log_likelihood, tokens))

    def drop_finished(self, parents: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Take pictures whose beams have all ended out of the batch."""
        open_ = torch.tensor([len(self.finished[p]) < self.k for p in self.pictures.tolist()], device=self.device)
        if bool(open_.all()):
            return parents, tokens
        kept = open_.nonzero().flatten()
        rows = (kept[:, None] * self.k + torch.arange(self.k, device=self.device)).flatten()
        for layer in self.cache.layers:
            layer.keep(rows)
        offset = (torch.arange(len(kept), device=self.device) - kept)[:, None] * self.k
        self.pictures, self.scores, self.history = self.pictures[kept], self.scores[kept], self.history[rows]
        self.positions = self.positions[rows]
        if self.mask is not None:
            self.mask = self.mask[rows]
        return parents[kept] + offset, tokens[kept]


def prompt_batch(captioner: PrefixCaptioner, features: Tensor, examples: list[Example]) -> tuple[Tensor, Tensor]:
    """Prompts ``prefix ++ post ++ newline`` padded on the left: (B, L, d) and their mask (B, L)."""
    device = captioner.embedding.weight.device
    rows = [[*e.text, captioner.border] for e in examples]
    longest = max(map(len, rows))
    ids = torch.tensor([[captioner.end] * (longest - len(r)) + r for r in rows], device=device)
    k = captioner.prefix_length
    padding = torch.tensor([longest - len(r) for r in rows], device=device)[:, None]
    embedded = captioner.embedding(ids)  # (B, T, d)
    whole = torch.cat([captioner.prefix(features.to(device)).to(embedded.dtype), embedded], 1)  # (B, k + T, d)
    # The prefix stands first; move it right, next to the tokens, by rolling each row past its padding.
    where = torch.arange(k + longest, device=device)[None]
    source = torch.where(where < padding, where + k, torch.where(where < padding + k, where - padding, where))
    mask = (where >= padding).long()
    return whole.gather(1, source[..., None].expand_as(whole)), mask


@torch.inference_mode()
def decode(
    captioner: PrefixCaptioner,
    features: Tensor,
    texts: list[str],
    settings: Decoding,
    precision: torch.dtype | None = None,
    name: str = "captions",
) -> list[list[Candidate]]:
    """Candidates for each picture with its post, best first; at most ``settings.beams`` each.

    ``features`` (n, d_clip); ``texts`` the posts, ignored by a captioner that does not use
    them. Pictures are batched by the length of their post and returned in the order given.
    ``precision`` defaults to bfloat16 where the processor computes in it, else float32.
    """
    device = captioner.embedding.weight.device
    precision = precision or mixed_precision(device.type)
    if precision != captioner.embedding.weight.dtype:
        captioner = copy.deepcopy(captioner)
        captioner.language_model.to(precision)
    examples = [captioner.encode(text) for text in texts]
    order = sorted(range(len(examples)), key=lambda i: len(examples[i].text))
    found: list[list[Candidate]] = [[] for _ in examples]
    with progress_bar(total=len(order), desc=f"decoding {name}", unit=" pictures") as bar:
        for start in range(0, len(order), settings.batch_size):
            chosen = order[start : start + settings.batch_size]
            prompts, mask = prompt_batch(captioner, features[chosen], [examples[i] for i in chosen])
            search = BeamSearch(captioner.language_model, captioner.end, prompts, mask, settings)
            for i, candidates in zip(chosen, search.run(), strict=True):
                found[i] = [
                    Candidate(
                        captioner.tokenizer.decode(tokens, skip_special_tokens=True).strip(),
                        log_likelihood,
                        score,
                        tuple(tokens),
                    )
                    for score, log_likelihood, tokens in candidates
                ]
            bar.update(len(chosen))
    return found


def decode_once(
    captioner: PrefixCaptioner,
    features: Tensor,
    texts: list[str],
    settings: Decoding,
    folder: Path,
    name: str = "captions",
) -> list[list[Candidate]]:
    """:func:`decode`, kept in ``folder``: what was decoded there by the same code from the same weights and inputs is read back.

    The candidates come without their token ids.
    """
    key = Key(CODE, config=captioner.config, weights=captioner, features=features, texts=texts, settings=settings)
    file = folder / f"{key}.parquet"
    if not file.is_file():
        rows = [
            (picture, c.text, c.log_likelihood, c.score)
            for picture, candidates in enumerate(decode(captioner, features, texts, settings, name=name))
            for c in candidates
        ]
        with whole_file(file) as part:
            pd.DataFrame(rows, columns=["picture", "text", "log_likelihood", "score"]).to_parquet(part, index=False)
    found: list[list[Candidate]] = [[] for _ in texts]
    for row in pd.read_parquet(file).itertuples(index=False):
        found[row.picture].append(Candidate(row.text, row.log_likelihood, row.score))
    return found


def best_texts(candidates: list[list[Candidate]]) -> list[str]:
    """The first candidate of each picture."""
    return [c[0].text if c else "" for c in candidates]
