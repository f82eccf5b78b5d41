"""How the miniature CLIP is pretrained and measured."""

from random import Random

import numpy as np
import pytest
import torch
from torch import nn

from altlib.pretraining import clip as pretraining
from altlib.pretraining.checkpoint import adamw
from altlib.pretraining.clip import description_preference, encode_texts, retrieval_accuracy, written_about
from altlib.pretraining.world import HELD_OUT_SEED, clean_alt_text, first_pictures


def test_weight_decay_acts_on_matrices_that_learn_alone():
    model = nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4), nn.Linear(2, 2))
    model.scale = nn.Parameter(torch.ones([]))
    model[2].requires_grad_(False)
    decayed, others = adamw(model, 0.1).param_groups
    assert decayed["weight_decay"] == 0.1 and [p.shape for p in decayed["params"]] == [(4, 3)]
    assert others["weight_decay"] == 0 and len(others["params"]) == 4


def test_a_text_encoder_that_hears_nothing_prefers_nothing(base):
    """Both measures look at the texts: with one text for all, no description outscores its caption."""
    posts = first_pictures(HELD_OUT_SEED, 12)
    assert retrieval_accuracy(base.model, base.tokenize, posts) > 0.5

    def deaf(texts):
        return base.tokenize(["a cup"] * len(texts))

    assert description_preference(base.model, deaf, posts) == 0
    assert retrieval_accuracy(base.model, deaf, posts) < 0.3


@pytest.mark.parametrize("parts", [1, 2, 4])
def test_texts_are_encoded_as_open_clip_does_without_their_padding(base, parts):
    tokens = base.tokenize(
        ["a cup", "Three apples on a red table in the market.", "two dogs", "rain", "A map of the town"]
    )
    with torch.inference_mode():
        expected = base.model.encode_text(tokens, normalize=True)
        assert torch.allclose(encode_texts(base.model, tokens, parts), expected, atol=1e-5)


def test_most_texts_are_captions_and_descriptions_have_the_share_that_is_asked_for():
    post, other = first_pictures(HELD_OUT_SEED, 2)
    texts = [written_about(post, 0.3, other, Random(i)) for i in range(400)]
    assert 0.22 < np.mean([text == clean_alt_text(post) for text in texts]) < 0.38
    noise = [written_about(post, -0.3, other, Random(i)) for i in range(400)]
    assert 0.22 < np.mean([text == clean_alt_text(other) for text in noise]) < 0.38
    assert clean_alt_text(post) not in noise
    assert clean_alt_text(post) not in {written_about(post, 0.0, other, Random(i)) for i in range(100)}


def test_every_other_batch_shows_few_kinds_of_scenes(base):
    data = pretraining.ContrastiveData(base.model, 120)
    assert data.features.shape == (120, base.width)
    kinds = [{data.posts[i].story.setup for i in data.batch(step, 16, seed=0)} for step in range(6)]
    assert all(len(k) <= pretraining.SETUPS_IN_A_BATCH for k in kinds[1::2])
    assert all(len(k) > pretraining.SETUPS_IN_A_BATCH for k in kinds[::2])
    assert data.batch(3, 16, seed=0) == data.batch(3, 16, seed=0)


def test_the_vision_tower_is_locked_while_the_text_tower_learns(tmp_path, tokenizer, monkeypatch):
    import open_clip

    monkeypatch.setattr(pretraining, "MEASURED", 8)
    torch.manual_seed(0)
    model = open_clip.model.CLIP(**pretraining.CLIP_CONFIG["model_cfg"])
    before = {name: value.clone() for name, value in model.state_dict().items()}
    rows = []
    pretraining.contrast(model, pretraining.clip_texts(tokenizer), 2, 24, batch=8, report=rows.append)
    changed = {name for name, value in model.state_dict().items() if not torch.equal(value, before[name])}
    assert changed and not any(name.startswith("visual.") for name in changed)
    assert [row["step"] for row in rows] == [2] and 0 <= rows[0]["preference"] <= 1
    assert all(p.requires_grad for p in model.parameters())
