"""Pretrain the miniature CLIP and GPT-2 on the miniature world (appendix of the book).

All of it runs on seeds that no chapter uses. CLIP's vision tower first learns to name what is
drawn; then CLIP sees mostly caption-like text, so that, as OpenAI's does, it prefers descriptions
to captions on about half of the images. GPT-2 reads posts with replies and with accounts of
what they are about, captions, and alt text of pictures of other posts.
"""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import pandas as pd
import torch
from torch import Tensor
from torch.nn import functional as F

from .backbones import Clip, load_clip, load_language_model, save_clip
from .baselines import stated_facts
from .captioner import CaptionerConfig, MlpMapper, PrefixCaptioner
from .clipcap import eight_bits
from .decoding import Decoding, best_texts, decode
from .metrics import proportion_interval
from .miniworld.network import (
    MiniPost,
    account,
    account_places,
    catalogued,
    catalogued_kinds,
    network,
    thread,
    word_list,
)
from .miniworld.writers import write_alt_text, write_caption, write_catalogue_line, write_note
from .training import bucketed_batches, example_length

CLIP_SEED = 7_000_001  # pictures and captions for CLIP
TEXT_SEED = 7_000_002  # text for the tokenizer and GPT-2
TUNING_SEED = 7_000_003  # pictures on which the share of descriptions is set
VISION_SEED = 7_000_005  # pictures on which the vision tower learns to name facts
HELD_OUT_SEED = 7_000_004  # pictures on which the model cards' numbers are measured
CLIPCAP_SEED = 7_000_006  # pictures and texts for ClipCap's mapping network
CATALOGUE_SEED = 7_000_007  # archive entries for GPT-2

TOKENIZER_STORIES = 8000

CLIP_CONFIG: dict[str, Any] = {
    "model_cfg": {
        "embed_dim": 128,
        "vision_cfg": {"image_size": 96, "layers": [1, 1, 2, 1], "width": 20},
        "text_cfg": {
            "context_length": 48,
            "vocab_size": 2048,
            "width": 128,
            "heads": 4,
            "layers": 4,
            "hf_tokenizer_name": "tokenizer",
        },
    },
    "preprocess_cfg": {
        "size": 96,
        "mean": [0.5, 0.5, 0.5],
        "std": [0.5, 0.5, 0.5],
        "interpolation": "bicubic",
        "resize_mode": "shortest",
    },
}
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
END_OF_TEXT = "<|endoftext|>"
PADDING = "<|pad|>"


def clean_alt_text(post: MiniPost) -> str:
    """The alt text of a picture before any noise."""
    return write_alt_text(post.story, post.scene, Random(f"{post.item_id}/description"))


def text_documents(stories: int, seed: int = TEXT_SEED) -> Iterator[str]:
    """What GPT-2 reads, one document each: accounts of what a post is about, threads, captions, alt text apart from its post."""
    for index in range(stories):
        yield account(seed, index)
        if index % 2 == 0:
            yield "\n".join(thread(seed + 100, index))
        if index % 4 == 0:
            for post in network(seed + 200, 1, index):
                yield post.caption
        if index % 8 == 0:
            for post in network(seed + 300, 1, index):
                yield clean_alt_text(post)


def train_tokenizer(documents: Iterator[str], vocabulary: int = 2048) -> Any:
    """A byte-level BPE tokenizer; padding is token 0 and the end of text the largest id.

    open_clip pools the text at its largest token id, so that must be the end of text.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary - 1,
        special_tokens=[PADDING],
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    tokenizer.train_from_iterator(documents, trainer)
    tokenizer.add_special_tokens([END_OF_TEXT])
    if tokenizer.token_to_id(END_OF_TEXT) != vocabulary - 1:
        raise ValueError(f"too little text for a vocabulary of {vocabulary}")
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token=END_OF_TEXT,
        bos_token=END_OF_TEXT,
        pad_token=PADDING,
        clean_up_tokenization_spaces=False,
    )


def clip_tokenizer(tokenizer: Any) -> Any:
    """The same tokenizer, ending every text with the end of text as open_clip expects."""
    from tokenizers import Tokenizer, processors
    from transformers import PreTrainedTokenizerFast

    inner = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
    inner.post_processor = processors.TemplateProcessing(
        single=f"$A {END_OF_TEXT}", special_tokens=[(END_OF_TEXT, inner.token_to_id(END_OF_TEXT))]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=inner, eos_token=END_OF_TEXT, pad_token=PADDING, clean_up_tokenization_spaces=False
    )


def picture_tensor(posts: list[MiniPost]) -> Tensor:
    """Pictures as CLIP's preprocessing gives them at their own size, (n, 3, 96, 96)."""
    import numpy as np

    pixels = np.stack([np.asarray(post.draw()) for post in posts])
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).float().div_(127.5).sub_(1.0)


