"""Pretrain the miniature CLIP: its vision tower on facts, then its text tower on mostly caption-like text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from altlib.core.cache_keys import Key
from altlib.core.code_imports import code_fingerprint
from altlib.evaluation.clip_scores import description_accuracy
from altlib.miniworld.captions import write_caption
from altlib.miniworld.network import MiniPost
from altlib.models.clip import save_clip
from altlib.pretraining.checkpoint import Stage, adamw, descend, fast_arithmetic
from altlib.pretraining.tokenizer import clip_tokenizer
from altlib.pretraining.vision import pretrain_vision
from altlib.pretraining.world import (
    CLIP_SEED,
    TUNING_SEED,
    clean_alt_text,
    drawn_features,
    first_pictures,
    title,
)

LARGEST_SCALE = 4.6052  # of the logit scale: log 100
CODE = code_fingerprint("pretraining.clip")
GAIN = 0.06  # change of the share of descriptions for a preference that is off by one
MOST_DESCRIPTIONS = 0.25  # among the texts
TITLES = 0.15  # share of the texts that are short titles
MEASURED = 384  # tuning pictures
SETUPS_IN_A_BATCH = 4  # kinds of scenes in every other batch

CLIP_CONFIG: dict[str, Any] = {
    "model_cfg": {
        "embed_dim": 128,
        "vision_cfg": {"image_size": 96, "layers": [1, 1, 2, 1], "width": 20},
        "text_cfg": {
            "context_length": 56,
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


@torch.inference_mode()
def description_preference(model: Any, tokenize: Callable[[list[str]], Tensor], posts: list[MiniPost]) -> float:
    """Share of pictures whose description scores above their caption.

    Args:
        model: An open_clip model.
        tokenize: From texts to its token ids.
        posts: The pictures.
    """
    captions = model.encode_text(tokenize([p.caption for p in posts]), normalize=True)
    descriptions = model.encode_text(tokenize([clean_alt_text(p) for p in posts]), normalize=True)
    return description_accuracy(drawn_features(model, posts), captions, descriptions)


@torch.inference_mode()
def retrieval_accuracy(model: Any, tokenize: Callable[[list[str]], Tensor], posts: list[MiniPost]) -> float:
    """Share of pictures whose own caption ranks first among all captions of ``posts``.

    Args:
        model: An open_clip model.
        tokenize: From texts to its token ids.
        posts: The pictures.
    """
    captions = model.encode_text(tokenize([p.caption for p in posts]), normalize=True)
    best = (drawn_features(model, posts) @ captions.T).argmax(1)
    return float((best == torch.arange(len(posts))).float().mean())


def clip_texts(tokenizer: Any) -> Callable[[list[str]], Tensor]:
    """A function from n texts to CLIP's token ids, (n, 56), cropped and padded."""
    inner = clip_tokenizer(tokenizer)
    length = CLIP_CONFIG["model_cfg"]["text_cfg"]["context_length"]
    return lambda texts: (
        inner(texts, padding="max_length", truncation=True, max_length=length, return_tensors="pt").input_ids
    )


def encode_texts(model: Any, tokens: Tensor, parts: int = 4) -> Tensor:
    """What ``model.encode_text`` gives, without computing columns that are padding.

    The text tower is causal and pools at the end of text, so that padding behind it changes nothing.

    Args:
        model: An open_clip model.
        tokens: (n, T).
        parts: Texts of similar length are computed together, in so many parts.

    Returns:
        Unit vectors, (n, width).
    """
    lengths = (tokens != 0).sum(1)
    order = lengths.argsort()
    encoded = []
    for rows in order.chunk(parts):
        length = int(lengths[rows].max())
        part = tokens[rows, :length]
        x = model.token_embedding(part) + model.positional_embedding[:length]
        x = model.ln_final(model.transformer(x, attn_mask=model.attn_mask[:length, :length]))
        encoded.append(x[torch.arange(len(rows)), part.argmax(1)] @ model.text_projection)
    return F.normalize(torch.cat(encoded)[order.argsort()].float(), dim=-1)


