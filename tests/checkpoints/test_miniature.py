"""The miniature models that ship with the package."""

from altlib.checkpoints.miniature import miniature_folder
from altlib.models.clip import load_clip
from altlib.models.language import load_language_model


def test_the_miniature_models_are_real_and_small():
    clip, (tokenizer, model) = load_clip(), load_language_model()
    assert type(clip.model).__module__.startswith("open_clip")
    assert type(model).__name__ == "GPT2LMHeadModel"
    shipped = sum(p.stat().st_size for part in ("clip", "gpt2", "clipcap") for p in miniature_folder(part).iterdir())
    assert shipped <= 12 * 2**20
    assert tokenizer.eos_token_id == len(tokenizer) - 1
