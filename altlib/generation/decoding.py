"""Decode captions in batches: greedy or beam search with a key/value cache and trigram blocking.

Beam search follows the definition of transformers' ``generate``: it stops once every beam of a
picture has ended, and scores are divided by length ** ``length_penalty``. Only the cache is our own:
a picture's prefix and post are read once and never moved again, and where the model allows it, all of
its beams attend to them at once (:mod:`altlib.generation.shared_prompts`).
"""

from __future__ import annotations

import contextlib
import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from altlib.core.cache_keys import Key
from altlib.core.code_imports import code_fingerprint
from altlib.core.files import whole_file
from altlib.core.progress import progress_bar
from altlib.core.provenance import COMPUTED, READ_BACK, note
from altlib.generation.beam_cache import BeamCache
from altlib.generation.shared_prompts import SHARING, SharedPromptCache, sharing
from altlib.models.captioner import Example, PrefixCaptioner

CODE = code_fingerprint("generation.decoding")


@dataclass(frozen=True)
class Decoding:
    """How captions are searched for.

    Attributes:
        beams: 1 is greedy search.
        block_trigrams: No trigram may occur twice (Paulus et al. 2017; "NR" in the paper).
        max_tokens: Of the longest caption.
        length_penalty: Exponent of the length by which scores are divided.
        batch_size: Pictures at a time.
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
    """A decoded caption.

    Attributes:
        text: The caption.
        log_likelihood: In nats.
        score: The same divided by length ** penalty.
        tokens: Token ids without the end of text.
    """

    text: str
    log_likelihood: float
    score: float
    tokens: tuple[int, ...] = ()


def forbidden_tokens(history: Tensor) -> tuple[Tensor, Tensor]:
    """Tokens that would repeat a trigram.

    Args:
        history: Token ids of each row, (R, t).

    Returns:
        Rows and tokens, both (number of forbidden tokens,).
    """
    if history.shape[1] < 3:
        empty = torch.empty(0, dtype=torch.long, device=history.device)
        return empty, empty
    same = (history[:, :-2] == history[:, -2:-1]) & (history[:, 1:-1] == history[:, -1:])  # (R, t - 2)
    rows, positions = same.nonzero(as_tuple=True)
    return rows, history[rows, positions + 2]


class BeamSearch:
    """Beam search over the pictures of one batch; :meth:`run` returns their candidates.

    Args:
        language_model: A causal model of transformers.
        end: Token id of the end of text.
        prompts: Embeddings of prefix and post, (B, L, d), padded on the left.
        mask: 1 where they count, (B, L).
        settings: The search.
    """

    def __init__(self, language_model: Any, end: int, prompts: Tensor, mask: Tensor, settings: Decoding):
        self.model, self.end, self.settings = language_model, end, settings
        self.k = settings.beams
        self.device = prompts.device
        self.shared = language_model.config.model_type in SHARING
        self.cache: BeamCache | SharedPromptCache = SharedPromptCache() if self.shared else BeamCache()
        self.pictures = torch.arange(len(prompts), device=self.device)  # which picture each group of k rows is
        self.finished: list[list[tuple[float, float, list[int]]]] = [[] for _ in range(len(prompts))]
        # Masking costs; it is needed only where prompts differ in length.
        self.mask = None if bool(mask.all()) else mask
        self.prompt_mask = None if self.mask is None else mask.bool()  # (P, L)
        self.positions = mask.sum(1)  # the next position of each picture's rows
        positions = (mask.cumsum(1) - 1).clamp(min=0)
        log_probs = self.forward(inputs_embeds=prompts, position_ids=positions, attention_mask=self.mask)
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
        """log p(next token) of every row, (rows, V) float32; the arguments are those of the language model."""
        out = self.model.base_model(past_key_values=self.cache, use_cache=True, **inputs)
        hidden = out[0]  # (rows, T, d)
        return self.model.get_output_embeddings()(hidden[:, -1]).float().log_softmax(-1)

    def read_last(self) -> Tensor:
        """log p(next token) of every row after its last token, (rows, V) float32."""
        inputs = {"input_ids": self.history[:, -1:], "position_ids": self.positions[:, None]}
        if self.shared:
            return self.forward(**inputs, beam_cache=self.cache, prompt_mask=self.prompt_mask)
        if self.mask is not None:
            self.mask = torch.cat([self.mask, self.mask.new_ones(len(self.mask), 1)], 1)
        return self.forward(**inputs, attention_mask=self.mask)

    def run(self) -> list[list[tuple[float, float, list[int]]]]:
        """Search to the end.

        Returns:
            For each picture ``(score, log_likelihood, tokens)`` of its candidates, best first.
        """
        with sharing(self.model) if self.shared else contextlib.nullcontext():
            self.search()
        return [sorted(found, key=lambda f: -f[0])[: self.k] for found in self.finished]

    def search(self) -> None:
        """Choose one token after the other, until all beams have ended or are as long as they may be."""
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
            self.log_probs = self.read_last()
            self.positions = self.positions + 1

    def choose(self, step: int) -> tuple[Tensor, Tensor]:
        """Continue every beam by its best tokens.

        Beams that end are set aside; pictures with k of them leave the batch.

        Args:
            step: Number of the token that is chosen, from 1.

        Returns:
            The rows that are continued and the tokens that continue them, both (pictures, k).
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
        """Keep the beams that end at this step, while their picture has fewer than k.

        Args:
            best: Log-likelihoods, (pictures, k).
            parent: Number of the beam that is continued, (pictures, k).
            token: That continues it, (pictures, k).
            ends: Whether the beam ends, (pictures, k) bool.
            step: Number of the token, from 1.
        """
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
        """Take pictures whose beams have all ended out of the batch.

        Args:
            parents: From :meth:`choose`, (pictures, k).
            tokens: From :meth:`choose`, (pictures, k).

        Returns:
            Both for the pictures that are left.
        """
        running = torch.tensor([len(self.finished[p]) < self.k for p in self.pictures.tolist()], device=self.device)
        if bool(running.all()):
            return parents, tokens
        kept = running.nonzero().flatten()
        rows = (kept[:, None] * self.k + torch.arange(self.k, device=self.device)).flatten()
        for layer in self.cache.layers:
            layer.keep(rows)
        offset = (torch.arange(len(kept), device=self.device) - kept)[:, None] * self.k
        self.pictures, self.scores, self.history = self.pictures[kept], self.scores[kept], self.history[rows]
        self.positions = self.positions[rows]
        if self.mask is not None:
            self.mask = self.mask[rows]
        if self.prompt_mask is not None:
            self.prompt_mask = self.prompt_mask[kept]
        return parents[kept] + offset, tokens[kept]