def clip_batches(seed: int, batch: int) -> Iterator[list[MiniPost]]:
    """Endless batches of pictures, at most two of a story in a batch."""
    posts: list[MiniPost] = []
    index = 0
    while True:
        posts.extend([p for p in network(seed, 1, index) if p.dots == 0][:2])
        index += 1
        if len(posts) >= batch:
            yield posts[:batch]
            posts = posts[batch:]


def alike_batches(seed: int, batch: int) -> Iterator[list[MiniPost]]:
    """Endless batches of photographs that share setting, surface, colour and number: only things tell them apart."""
    for number, posts in enumerate(clip_batches(seed, batch)):
        shared = posts[0].scene
        alike = []
        for post in posts:
            scene = replace(
                post.scene,
                form="photo",
                detail="",
                setting=shared.setting,
                surface=shared.surface,
                colour=shared.colour,
                count=shared.count,
            )
            caption = write_caption(post.story, scene, Random(f"alike/{number}/{post.item_id}"))
            alike.append(replace(post, scene=scene, caption=caption))
        yield alike


@torch.inference_mode()
def description_preference(model: Any, tokenize: Callable[[list[str]], Tensor], posts: list[MiniPost]) -> float:
    """Share of pictures whose description scores above their caption."""
    images = torch.cat(
        [model.encode_image(picture_tensor(posts[i : i + 128]), normalize=True) for i in range(0, len(posts), 128)]
    )
    captions = model.encode_text(tokenize([p.caption for p in posts]), normalize=True)
    descriptions = model.encode_text(tokenize([clean_alt_text(p) for p in posts]), normalize=True)
    return float(((images * descriptions).sum(1) > (images * captions).sum(1)).float().mean())


@torch.inference_mode()
def retrieval_accuracy(model: Any, tokenize: Callable[[list[str]], Tensor], posts: list[MiniPost]) -> float:
    """Share of pictures whose own caption ranks first among all captions of ``posts``."""
    images = torch.cat(
        [model.encode_image(picture_tensor(posts[i : i + 128]), normalize=True) for i in range(0, len(posts), 128)]
    )
    captions = model.encode_text(tokenize([p.caption for p in posts]), normalize=True)
    return float(((images @ captions.T).argmax(1) == torch.arange(len(posts))).float().mean())


def first_pictures(seed: int, count: int) -> list[MiniPost]:
    """The first picture of each of ``count`` stories."""
    return [posts[0] for index in range(count) if (posts := list(network(seed, 1, index)))]


def adamw(model: Any, learning_rate: float, eps: float = 1e-8) -> torch.optim.AdamW:
    """AdamW as CLIP uses it: weight decay 0.1 on matrices, none on biases, norms and scales."""
    matrices = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim <= 1]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=learning_rate, betas=(0.9, 0.98), eps=eps)


FACTS = ("glyph", "beside", "side", "setting", "surface", "colour", "count", "form", "detail")


def fact_values(posts: list[MiniPost]) -> dict[str, list[str]]:
    """What each picture shows, by fact; an empty string where its form does not show the fact."""

    def value(post: MiniPost, fact: str) -> str:
        scene = post.scene
        shown = {
            "photo": FACTS,
            "artwork": ("glyph", "setting", "colour", "count", "form", "detail"),
            "chart": ("colour", "form", "detail"),
        }.get(scene.form, ("glyph", "colour", "form", "detail"))
        return "" if fact not in shown else scene.beside.glyph if fact == "beside" else str(getattr(scene, fact))

    return {fact: [value(post, fact) for post in posts] for fact in FACTS}


