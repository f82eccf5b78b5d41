"""Pretrain the miniature GPT-2 on posts, replies, accounts, captions, alt text and an archive's entries."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from altlib.core.cache_keys import Key
from altlib.core.code_imports import code_fingerprint
from altlib.miniworld.network import account, account_told
from altlib.pretraining.checkpoint import Stage, adamw, descend, fast_arithmetic
from altlib.pretraining.world import HELD_OUT_SEED, text_documents

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
def names_copied(model: Any, tokenizer: Any, stories: int = 150) -> dict[str, float]:
    """How often the model predicts a name in the account below a post that tells it.

    Args:
        model: A causal model of transformers.
        tokenizer: Its tokenizer.
        stories: How many accounts.

    Returns:
        Shares of tokens that get the highest probability: ``first`` of the first token of each name,
        where the model must know which name comes, if any, and ``later`` of the others, where copying
        is enough.
    """
    hits, seen = {"first": 0, "later": 0}, {"first": 0, "later": 0}
    for index in range(stories):
        text, names = account(HELD_OUT_SEED, index), account_told(HELD_OUT_SEED, index)
        encoded = tokenizer(text, return_offsets_mapping=True)
        predicted = model(torch.tensor([encoded.input_ids])).logits[0, :-1].argmax(-1).tolist()
        below = text.index("\n")
        spans = [(m.start(), m.end()) for n in names for m in re.finditer(re.escape(n), text) if m.start() > below]
        for guess, token, (start, end) in zip(
            predicted, encoded.input_ids[1:], encoded.offset_mapping[1:], strict=True
        ):
            for a, b in spans:
                if start < b and end > a:
                    part = "first" if start <= a else "later"
                    hits[part] += guess == token
                    seen[part] += 1
    return {part: hits[part] / max(1, seen[part]) for part in hits}


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


def new_language_model(tokenizer: Any, seed: int) -> Any:
    """The miniature GPT-2 before it has read anything, from :func:`start_looking_back`."""
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(seed)
    eos = tokenizer.eos_token_id
    model = GPT2LMHeadModel(
        GPT2Config(**GPT2_CONFIG, bos_token_id=eos, eos_token_id=eos, pad_token_id=tokenizer.pad_token_id)
    )
    start_looking_back(model, seed)
    return model


def pretrain_language_model(
    tokenizer: Any,
    stories: int,
    batch: int = 16,
    length: int = 192,
    learning_rate: float = 2.5e-3,
    seed: int = 0,
    report: Callable[[dict], None] = lambda row: None,
    file: Path | None = None,
) -> Any:
    """Next-token pretraining of the miniature GPT-2, one pass over the documents of some stories.

    The documents are shuffled and packed into rows.

    Args:
        tokenizer: From :func:`altlib.pretraining.tokenizer.train_tokenizer`.
        stories: Stories from which the documents come.
        batch: Rows per update.
        length: Tokens per row.
        learning_rate: The highest one.
        seed: Of weights and order.
        report: Called with a row of measurements every 200 updates.
        file: Of the checkpoint.

    Returns:
        The model in evaluation mode.
    """
    model = new_language_model(tokenizer, seed)
    documents = list(text_documents(stories))
    Random(seed).shuffle(documents)
    rows = packed_rows(tokenizer, iter(documents), length)
    held_out = packed_rows(tokenizer, text_documents(200, HELD_OUT_SEED), length)
    steps = len(rows) // batch
    optimiser = adamw(model, learning_rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, learning_rate, total_steps=steps, pct_start=0.05)
    key = str(Key(code_fingerprint("pretraining.language"), rows=rows, batch=batch, rate=learning_rate, seed=seed))
    stage = Stage("text", {"model": model, "optimiser": optimiser, "schedule": schedule}, file, key)
    stage.restore()
    for row in stage.rows:
        report(row)
    model.train()
    while stage.step < steps:
        chosen = rows[stage.step * batch : (stage.step + 1) * batch]
        with fast_arithmetic():
            loss = model(chosen, labels=chosen).loss
        descend(loss, optimiser, schedule)
        stage.step += 1
        if stage.step % 200 == 0 or stage.step == steps:
            stage.rows.append(measured(model, tokenizer, held_out, stage, loss.item(), batch * length))
            report(stage.rows[-1])
        stage.save()
    stage.save(at_once=True)
    return model.eval()


def measured(
    model: Any, tokenizer: Any, held_out: Tensor, stage: Stage, loss: float, tokens: int
) -> dict[str, float | str]:
    """A row of measurements of a model that is learning.

    Args:
        model: The GPT-2.
        tokenizer: Its tokenizer.
        held_out: Rows of text that it does not learn from.
        stage: How far it is.
        loss: Of the last update.
        tokens: Of one update.
    """
    model.eval()
    copied = names_copied(model, tokenizer, 60)
    row: dict[str, float | str] = {
        "stage": stage.name,
        "step": stage.step,
        "loss": loss,
        "held_out_perplexity": perplexity(model, held_out),
        "names_first": copied["first"],
        "names_later": copied["later"],
        "tokens": stage.step * tokens,
        "seconds": stage.elapsed(),
    }
    model.train()
    return row


def save_miniature_language_model(model: Any, tokenizer: Any, folder: Path) -> None:
    """Write the miniature GPT-2 as a transformers folder in float16."""
    folder.mkdir(parents=True, exist_ok=True)
    model.half().save_pretrained(folder, safe_serialization=True)
    tokenizer.save_pretrained(folder)
