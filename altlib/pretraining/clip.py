"""Pretrain the miniature CLIP: first its vision tower on facts, then both towers on mostly caption-like text."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from altlib.evaluation.clip_scores import description_accuracy
from altlib.miniworld.network import MiniPost
from altlib.models.clip import save_clip
from altlib.pretraining.tokenizer import clip_tokenizer
from altlib.pretraining.world import (
    CLIP_SEED,
    FACTS,
    TUNING_SEED,
    VISION_SEED,
    alike_batches,
    clean_alt_text,
    clip_batches,
    drawn_features,
    fact_values,
    first_pictures,
    picture_tensor,
)

LARGEST_SCALE = 4.6052  # of the logit scale: log 100

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


def adamw(model: Any, learning_rate: float, eps: float = 1e-8) -> torch.optim.AdamW:
    """AdamW as CLIP uses it: weight decay 0.1 on matrices, none on biases, norms and scales.

    Args:
        model: Whose parameters learn.
        learning_rate: The highest one.
        eps: Added to the denominator.
    """
    matrices = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim <= 1]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=learning_rate, betas=(0.9, 0.98), eps=eps)


def pretrain_vision(
    visual: Any,
    steps: int,
    batch: int = 64,
    learning_rate: float = 2e-3,
    seed: int = 0,
    report: Callable[[dict], None] = lambda row: None,
) -> None:
    """Teach the vision tower to name what pictures show, before it meets any text.

    One linear classifier per fact reads the image embedding. Contrastive learning alone, on as few
    pictures as a laptop can process, sees settings and colours and hardly any of the 400 glyphs, because
    those two are enough to tell the pictures of a batch apart.

    Args:
        visual: The vision tower; it is changed.
        steps: Updates.
        batch: Pictures per update.
        learning_rate: The highest one.
        seed: Of the classifiers.
        report: Called with a row of measurements every 100 updates.
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
    """A function from n texts to CLIP's token ids, (n, 48), cropped and padded."""
    inner = clip_tokenizer(tokenizer)
    length = CLIP_CONFIG["model_cfg"]["text_cfg"]["context_length"]
    return lambda texts: (
        inner(texts, padding="max_length", truncation=True, max_length=length, return_tensors="pt").input_ids
    )


@dataclass
class ContrastiveStage:
    """Contrastive updates of a CLIP on mostly caption-like text, and its measurements.

    A small share of the texts are descriptions. After each measurement it moves towards the share at
    which the model prefers descriptions on ``target`` of the tuning pictures.

    Attributes:
        name: Of the stage.
        model: The open_clip model; it is changed.
        tokenize: From texts to token ids.
        optimiser: Updates the parameters.
        schedule: Of the learning rate.
        share: Share of descriptions among the texts.
        target: Share of the tuning pictures on which the model is to prefer the description.
        rng: Decides which texts are descriptions.
        report: Called with a row of measurements.
        snapshot: Called with the model after each measurement.
        tuning: Pictures on which the preference is measured.
        started: When the stage began, in seconds.
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
            self.model.logit_scale.clamp_(0, LARGEST_SCALE)

    def measure(self, step: int, loss: Tensor) -> None:
        """Report measurements of the model, and adapt the share of descriptions.

        Args:
            step: Number of the update.
            loss: Of that update.
        """
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
    """Pretrain the miniature CLIP on pictures and mostly caption-like text.

    :func:`pretrain_vision` comes first, then :func:`contrast`, and :func:`sharpen_text` last.

    Args:
        tokenizer: From :func:`altlib.pretraining.tokenizer.train_tokenizer`.
        steps: Contrastive updates.
        batch: Pictures per contrastive update.
        learning_rate: The highest one of the contrastive stage.
        seed: Of all stages.
        vision_steps: Updates of the vision tower on facts.
        text_steps: Updates of the text tower alone.
        description_share: Share of descriptions among the texts at first.
        target_preference: Share of the tuning pictures on which the model is to prefer the description.
        report: Called with a row of measurements every 25 updates (every 100 of the vision tower alone).
        snapshot: Called with the model after each stage and measurement.

    Returns:
        The open_clip model in evaluation mode.
    """
    import open_clip

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
    contrast(stage, steps, batch)
    if text_steps:
        sharpen_text(stage, text_steps, batch, seed=seed)
    return model.eval()


def contrast(stage: ContrastiveStage, steps: int, batch: int) -> None:
    """Contrastive updates of both towers.

    Args:
        stage: Its model is changed.
        steps: Updates.
        batch: Pictures per update.
    """
    from open_clip.loss import ClipLoss

    loss_of = ClipLoss()
    for step, posts in zip(range(1, steps + 1), clip_batches(CLIP_SEED, batch), strict=False):
        loss = loss_of(*stage.model(picture_tensor(posts), stage.texts(posts)))
        stage.update(loss)
        if step % 25 == 0 or step == steps:
            stage.model.eval()
            stage.measure(step, loss)
            stage.model.train()


def sharpen_text(
    before: ContrastiveStage, steps: int, batch: int = 256, learning_rate: float = 1e-3, seed: int = 0
) -> None:
    """Teach the text tower the names of things, with the vision tower locked.

    Every other batch holds pictures that are alike except for their things, so that naming setting and
    colour does not help.

    Args:
        before: The contrastive stage; the share of descriptions continues from where it ended, and
            follows the preference as there.
        steps: Updates.
        batch: Pictures per update.
        learning_rate: The highest one.
        seed: Decides which texts are descriptions.
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


def save_miniature_clip(model: Any, tokenizer: Any, folder: Path) -> None:
    """Write the miniature CLIP as an open_clip folder in float16."""
    save_clip(model, clip_tokenizer(tokenizer), CLIP_CONFIG, folder, half=True)