def pretrain_vision(
    visual: Any,
    steps: int,
    batch: int = 64,
    learning_rate: float = 2e-3,
    seed: int = 0,
    report: Callable[[dict], None] = lambda row: None,
) -> None:
    """Teach the vision tower to name what pictures show, before it meets any text.

    One linear classifier a fact reads the image embedding. Contrastive learning alone, on as few
    pictures as a laptop gets through, sees settings and colours and hardly any of the 400
    glyphs, as those two are enough to tell the pictures of a batch apart.
    """
    vocabulary = fact_values(next(clip_batches(VISION_SEED + 1, 4096)))
    classes = {fact: {v: i for i, v in enumerate(sorted(set(values) - {""}))} for fact, values in vocabulary.items()}
    torch.manual_seed(seed)
    heads = torch.nn.ModuleDict({f: torch.nn.Linear(visual.output_dim, len(c)) for f, c in classes.items()})
    learning = [*visual.parameters(), *heads.parameters()]
    optimiser = torch.optim.AdamW(learning, lr=learning_rate, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, learning_rate, total_steps=steps, pct_start=0.05)
    hits, seen = dict.fromkeys(FACTS, 0), dict.fromkeys(FACTS, 0)
    started = time.time()
    visual.train()
    for step, posts in zip(range(1, steps + 1), clip_batches(VISION_SEED, batch), strict=False):
        embedded = visual(picture_tensor(posts))
        loss = torch.zeros(())
        for fact, values in fact_values(posts).items():
            target = torch.tensor([classes[fact].get(v, -100) for v in values])
            if (target < 0).all():
                continue
            logits = heads[fact](embedded)
            loss = loss + F.cross_entropy(logits, target)
            hits[fact] += int((logits.argmax(1) == target).sum())
            seen[fact] += int((target >= 0).sum())
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(learning, 1.0)
        optimiser.step()
        schedule.step()
        if step % 100 == 0 or step == steps:
            named = {f"names_{f}": hits[f] / max(1, seen[f]) for f in FACTS}
            report({"step": step, "loss": loss.item(), "seconds": time.time() - started, **named})
            hits, seen = dict.fromkeys(FACTS, 0), dict.fromkeys(FACTS, 0)


def clip_texts(tokenizer: Any) -> Callable[[list[str]], Tensor]:
    """A function that gives CLIP's token ids of n texts, (n, 48), cropped and padded."""
    inner = clip_tokenizer(tokenizer)
    length = CLIP_CONFIG["model_cfg"]["text_cfg"]["context_length"]
    return lambda texts: (
        inner(texts, padding="max_length", truncation=True, max_length=length, return_tensors="pt").input_ids
    )


@dataclass
class ContrastiveStage:
    """Contrastive updates of a CLIP on mostly caption-like text, and its measurement every 25 of them.

    ``share`` of the texts are descriptions; after each measurement it moves towards the one at
    which the model prefers descriptions on ``target`` of the tuning pictures.
    """

    name: str
    model: Any
    tokenize: Callable[[list[str]], Tensor]
    optimiser: torch.optim.Optimizer
    schedule: Any
    share: float
    target: float
    rng: Random
    report: Callable[[dict], None]
    snapshot: Callable[[Any], None]
    tuning: list[MiniPost] = field(default_factory=lambda: first_pictures(TUNING_SEED, 512))
    started: float = field(default_factory=time.time)

    def texts(self, posts: list[MiniPost]) -> Tensor:
        """Token ids of a caption or, rarely, a description of each picture, (n, 48)."""
        return self.tokenize([clean_alt_text(p) if self.rng.random() < self.share else p.caption for p in posts])

    def update(self, loss: Tensor) -> None:
        """One optimiser step; the logit scale stays at most 100, as in CLIP."""
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_([p for p in self.model.parameters() if p.grad is not None], 1.0)
        self.optimiser.step()
        self.schedule.step()
        with torch.no_grad():
            self.model.logit_scale.clamp_(0, 4.6052)

    def measure(self, step: int, loss: Tensor) -> None:
        """Report where the model is, and adapt the share of descriptions. The model must be in evaluation mode."""
        preference = description_preference(self.model, self.tokenize, self.tuning)
        self.report(
            {
                "stage": self.name,
                "step": step,
                "loss": loss.item(),
                "description_share": self.share,
                "preference": preference,
                "retrieval_256": retrieval_accuracy(self.model, self.tokenize, self.tuning[:256]),
                "seconds": time.time() - self.started,
            }
        )
        self.snapshot(self.model)
        self.share = min(max(self.share + 0.08 * (self.target - preference), 0.0), 0.3)


