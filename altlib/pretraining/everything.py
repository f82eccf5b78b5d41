"""Pretrain all miniature models, as the appendix does."""

from __future__ import annotations

import json
from pathlib import Path

from altlib.models.clip import load_clip
from altlib.models.language import load_language_model
from altlib.pretraining.clip import pretrain_clip, save_miniature_clip
from altlib.pretraining.clipcap import pretrain_clipcap, save_miniature_clipcap
from altlib.pretraining.language import pretrain_language_model, save_miniature_language_model
from altlib.pretraining.tokenizer import TOKENIZER_STORIES, train_tokenizer
from altlib.pretraining.world import text_documents


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