def prompt_batch(captioner: PrefixCaptioner, features: Tensor, examples: list[Example]) -> tuple[Tensor, Tensor]:
    """Prompts ``prefix ++ post ++ newline``, padded on the left.

    Args:
        captioner: The captioner.
        features: Of the pictures, (B, d_clip).
        examples: Their posts.

    Returns:
        Embeddings (B, L, d) and their mask (B, L), 1 where they count.
    """
    device = captioner.embedding.weight.device
    rows = [[*e.text, captioner.border] for e in examples]
    longest = max(map(len, rows))
    ids = torch.tensor([[captioner.end] * (longest - len(r)) + r for r in rows], device=device)
    k = captioner.prefix_length
    padding = torch.tensor([longest - len(r) for r in rows], device=device)[:, None]
    embedded = captioner.embedding(ids)  # (B, T, d)
    whole = torch.cat([captioner.prefix(features).to(embedded.dtype), embedded], 1)  # (B, k + T, d)
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
    """Candidates for each picture with its post.

    Pictures are batched by the length of their post and returned in the order given.

    Args:
        captioner: The captioner.
        features: Of the pictures, (n, d_clip).
        texts: n posts; ignored by a captioner that does not read them.
        settings: The search.
        precision: Number type of the language model; None takes the captioner's.
        name: Of the captioner, for the progress bar.

    Returns:
        At most ``settings.beams`` candidates of each picture, best first.
    """
    precision = precision or captioner.precision
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
    """:func:`decode`, kept in a folder.

    What was decoded there by the same code from the same weights and inputs, on the same kind of
    device and in the same precision, is read back. The candidates come without their token ids.

    Args:
        captioner: The captioner.
        features: Of the pictures, (n, d_clip).
        texts: n posts.
        settings: The search.
        folder: Where candidates are kept.
        name: Of the captioner, for the progress bar.
    """
    key = Key(CODE, config=captioner.config, weights=captioner, features=features, texts=texts, settings=settings)
    key.add(precision=captioner.precision, device=captioner.embedding.weight.device.type)
    file = folder / f"{key}.parquet"
    kept = file.is_file()
    note(READ_BACK if kept else COMPUTED, f"captions of {name}", file.name)
    if not kept:
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
    """The text of each picture's first candidate; empty where there is none."""
    return [c[0].text if c else "" for c in candidates]