def pretrain_clip(
    tokenizer: Any,
    steps: int,
    batch: int = 256,
    learning_rate: float = 1e-3,
    seed: int = 0,
    vision_steps: int = 1400,
    text_steps: int = 200,
    description_share: float = 0.02,
    target_preference: float = 0.5,
    report: Callable[[dict], None] = lambda row: None,
    snapshot: Callable[[Any], None] = lambda model: None,
) -> Any:
    """Contrastive pretraining on pictures and mostly caption-like text.

    :func:`pretrain_vision` comes before it, :func:`sharpen_text` after it.

    Every 25 steps the share of descriptions among the texts moves towards the one at which
    the model prefers descriptions on ``target_preference`` of the tuning pictures. Returns the
    open_clip model; ``report`` receives a row of measurements at each of these points.
    """
    import open_clip
    from open_clip.loss import ClipLoss

    torch.manual_seed(seed)
    model = open_clip.model.CLIP(**CLIP_CONFIG["model_cfg"])
    if vision_steps:
        pretrain_vision(model.visual, vision_steps, seed=seed, report=lambda row: report({"stage": "vision", **row}))
        snapshot(model)
    optimiser = adamw(model, learning_rate, eps=1e-6)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, learning_rate, total_steps=steps, pct_start=0.08)
    stage = ContrastiveStage(
        "contrastive",
        model,
        clip_texts(tokenizer),
        optimiser,
        schedule,
        description_share,
        target_preference,
        Random(seed),
        report,
        snapshot,
    )
    loss_of = ClipLoss()
    for step, posts in zip(range(1, steps + 1), clip_batches(CLIP_SEED, batch), strict=False):
        loss = loss_of(*model(picture_tensor(posts), stage.texts(posts)))
        stage.update(loss)
        if step % 25 == 0 or step == steps:
            model.eval()
            stage.measure(step, loss)
            model.train()
    if text_steps:
        sharpen_text(stage, text_steps, batch, seed=seed)
    return model.eval()


def packed_rows(tokenizer: Any, documents: Iterator[str], length: int) -> Tensor:
    """Documents, each followed by the end of text, packed into rows of ``length`` tokens."""
    ids: list[int] = []
    for document in documents:
        ids.extend([*tokenizer(document).input_ids, tokenizer.eos_token_id])
    rows = len(ids) // length
    return torch.tensor(ids[: rows * length]).view(rows, length)


@torch.inference_mode()
def perplexity(model: Any, rows: Tensor) -> float:
    """exp of the mean negative log-likelihood a token."""
    losses = []
    for batch in rows.split(32):
        logits = model(batch).logits[:, :-1]
        losses.append(F.cross_entropy(logits.flatten(0, 1), batch[:, 1:].flatten()).item())
    return float(torch.tensor(losses).mean().exp())


