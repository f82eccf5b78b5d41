"""Pretrain the miniature GPT-2 on posts, replies, accounts, captions and alt text."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from altlib.miniworld.network import account, account_places, catalogued, catalogued_kinds
from altlib.pretraining.clip import adamw
from altlib.pretraining.world import CATALOGUE_SEED, HELD_OUT_SEED, catalogue_documents, text_documents, word_lists

GPT2_CONFIG: dict[str, Any] = {
    "vocab_size": 2048,
    "n_positions": 384,
    "n_embd": 192,
    "n_layer": 4,
    "n_head": 6,
    "activation_function": "gelu_pytorch_tanh",  # GPT-2's own GELU in one fused operation
    "resid_pdrop": 0.0,
    "embd_pdrop": 0.0,
    "attn_pdrop": 0.0,
}


def packed_rows(tokenizer: Any, documents: Iterator[str], length: int) -> Tensor:
    """Documents, each followed by the end of text, packed into rows of token ids.

    Args:
        tokenizer: Reads the documents.
        documents: The texts.
        length: Tokens per row.

    Returns:
        (rows, length); what does not fill a row is left out.
    """
    ids: list[int] = []
    for document in documents:
        ids.extend([*tokenizer(document).input_ids, tokenizer.eos_token_id])
    rows = len(ids) // length
    return torch.tensor(ids[: rows * length]).view(rows, length)


@torch.inference_mode()
def perplexity(model: Any, rows: Tensor, batch_size: int = 32) -> float:
    """exp of the mean negative log-likelihood per token, every token counted alike.

    Args:
        model: A causal model of transformers.
        rows: Token ids, (n, T).
        batch_size: Rows at a time.
    """
    total = 0.0
    for batch in rows.split(batch_size):
        logits = model(batch).logits[:, :-1]
        total += F.cross_entropy(logits.flatten(0, 1), batch[:, 1:].flatten(), reduction="sum").item()
    return math.exp(total / rows[:, 1:].numel())


@torch.inference_mode()
def places_named(model: Any, tokenizer: Any, stories: int = 100) -> dict[str, float]:
    """How often the model predicts the name of a place in the account below a post that tells it.

    Args:
        model: A causal model of transformers.
        tokenizer: Its tokenizer.
        stories: How many accounts.

    Returns:
        Shares of tokens that get the highest probability: ``first`` of the first token of each name,
        where the setting tells which of the post's places it must be, and ``later`` of the others, where
        copying is enough.
    """
    hits, seen = {"first": 0, "later": 0}, {"first": 0, "later": 0}
    for index in range(stories):
        text, places = account(HELD_OUT_SEED, index), account_places(HELD_OUT_SEED, index)
        encoded = tokenizer(text, return_offsets_mapping=True)
        predicted = model(torch.tensor([encoded.input_ids])).logits[0, :-1].argmax(-1).tolist()
        below = text.index("\n")
        spans = [
            (m.start(), m.end()) for place in places for m in re.finditer(re.escape(place), text) if m.start() > below
        ]
        for guess, token, (start, end) in zip(
            predicted, encoded.input_ids[1:], encoded.offset_mapping[1:], strict=True
        ):
            for a, b in spans:
                if start < b and end > a:
                    part = "first" if start <= a else "later"
                    hits[part] += guess == token
                    seen[part] += 1
    return {part: hits[part] / max(1, seen[part]) for part in hits}


@torch.inference_mode()
def kinds_named(model: Any, tokenizer: Any, stories: int = 100) -> float:
    """How often the model calls a thing as the post's topic does, given the thing's plain name.

    Neither the plain name nor the post alone tells it.

    Args:
        model: A causal model of transformers.
        tokenizer: Its tokenizer.
        stories: How many stories of the archive (:func:`altlib.miniworld.network.catalogued`).

    Returns:
        The share of entries with a post in which the first token of the kind gets the highest probability.
    """
    hits = seen = 0
    for index in range(stories):
        for entry, kind in zip(catalogued(HELD_OUT_SEED, index), catalogued_kinds(HELD_OUT_SEED, index), strict=True):
            if entry.count("\n") < 2:
                continue
            start = entry.find(kind[:-1], entry.rindex("\n"))  # a plural may have changed the last letter
            encoded = tokenizer(entry, return_offsets_mapping=True)
            place = next((i for i, (a, b) in enumerate(encoded.offset_mapping) if a <= start < b), 0)
            if start < 0 or not place:
                continue
            logits = model(torch.tensor([encoded.input_ids[:place]])).logits[0, -1]
            hits += int(logits.argmax()) == encoded.input_ids[place]
            seen += 1
    return hits / max(1, seen)


@torch.no_grad()
def start_looking_back(model: Any, seed: int = 0, scale: float = 0.05) -> None:
    """Initialise two attention heads of a GPT-2 so that it can copy from what was said before.

    In larger models an *induction head* forms by itself after a hundred million tokens or more (Olsson
    et al. 2022): a head of one layer notes at every token which token came before it; a head of the next
    layer finds the place where the present token followed, and copies what came after. Two million
    parameters and a few million tokens do not get there, and without it nothing of a post but its style
    reaches the alt text. Therefore the first head of the first layer begins as the one, and the first
    head of the second layer as the other. All weights go on learning from there.

    Three slices of the embedding, each as wide as a head, hold at first the position (sines and
    cosines), nothing yet (the previous token's code), and a code of the token.

    Args:
        model: The GPT-2; it is changed.
        seed: Of the codes and frequencies.
        scale: Standard deviation of the codes.
    """
    generator = torch.Generator().manual_seed(seed)
    body = model.transformer
    width = model.config.n_embd
    head = width // model.config.n_head
    position, previous, code = (slice(i * head, (i + 1) * head) for i in range(3))
    query, key, value = (slice(i * width, i * width + head) for i in range(3))  # columns of the first head
    body.wte.weight.normal_(0, scale, generator=generator)
    body.wte.weight[:, : 2 * head] = 0
    frequency = torch.rand(head // 2, generator=generator) * torch.pi
    angle = torch.arange(len(body.wpe.weight))[:, None] * frequency
    body.wpe.weight.zero_()
    body.wpe.weight[:, position] = torch.cat([angle.sin(), angle.cos()], 1) * scale * 2**0.5
    for block in body.h:
        block.attn.c_proj.weight *= 0.3
        block.mlp.c_proj.weight *= 0.3
    same = torch.eye(head)
    cos, sin = torch.diag(frequency.cos()), torch.diag(frequency.sin())
    one_back = torch.cat([torch.cat([cos, sin], 1), torch.cat([-sin, cos], 1)], 0)  # turns a position to the one before
    notes, finds = body.h[0].attn, body.h[1].attn
    for attention in (notes, finds):
        for part in (query, key, value):
            attention.c_attn.weight[:, part] = 0
        attention.c_proj.weight[:head] = 0
    notes.c_attn.weight[position, query] = one_back
    notes.c_attn.weight[position, key] = same
    notes.c_attn.weight[code, value] = same
    notes.c_proj.weight[:head, previous] = same * scale
    finds.c_attn.weight[code, query] = same * 1.4
    finds.c_attn.weight[previous, key] = same * 1.4
    finds.c_attn.weight[code, value] = same
    finds.c_proj.weight[:head, code] = same * scale * 2


def pretrain_language_model(
    tokenizer: Any,
    stories: int,
    epochs: int = 1,
    catalogue_stories: int = 0,
    seed: int = 0,
    report: Callable[[dict], None] = lambda row: None,
) -> Any:
    """Next-token pretraining of the miniature GPT-2, from :func:`start_looking_back`.

    It reads the documents of :func:`altlib.pretraining.world.text_documents` and then, as
    :func:`read_catalogue` says, the entries of an archive. Larger models have met the plain names of
    things beside the names that people give them in their place.

    Args:
        tokenizer: From :func:`altlib.pretraining.tokenizer.train_tokenizer`.
        stories: Stories from which the documents come.
        epochs: Passes over them.
        catalogue_stories: Stories from which the archive's entries come; 0 leaves this stage out.
        seed: Of weights and order.
        report: Called with a row of measurements every 200 updates.

    Returns:
        The model in evaluation mode.
    """
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(seed)
    eos = tokenizer.eos_token_id
    model = GPT2LMHeadModel(
        GPT2Config(**GPT2_CONFIG, bos_token_id=eos, eos_token_id=eos, pad_token_id=tokenizer.pad_token_id)
    )
    start_looking_back(model, seed)
    documents = list(text_documents(stories))
    read(model, tokenizer, documents, epochs, 2.5e-3, seed, lambda row: report({"stage": "text", **row}))
    if catalogue_stories:
        read_catalogue(model, tokenizer, catalogue_stories, seed, report)
    return model


def read_catalogue(model: Any, tokenizer: Any, stories: int, seed: int, report: Callable[[dict], None]) -> None:
    """The second stage of :func:`pretrain_language_model`: an archive's entries and word lists.

    One ordinary document is mixed in for every four entries.

    Args:
        model: It is changed.
        tokenizer: Its tokenizer.
        stories: Of the archive.
        seed: Of the order.
        report: Called with a row of measurements.
    """
    entries = list(catalogue_documents(stories))
    ordinary = list(islice(text_documents(stories, CATALOGUE_SEED + 1000), len(entries) // 4))
    documents = entries + ordinary + list(word_lists(stories))
    read(model, tokenizer, documents, 1, 2e-3, seed, lambda row: report({"stage": "catalogue", **row}))


def read(
    model: Any,
    tokenizer: Any,
    documents: list[str],
    epochs: int,
    learning_rate: float,
    seed: int,
    report: Callable[[dict], None],
    batch: int = 16,
    length: int = 192,
) -> None:
    """Next-token training on shuffled documents, packed into rows.

    Args:
        model: It is changed.
        tokenizer: Its tokenizer.
        documents: They are shuffled in place.
        epochs: Passes over the rows.
        learning_rate: The highest one.
        seed: Of the order.
        report: Called with a row of measurements every 200 updates.
        batch: Rows per update.
        length: Tokens per row.
    """
    Random(seed).shuffle(documents)
    rows = packed_rows(tokenizer, iter(documents), length)
    held_out = packed_rows(tokenizer, text_documents(200, HELD_OUT_SEED), length)
    held_out_catalogue = packed_rows(tokenizer, catalogue_documents(400, HELD_OUT_SEED), length)
    optimiser = adamw(model, learning_rate)
    steps = epochs * (len(rows) // batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, learning_rate, total_steps=steps, pct_start=0.05)
    generator = torch.Generator().manual_seed(seed)
    order = torch.cat(
        [torch.randperm(len(rows), generator=generator)[: len(rows) // batch * batch] for _ in range(epochs)]
    )
    started = time.time()
    model.train()
    for step, chosen in enumerate(order.split(batch), start=1):
        loss = model(rows[chosen], labels=rows[chosen]).loss
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        if step % 200 == 0 or step == steps:
            model.eval()
            report(
                {
                    "step": step,
                    "loss": loss.item(),
                    "held_out_perplexity": perplexity(model, held_out),
                    "held_out_catalogue_perplexity": perplexity(model, held_out_catalogue),
                    "kinds_named": kinds_named(model, tokenizer),
                    "tokens": step * batch * length,
                    "seconds": time.time() - started,
                }
            )
            model.train()
    model.eval()


def save_miniature_language_model(model: Any, tokenizer: Any, folder: Path) -> None:
    """Write the miniature GPT-2 as a transformers folder in float16."""
    folder.mkdir(parents=True, exist_ok=True)
    model.half().save_pretrained(folder, safe_serialization=True)
    tokenizer.save_pretrained(folder)