class ContrastiveData:
    """The pictures of the contrastive stage, seen by the vision tower once.

    Attributes:
        posts: The pictures.
        features: Their unit-length embeddings, (n, width).
        by_setup: Numbers of the pictures of each kind of scene.
    """

    def __init__(self, model: Any, pictures: int):
        self.posts = first_pictures(CLIP_SEED, pictures)
        with fast_arithmetic():
            self.features = drawn_features(model, self.posts).clone()
        setups = np.array([post.story.setup for post in self.posts])
        self.by_setup = [np.flatnonzero(setups == name) for name in np.unique(setups)]

    def batch(self, step: int, size: int, seed: int) -> list[int]:
        """Numbers of the pictures of an update; every other batch shows few kinds of scenes.

        Scenes of one kind share places and colours, so that only naming the things tells them apart.
        """
        rng = np.random.default_rng([seed, step])
        if step % 2:
            kinds = rng.choice(len(self.by_setup), SETUPS_IN_A_BATCH, replace=False)
            pool = np.concatenate([self.by_setup[kind] for kind in kinds])
            return list(rng.choice(pool, min(size, len(pool)), replace=False))
        return list(rng.choice(len(self.posts), min(size, len(self.posts)), replace=False))


def written_about(post: MiniPost, share: float, other: MiniPost, rng: Random) -> str:
    """A text about a picture as CLIP meets it on the web: mostly a caption.

    Args:
        post: The picture.
        share: Of descriptions. A negative one is the share of descriptions that belong to another picture:
            noise that makes descriptions less trusted.
        other: That picture.
        rng: Chooses.
    """
    kind = rng.random()
    if kind < abs(share):
        return clean_alt_text(post if share > 0 else other)
    if kind < abs(share) + TITLES:
        return title(post, rng)
    return write_caption(post.story, post.scene, rng)


def contrastive_loss(model: Any, images: Tensor, tokens: Tensor) -> Tensor:
    """CLIP's loss of B pictures and their texts, a scalar: each is to be told from the others of the batch.

    Args:
        model: The open_clip model.
        images: Unit vectors of the pictures, (B, width).
        tokens: Of the texts, (B, context).
    """
    with fast_arithmetic():
        read = encode_texts(model, tokens)
    logits = model.logit_scale.exp() * images @ read.T  # (B, B)
    own = torch.arange(len(images))
    return (F.cross_entropy(logits, own) + F.cross_entropy(logits.T, own)) / 2