@torch.inference_mode()
def places_named(model: Any, tokenizer: Any, stories: int = 100) -> dict[str, float]:
    """How often the model predicts the name of a place in the account below a post that tells it.

    Shares of tokens that get the highest probability: ``first`` of each name, where the setting
    tells which of the post's places it must be, and ``later`` ones, where copying is enough.
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

    The share of archive entries with a post (:func:`catalogued`) in which the kind's first token
    gets the highest probability; the plain name or the post alone leaves it open.
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

    In larger models an *induction head* forms by itself after a hundred million tokens or more:
    a head of one layer notes at every token which token came before it, and a head of the next
    finds the place where the present token followed, and copies what came after. Two million
    parameters and a few million tokens do not get there, and without it nothing of a post but
    its style reaches the alt text. So the first head of the first layer begins as the one and
    the first head of the second layer as the other; all weights learn on from there.

    Three slices of the embedding, each as wide as a head, hold at first the position (sines and
    cosines), nothing yet (the previous token's code), and a code of the token.
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


def catalogue_documents(stories: int, seed: int = CATALOGUE_SEED) -> Iterator[str]:
    """What GPT-2 reads after :func:`text_documents`: entries of an archive, which say in plain names what is drawn."""
    for index in range(stories):
        yield from catalogued(seed, index)


def word_lists(stories: int, seed: int = CATALOGUE_SEED) -> Iterator[str]:
    """The archive's word lists, one to two stories: what a topic calls a thing, said often enough to be learned."""
    for index in range(stories // 2):
        yield word_list(seed + 2000, index)


def pretrain_language_model(
    tokenizer: Any,
    stories: int,
    epochs: int = 1,
    catalogue_stories: int = 0,
    seed: int = 0,
    report: Callable[[dict], None] = lambda row: None,
) -> Any:
    """Next-token pretraining of the miniature GPT-2 on :func:`text_documents`, from :func:`start_looking_back`.

    Then it reads the entries of ``catalogue_stories``, mixed with one ordinary document to four and
    with word lists: larger models have met the plain names of things beside what people call them
    where they are.
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
    """The second half of :func:`pretrain_language_model`."""
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
    """Next-token training on shuffled documents, packed into rows of ``length`` tokens, ``batch`` rows an update."""
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


def sharpen_text(
    before: ContrastiveStage, steps: int, batch: int = 256, learning_rate: float = 1e-3, seed: int = 0
) -> None:
    """Teach the text tower the names of things, with the vision tower locked.

    Every other batch holds pictures that are alike but for their things, so that naming setting
    and colour does not help. The share of descriptions goes on from where the stage
    ``before`` left it, and follows the preference as there.
    """
    from open_clip.loss import ClipLoss

    model = before.model
    model.eval()  # the vision tower's batch statistics stay as they are
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(not name.startswith("visual."))
    learning = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(learning, lr=learning_rate, weight_decay=0.05, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, learning_rate, total_steps=steps, pct_start=0.1)
    stage = replace(before, name="text", optimiser=optimiser, schedule=schedule, rng=Random(seed), started=time.time())
    loss_of = ClipLoss()
    ordinary, alike = clip_batches(CLIP_SEED + 10, batch), alike_batches(CLIP_SEED + 11, batch)
    for step in range(1, steps + 1):
        posts = next(alike if step % 2 else ordinary)
        with torch.no_grad():
            images = model.encode_image(picture_tensor(posts), normalize=True)
        loss = loss_of(images, model.encode_text(stage.texts(posts), normalize=True), model.logit_scale.exp())
        stage.update(loss)
        if step % 25 == 0 or step == steps:
            stage.measure(step, loss)
    model.requires_grad_(True)


def clipcap_text(post: MiniPost, catalogue: float = 0.0) -> str:
    """What the miniature ClipCap learns to write of a picture: alt text seven times in ten, else a caption.

    With ``catalogue``, so often its line in an archive's catalogue instead, or a note of what is seen
    below what its post is about: the prefix must tell what is drawn, whatever the topic calls it.
    """
    rng = Random(f"{post.item_id}/clipcap")
    if rng.random() < catalogue:
        if rng.random() < 0.5:
            return write_catalogue_line(post.scene, rng)
        return write_note(post.story, post.scene, rng)
    return clean_alt_text(post) if rng.random() < 0.7 else post.caption


@torch.inference_mode()
def drawn_features(clip: Clip, posts: list[MiniPost], batch: int = 128) -> Tensor:
    """CLIP embeddings of pictures that are drawn and forgotten, (n, width)."""
    parts = (posts[i : i + batch] for i in range(0, len(posts), batch))
    return torch.cat([clip.model.encode_image(picture_tensor(part), normalize=True).float() for part in parts])


def pretrain_clipcap(
    clip: Clip,
    tokenizer: Any,
    language_model: Any,
    pictures: int,
    epochs: int = 3,
    batch: int = 64,
    learning_rate: float = 3e-3,
    rank: int = 160,
    seed: int = 0,
    report: Callable[[dict], None] = lambda row: None,
    snapshot: Callable[[MlpMapper], None] = lambda mapper: None,
) -> MlpMapper:
    """Train ClipCap's mapping network on pictures and texts without posts; GPT-2 stays frozen.

    In all epochs but the last, a quarter of the texts are lines of a catalogue: they name the main
    thing plainly, which captions and alt text hardly do, as what they call it depends on the post.
    Another quarter call it as the topic does, below two words of that topic.

    The second matrix is learned as a product of ``rank`` columns and rows, which keeps the
    checkpoint small. A few thousand posts are too few for a mapping network to learn what a
    prefix can say; the captioning corpora from which ClipCap's checkpoints come hold millions.
    """
    captioner = build_captioner_on(clip, tokenizer, language_model, seed)
    mapper = captioner.mapper
    assert isinstance(mapper, MlpMapper)
    width, hidden = mapper.state_dict()["model.2.weight"].shape
    torch.manual_seed(seed)
    mapper.model[2] = torch.nn.Sequential(torch.nn.Linear(hidden, rank, bias=False), torch.nn.Linear(rank, width))
    stream = (post for posts in clip_batches(CLIPCAP_SEED, 64) for post in posts)
    posts = list(islice(stream, pictures))
    held_out = first_pictures(HELD_OUT_SEED, 256)
    features, held_out_features = drawn_features(clip, posts), drawn_features(clip, held_out)
    named = [captioner.encode("", clipcap_text(p, catalogue=0.5)) for p in posts]
    written = [captioner.encode("", clipcap_text(p)) for p in posts]
    held_out_examples = [captioner.encode("", clipcap_text(p)) for p in held_out]
    optimiser = torch.optim.Adam(mapper.parameters(), lr=learning_rate)
    steps = epochs * math.ceil(pictures / batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, learning_rate, total_steps=steps, pct_start=0.05)
    captioner.train()
    started, step = time.time(), 0
    for epoch in range(epochs):
        examples = written if epoch == epochs - 1 else named
        lengths = [example_length(e) for e in examples]
        for chosen in bucketed_batches(lengths, batch, seed, epoch):
            losses, _ = captioner.token_losses(features[chosen], [examples[i] for i in chosen])
            loss = losses.mean()
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(mapper.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            step += 1
            if step % 200 == 0 or step == steps:
                with torch.inference_mode():
                    held_out_loss = captioner.token_losses(held_out_features, held_out_examples)[0].mean().item()
                row = {"step": step, "loss": loss.item(), "held_out_loss": held_out_loss}
                report(row | {"pictures": step * batch, "seconds": time.time() - started})
                snapshot(mapper)
    return mapper


def build_captioner_on(clip: Clip, tokenizer: Any, language_model: Any, seed: int) -> PrefixCaptioner:
    """ClipCap with a frozen language model and a new mapping network."""
    torch.manual_seed(seed)
    config = CaptionerConfig(clip_width=clip.width, language_model="", uses_text=False, trains_lm=False, max_tokens=100)
    return PrefixCaptioner(config, tokenizer, language_model)


def save_miniature_clipcap(mapper: MlpMapper, folder: Path) -> None:
    """Write the mapping network of :func:`pretrain_clipcap` in eight bits, the second matrix as its two factors."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    save_file(eight_bits(mapper.state_dict()), folder / "mapper.safetensors")


def save_miniature_clip(model: Any, tokenizer: Any, folder: Path) -> None:
    """Write the miniature CLIP as an open_clip folder in float16."""
    save_clip(model, clip_tokenizer(tokenizer), CLIP_CONFIG, folder, half=True)


def save_miniature_language_model(model: Any, tokenizer: Any, folder: Path) -> None:
    """Write the miniature GPT-2 as a transformers folder in float16."""
    folder.mkdir(parents=True, exist_ok=True)
    model.half().save_pretrained(folder, safe_serialization=True)
    tokenizer.save_pretrained(folder)


def write_measurements(rows: list[dict], path: Path) -> None:
    """Keep what a pretraining run reported, as JSON lines."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def pretrain_all(
    folder: Path,
    vision_steps: int,
    clip_steps: int,
    clip_batch: int,
    text_stories: int,
    text_epochs: int,
    catalogue_stories: int,
    clipcap_pictures: int,
    clipcap_epochs: int,
) -> None:
    """Train tokenizer, GPT-2, CLIP and ClipCap; write them to ``folder/gpt2``, ``clip`` and ``clipcap`` with their measurements."""
    tokenizer = train_tokenizer(text_documents(TOKENIZER_STORIES))
    rows: list[dict] = []
    language_model = pretrain_language_model(
        tokenizer, text_stories, text_epochs, catalogue_stories, report=rows.append
    )
    save_miniature_language_model(language_model, tokenizer, folder / "gpt2")
    write_measurements(rows, folder / "gpt2" / "measurements.jsonl")
    rows = []
    model = pretrain_clip(tokenizer, clip_steps, clip_batch, vision_steps=vision_steps, report=rows.append)
    save_miniature_clip(model, tokenizer, folder / "clip")
    write_measurements(rows, folder / "clip" / "measurements.jsonl")
    rows = []
    # As they are read back, in half precision, is how the mapping network will meet them.
    clip, (tokenizer, language_model) = load_clip(str(folder / "clip")), load_language_model(str(folder / "gpt2"))
    mapper = pretrain_clipcap(clip, tokenizer, language_model, clipcap_pictures, clipcap_epochs, report=rows.append)
    save_miniature_clipcap(mapper, folder / "clipcap")
    write_measurements(rows, folder / "clipcap" / "measurements.jsonl")


def measure(
    clip: Clip, tokenizer: Any, language_model: Any, mapping: dict[str, Tensor], pictures: int
) -> dict[str, Any]:
    """The model cards' numbers on held-out pictures and texts: preference, retrieval, perplexity, copying, facts stated.

    ``mapping`` the weights of ClipCap's mapping network (:func:`altlib.clipcap.read_clipcap`).
    """
    held_out = first_pictures(HELD_OUT_SEED, pictures)
    retrieved = held_out[:256]
    rows = packed_rows(tokenizer, text_documents(200, HELD_OUT_SEED), 192)
    captioner = build_captioner_on(clip, tokenizer, language_model, 0).eval()
    assert captioner.mapper is not None
    captioner.mapper.load_state_dict(mapping)
    texts = best_texts(
        decode(captioner, drawn_features(clip, held_out), [""] * len(held_out), Decoding(beams=1, max_tokens=60))
    )
    stated = stated_facts({"ClipCap": texts}, [p.facts for p in held_out]).drop(columns=["system", "place", "quality"])
    return {
        "pictures": pictures,
        "description_preference": description_preference(clip.model, clip.tokenize, held_out),
        "retrieval_256": retrieval_accuracy(clip.model, clip.tokenize, retrieved),
        "retrieval_pictures": len(retrieved),
        "perplexity": perplexity(language_model, rows),
        "places_named": places_named(language_model, tokenizer),
        "kinds_named": kinds_named(language_model, tokenizer),
        "clipcap_states": {fact: float(share) for fact, share in stated.iloc[0].items()},
    }


def as_table(measured: dict[str, Any]) -> pd.DataFrame:
    """The numbers of :func:`measure` with 95% intervals where they are shares of pictures."""

    def share(what: str, value: float, pictures: int) -> tuple[str, float, float | None, float | None]:
        low, high = proportion_interval(round(value * pictures), pictures)
        return what, 100 * value, 100 * low, 100 * high

    retrieved, places = measured["retrieval_pictures"], measured["places_named"]
    rows: list[tuple[str, float, float | None, float | None]] = [
        share(
            "CLIP prefers the description to the caption (%)", measured["description_preference"], measured["pictures"]
        ),
        share(f"CLIP ranks the own caption first of {retrieved} (%)", measured["retrieval_256"], retrieved),
        ("GPT-2's perplexity on unseen accounts, threads, captions and alt text", measured["perplexity"], None, None),
        ("GPT-2 picks the right one of a post's places (% of first tokens)", 100 * places["first"], None, None),
        ("GPT-2 goes on copying its name (% of later tokens)", 100 * places["later"], None, None),
        (
            "GPT-2 calls a thing as the post's topic does, given its plain name (% of first tokens)",
            100 * measured["kinds_named"],
            None,
            None,
        ),
        *(
            (f"frozen ClipCap states the {fact} rightly (%, greedy)", value, None, None)
            for fact, value in measured["clipcap_states"].items()
        ),
    ]
    return pd.DataFrame(rows, columns=["what", "value", "95% low", "95% high"])
