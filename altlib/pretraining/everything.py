"""Pretrain all miniature models: the entry point, which the appendix on pretraining calls."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from altlib.models.clip import load_clip
from altlib.models.clipcap import read_clipcap
from altlib.models.language import load_language_model
from altlib.pretraining.cards import write_cards
from altlib.pretraining.clip import pretrain_clip, save_miniature_clip
from altlib.pretraining.clipcap import pretrain_clipcap, save_miniature_clipcap
from altlib.pretraining.language import pretrain_language_model, save_miniature_language_model
from altlib.pretraining.measure import measure
from altlib.pretraining.tokenizer import TOKENIZER_STORIES, train_tokenizer
from altlib.pretraining.world import text_documents

MEASURED = 512  # held-out pictures on which the cards' numbers are measured


def write_measurements(rows: list[dict], path: Path) -> None:
    """Write what a pretraining run reported, as JSON lines."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def pretrain_all(
    folder: Path,
    vision_steps: int,
    clip_steps: int,
    clip_pictures: int,
    clip_batch: int,
    text_stories: int,
    clipcap_pictures: int,
    clipcap_epochs: int,
) -> None:
    """Train tokenizer, GPT-2, CLIP and ClipCap, in this order.

    They are written to ``folder/gpt2``, ``folder/clip`` and ``folder/clipcap``, with their measurements
    and model cards.
    A run that is stopped goes on from the checkpoints in ``folder/unfinished``.

    Args:
        folder: Where they are written.
        vision_steps: Updates of CLIP's vision tower on facts.
        clip_steps: Contrastive updates of CLIP.
        clip_pictures: Pictures that these learn from.
        clip_batch: Pictures per contrastive update.
        text_stories: Stories from which GPT-2's texts come.
        clipcap_pictures: Pictures that ClipCap learns from.
        clipcap_epochs: Passes over them.
    """
    unfinished = folder / "unfinished"
    tokenizer = train_tokenizer(text_documents(TOKENIZER_STORIES))
    rows: list[dict] = []
    language_model = pretrain_language_model(tokenizer, text_stories, report=rows.append, file=unfinished / "gpt2.pt")
    save_miniature_language_model(language_model, tokenizer, folder / "gpt2")
    write_measurements(rows, folder / "gpt2" / "measurements.jsonl")
    rows = []
    model = pretrain_clip(
        tokenizer,
        clip_steps,
        clip_pictures,
        clip_batch,
        vision_steps=vision_steps,
        report=rows.append,
        folder=unfinished,
    )
    save_miniature_clip(model, tokenizer, folder / "clip")
    write_measurements(rows, folder / "clip" / "measurements.jsonl")
    rows = []
    # The mapping network meets them as they are read back, in half precision.
    clip, (tokenizer, language_model) = load_clip(str(folder / "clip")), load_language_model(str(folder / "gpt2"))
    mapper = pretrain_clipcap(
        clip,
        tokenizer,
        language_model,
        clipcap_pictures,
        clipcap_epochs,
        report=rows.append,
        file=unfinished / "clipcap.pt",
    )
    save_miniature_clipcap(mapper, folder / "clipcap")
    write_measurements(rows, folder / "clipcap" / "measurements.jsonl")
    card_models(folder, MEASURED)
    shutil.rmtree(unfinished, ignore_errors=True)


def card_models(folder: Path, pictures: int = MEASURED) -> None:
    """Measure the models of a folder and write their cards.

    Args:
        folder: As :func:`pretrain_all` writes it.
        pictures: Held-out pictures on which they are measured.
    """
    clip = load_clip(str(folder / "clip"))
    tokenizer, language_model = load_language_model(str(folder / "gpt2"))
    mapping, _ = read_clipcap(str(folder / "clipcap"))
    write_cards(
        folder,
        measure(clip, tokenizer, language_model, mapping, pictures),
        {
            "CLIP": sum(p.numel() for p in clip.model.parameters()),
            "GPT-2": sum(p.numel() for p in language_model.parameters()),
        },
    )