def contrast(
    model: Any,
    tokenize: Callable[[list[str]], Tensor],
    steps: int,
    pictures: int,
    batch: int = 256,
    learning_rate: float = 1e-3,
    share: float = 0.02,
    target: float = 0.5,
    seed: int = 0,
    report: Callable[[dict], None] = lambda row: None,
    file: Path | None = None,
) -> None:
    """Contrastive updates of the text tower; the vision tower is locked (as in LiT, Zhai et al. 2022).

    A small share of the texts are descriptions (:func:`written_about`). After each measurement it moves
    towards the share at which the model prefers descriptions on ``target`` of the tuning pictures.

    Args:
        model: The open_clip model; it is changed.
        tokenize: From texts to token ids.
        steps: Updates.
        pictures: How many it learns from.
        batch: Pictures per update.
        learning_rate: The highest one.
        share: Share of descriptions among the texts at first.
        target: Share of the tuning pictures on which the model is to prefer the description.
        seed: Of the batches and texts.
        report: Called with a row of measurements every 20 updates.
        file: Of the checkpoint.
    """
    model.eval()
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(not name.startswith("visual."))
    data, tuning = ContrastiveData(model, pictures), first_pictures(TUNING_SEED, MEASURED)
    optimiser = adamw(model, learning_rate, eps=1e-6)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, learning_rate, total_steps=steps, pct_start=0.08)
    key = str(Key(CODE, features=data.features, steps=steps, batch=batch, rate=learning_rate, target=target, seed=seed))
    parts = {"model": model, "optimiser": optimiser, "schedule": schedule}
    stage = Stage("contrastive", parts, file, key, extra={"share": share})
    stage.restore()
    for row in stage.rows:
        report(row)
    while stage.step < steps:
        chosen, rng = data.batch(stage.step, batch, seed), Random(f"contrast/{seed}/{stage.step}")
        share = stage.extra["share"]
        texts = [written_about(data.posts[i], share, rng.choice(data.posts), rng) for i in chosen]
        loss = contrastive_loss(model, data.features[chosen], tokenize(texts))
        descend(loss, optimiser, schedule)
        with torch.no_grad():
            model.logit_scale.clamp_(0, LARGEST_SCALE)
        stage.step += 1
        if stage.step % 20 == 0 or stage.step == steps:
            measure(model, tokenize, tuning, stage, loss.item())
            report(stage.rows[-1])
            moved = stage.extra["share"] + GAIN * (target - stage.rows[-1]["preference"])
            stage.extra["share"] = min(max(moved, -MOST_DESCRIPTIONS), MOST_DESCRIPTIONS)
        stage.save()
    stage.save(at_once=True)
    model.requires_grad_(True)


def measure(
    model: Any, tokenize: Callable[[list[str]], Tensor], tuning: list[MiniPost], stage: Stage, loss: float
) -> None:
    """Add a row of measurements to a contrastive stage.

    Args:
        model: The open_clip model.
        tokenize: From texts to token ids.
        tuning: Pictures on which it is measured.
        stage: How far it is.
        loss: Of the last update.
    """
    stage.rows.append(
        {
            "stage": stage.name,
            "step": stage.step,
            "loss": loss,
            "description_share": stage.extra["share"],
            "preference": description_preference(model, tokenize, tuning),
            "retrieval_256": retrieval_accuracy(model, tokenize, tuning[:256]),
            "seconds": stage.elapsed(),
        }
    )


def pretrain_clip(
    tokenizer: Any,
    steps: int,
    pictures: int,
    batch: int = 256,
    seed: int = 0,
    vision_steps: int = 1500,
    report: Callable[[dict], None] = lambda row: None,
    folder: Path | None = None,
) -> Any:
    """Pretrain the miniature CLIP on pictures and mostly caption-like text.

    :func:`altlib.pretraining.vision.pretrain_vision` comes first, then :func:`contrast`.

    Args:
        tokenizer: From :func:`altlib.pretraining.tokenizer.train_tokenizer`.
        steps: Contrastive updates.
        pictures: How many these learn from.
        batch: Pictures per contrastive update.
        seed: Of all stages.
        vision_steps: Updates of the vision tower on facts.
        report: Called with a row of measurements every 20 updates (every 100 of the vision tower alone).
        folder: Of the checkpoints.

    Returns:
        The open_clip model in evaluation mode.
    """
    import open_clip

    torch.manual_seed(seed)
    model = open_clip.model.CLIP(**CLIP_CONFIG["model_cfg"])
    files = (folder / "vision.pt", folder / "contrastive.pt") if folder else (None, None)
    pretrain_vision(
        model.visual, vision_steps, seed=seed, report=lambda row: report({"stage": "vision", **row}), file=files[0]
    )
    contrast(model, clip_texts(tokenizer), steps, pictures, batch, seed=seed, report=report, file=files[1])
    return model.eval()


def save_miniature_clip(model: Any, tokenizer: Any, folder: Path) -> None:
    """Write the miniature CLIP as an open_clip folder in float16."""
    save_clip(model, clip_tokenizer(tokenizer), CLIP_CONFIG, folder, half=True)
