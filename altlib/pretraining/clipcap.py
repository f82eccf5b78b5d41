"""Pretrain the mapping network of the miniature ClipCap; GPT-2 stays frozen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

from altlib.core.cache_keys import Key
from altlib.core.code_imports import code_fingerprint
from altlib.miniworld.network import MiniPost
from altlib.models.captioner import CaptionerConfig, Example, MlpMapper, PrefixCaptioner
from altlib.models.clip import Clip
from altlib.models.clipcap import eight_bits
from altlib.pretraining.checkpoint import Stage, descend, fast_arithmetic
from altlib.pretraining.world import (
    CLIPCAP_SEED,
    HELD_OUT_SEED,
    clipcap_text,
    drawn_features,
    first_pictures,
)
from altlib.training.examples import bucketed_batches, example_length


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
    file: Path | None = None,
) -> MlpMapper:
    """Train ClipCap's mapping network on pictures and texts without posts; GPT-2 stays frozen.

    In all epochs but the last, half of the texts are lines of a catalogue, which name all that is drawn,
    or notes of what is seen below what a post is about.

    The second matrix is learned as a product of two factors, which keeps the checkpoint small. A few
    thousand posts are too few for a mapping network to learn what a prefix can say; the captioning
    corpora behind ClipCap's own checkpoints hold millions.

    Args:
        clip: The frozen encoder.
        tokenizer: Of the language model.
        language_model: The frozen GPT-2.
        pictures: How many it learns from.
        epochs: Passes over them.
        batch: Pictures per update.
        learning_rate: The highest one.
        rank: Columns of the first factor of the second matrix.
        seed: Of the weights and the order.
        report: Called with a row of measurements every 200 updates.
        file: Of the checkpoint.
    """
    captioner = build_captioner_on(clip, tokenizer, language_model, seed)
    mapper = captioner.mapper
    assert isinstance(mapper, MlpMapper)
    factorise(mapper, rank, seed)
    posts = first_pictures(CLIPCAP_SEED, pictures)
    held_out = captioned_pictures(captioner, clip, first_pictures(HELD_OUT_SEED, 256))
    features, written = captioned_pictures(captioner, clip, posts)
    named = [captioner.encode("", clipcap_text(p, catalogue=0.5)) for p in posts]
    fit_mapper(
        captioner, features, [named] * (epochs - 1) + [written], held_out, batch, learning_rate, seed, report, file
    )
    return mapper


def fit_mapper(
    captioner: PrefixCaptioner,
    features: Tensor,
    passes: list[list[Example]],
    held_out: tuple[Tensor, list[Example]],
    batch: int,
    learning_rate: float,
    seed: int,
    report: Callable[[dict], None],
    file: Path | None,
) -> None:
    """Train the mapping network of a captioner.

    Args:
        captioner: Its mapping network is changed.
        features: Of the pictures, (n, width).
        passes: For each pass over the pictures, n texts.
        held_out: Features and texts of other pictures.
        batch: Pictures per update.
        learning_rate: The highest one.
        seed: Of the order.
        report: Called with a row of measurements every 100 updates.
        file: Of the checkpoint.
    """
    mapper = cast(MlpMapper, captioner.mapper)
    optimiser = torch.optim.Adam(mapper.parameters(), lr=learning_rate)
    updates = [
        (examples, chosen)
        for epoch, examples in enumerate(passes)
        for chosen in bucketed_batches([example_length(e) for e in examples], batch, seed, epoch)
    ]
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, learning_rate, total_steps=len(updates), pct_start=0.05)
    code = code_fingerprint("pretraining.clipcap")
    key = str(Key(code, features=features, passes=len(passes), batch=batch, rate=learning_rate, seed=seed))
    stage = Stage("clipcap", {"mapper": mapper, "optimiser": optimiser, "schedule": schedule}, file, key)
    stage.restore()
    for row in stage.rows:
        report(row)
    captioner.train()
    while stage.step < len(updates):
        examples, chosen = updates[stage.step]
        with fast_arithmetic():
            loss = captioner.token_losses(features[chosen], [examples[i] for i in chosen])[0].mean()
        descend(loss, optimiser, schedule)
        stage.step += 1
        if stage.step % 100 == 0 or stage.step == len(updates):
            with torch.inference_mode():
                held_out_loss = captioner.token_losses(*held_out)[0].mean().item()
            row = {"step": stage.step, "loss": loss.item(), "held_out_loss": held_out_loss}
            stage.rows.append(row | {"pictures": stage.step * batch, "seconds": stage.elapsed()})
            report(stage.rows[-1])
        stage.save()


def factorise(mapper: MlpMapper, rank: int, seed: int) -> None:
    """Make the second matrix of a mapping network a product of two new factors, of ``rank`` columns and rows."""
    width, hidden = mapper.state_dict()["model.2.weight"].shape
    torch.manual_seed(seed)
    mapper.model[2] = torch.nn.Sequential(torch.nn.Linear(hidden, rank, bias=False), torch.nn.Linear(rank, width))


def captioned_pictures(captioner: PrefixCaptioner, clip: Clip, posts: list[MiniPost]) -> tuple[Tensor, list[Example]]:
    """Features of pictures, (n, width), and what ClipCap learns to write about each."""
    return drawn_features(clip.model, posts), [captioner.encode("", clipcap_text(post)) for post in posts]


def build_captioner_on(clip: Clip, tokenizer: Any, language_model: Any, seed: int) -> PrefixCaptioner:
    """ClipCap with a frozen language model and a new mapping network.

    Args:
        clip: The encoder.
        tokenizer: Of the language model.
        language_model: It is used as it is.
        seed: Of the mapping network.
    """
    torch.manual_seed(seed)
    config = CaptionerConfig(clip_width=clip.width, language_model="", uses_text=False, trains_lm=False, max_tokens=100)
    return PrefixCaptioner(config, tokenizer, language_model)


def save_miniature_clipcap(mapper: MlpMapper, folder: Path) -> None:
    """Write the mapping network of :func:`pretrain_clipcap` in eight bits, the second matrix as its two factors."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    save_file(eight_bits(mapper.state_dict()), folder / "mapper.safetensors")
