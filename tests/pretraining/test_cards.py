"""The model cards that ship with the models."""

import pytest

from altlib.checkpoints.miniature import miniature_folder
from altlib.core.files import read_json
from altlib.models.clip import load_clip
from altlib.models.language import load_language_model
from altlib.pretraining import world
from altlib.pretraining.cards import read_rows, share


def card(model: str) -> str:
    return (miniature_folder(model) / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def last():
    """What was recorded at the end of each stage of the shipped models' pretraining."""
    rows = read_rows(miniature_folder("clip").parent)
    stages = {row["stage"]: row for row in rows["clip"]}
    return stages | {"text": rows["gpt2"][-1], "clipcap": rows["clipcap"][-1]}


def test_the_cards_tell_what_was_recorded_while_the_models_learned(last):
    vision, contrastive = last["vision"], last["contrastive"]
    assert f"{vision['step']:,} updates of 64 pictures" in card("clip")
    named = f"on {100 * vision['names_thing']:.0f}% and the other thing on {100 * vision['names_companion']:.0f}%"
    assert named in card("clip")
    assert f"{contrastive['step']:,} updates of 256 pictures" in card("clip")
    assert f"ended at {100 * contrastive['description_share']:.1f}%" in card("clip")
    assert f"one pass over {last['text']['tokens'] / 1e6:.1f} million tokens" in card("gpt2")
    assert f"on {last['clipcap']['pictures']:,} pictures counted with repetitions" in card("clipcap")


def test_the_cards_tell_the_models_sizes():
    clip, (_, language_model) = load_clip(), load_language_model()
    for model, module in (("clip", clip.model), ("gpt2", language_model)):
        assert f"of {sum(p.numel() for p in module.parameters()) / 1e6:.1f} million parameters" in card(model)
    text = read_json(miniature_folder("clip") / "open_clip_config.json")["model_cfg"]["text_cfg"]
    told = f"{text['layers']} layers, width {text['width']}, {text['context_length']} tokens of a {text['vocab_size']:,}-token"
    assert told in card("clip")
    config = language_model.config
    told = f"{config.n_layer} layers, width {config.n_embd}, {config.n_head} heads, {config.n_positions} positions"
    assert told in card("gpt2")


def test_the_cards_tell_the_seeds_of_their_data():
    for model, seeds in {
        "clip": (world.CLIP_SEED, world.TUNING_SEED, world.HELD_OUT_SEED),
        "gpt2": (world.TEXT_SEED, world.HELD_OUT_SEED),
        "clipcap": (world.CLIPCAP_SEED, world.HELD_OUT_SEED),
    }.items():
        assert all(f"{seed:,}" in card(model) for seed in seeds)


def test_a_share_stands_with_its_interval():
    assert share(0.5, 512) == "50.0% (95% interval 45.7 to 54.3)"
