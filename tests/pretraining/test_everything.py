"""All miniature models, one after the other."""

import torch

from altlib.models.captioner import MlpMapper
from altlib.models.clip import load_clip
from altlib.models.clipcap import read_clipcap
from altlib.models.language import load_language_model
from altlib.pretraining import clip, everything
from altlib.pretraining.everything import pretrain_all


def test_pretraining_runs_end_to_end_on_very_little(tmp_path, tokenizer, monkeypatch):
    """All models are trained, saved, measured and read back in the formats that the book reads."""
    monkeypatch.setattr(everything, "train_tokenizer", lambda documents: tokenizer)
    monkeypatch.setattr(everything, "MEASURED", 16)
    monkeypatch.setattr(clip, "MEASURED", 8)
    sizes = {"clip_pictures": 32, "clip_batch": 8, "text_stories": 60, "clipcap_pictures": 64, "clipcap_epochs": 2}
    pretrain_all(tmp_path, vision_steps=1, clip_steps=1, **sizes)
    model = load_clip(str(tmp_path / "clip"))
    _, language_model = load_language_model(str(tmp_path / "gpt2"))
    assert model.width == 128 and language_model.config.n_embd == 192
    weights, _ = read_clipcap(str(tmp_path / "clipcap"))
    mapper = MlpMapper(128, 192, 10)
    mapper.load_state_dict(weights)
    assert torch.isfinite(mapper(torch.randn(3, 128))).all()
    for part, title in (("clip", "CLIP"), ("gpt2", "GPT-2"), ("clipcap", "ClipCap")):
        card = (tmp_path / part / "README.md").read_text(encoding="utf-8")
        assert f"the miniature {title}\n" in card and "| " in card and "{" not in card
    assert not (tmp_path / "unfinished").exists()
