"""All miniature models, one after the other."""


def test_pretraining_runs_end_to_end_on_very_little(tmp_path):
    """All models are trained, saved and read back in the formats that the book reads."""
    import torch

    from altlib.models.captioner import MlpMapper
    from altlib.models.clip import load_clip
    from altlib.models.clipcap import read_clipcap
    from altlib.models.language import load_language_model
    from altlib.pretraining.clip import pretrain_clip, save_miniature_clip
    from altlib.pretraining.clipcap import pretrain_clipcap, save_miniature_clipcap
    from altlib.pretraining.language import pretrain_language_model, save_miniature_language_model

    tokenizer = load_language_model()[0]
    rows = []
    model = pretrain_language_model(tokenizer, 60, catalogue_stories=60, report=rows.append)
    clip = pretrain_clip(tokenizer, 1, batch=8, vision_steps=1, text_steps=1, report=rows.append)
    assert [r["stage"] for r in rows] == ["text", "catalogue", "vision", "contrastive", "text"]
    assert all(0 <= r["kinds_named"] <= 1 for r in rows[:2])
    save_miniature_language_model(model, tokenizer, tmp_path / "gpt2")
    save_miniature_clip(clip, tokenizer, tmp_path / "clip")
    clip = load_clip(str(tmp_path / "clip"))
    tokenizer, model = load_language_model(str(tmp_path / "gpt2"))
    assert clip.width == 128 and model.config.n_embd == 192
    before = {name: value.clone() for name, value in model.state_dict().items()}
    mapper = pretrain_clipcap(clip, tokenizer, model, pictures=64, epochs=2, rank=8, report=rows.append)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())  # it stays frozen
    save_miniature_clipcap(mapper, tmp_path / "clipcap")
    weights, _ = read_clipcap(str(tmp_path / "clipcap"))
    again = MlpMapper(128, 192, 10)
    again.load_state_dict(weights)
    features = torch.nn.functional.normalize(torch.randn(3, 128), dim=-1)
    with torch.inference_mode():
        difference = (again(features) - mapper(features)).abs().max() / mapper(features).abs().max()
    assert 0 < difference < 0.02 and rows[-1]["pictures"] == 128  # eight bits a weight
