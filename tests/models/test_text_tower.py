"""CLIP's text encoder layer by layer."""

import copy

import open_clip
import pytest
import torch

from altlib.models.text_tower import TextTower
from tests.small_clip import TEXT, VISION, small_clip, texts


def test_the_tower_equals_the_model_at_every_layer_and_length():
    model, tokens = small_clip(), texts([3, 11, 5, 1])
    tower = TextTower(model)
    expected = model.encode_text(tokens, normalize=True)
    torch.testing.assert_close(tower(tokens), expected, atol=1e-6, rtol=1e-5)
    for layer in range(3):
        x = tower.upto(tower.embed(tokens), layer)
        torch.testing.assert_close(tower.onwards(x, layer, tower.pooled(tokens)), expected, atol=1e-6, rtol=1e-5)


def test_a_separate_text_transformer_works_too():
    torch.manual_seed(0)
    model = open_clip.model.CustomTextCLIP(embed_dim=16, vision_cfg=VISION, text_cfg=TEXT).eval()
    tokens = texts([4, 9])
    torch.testing.assert_close(
        TextTower(model)(tokens), model.encode_text(tokens, normalize=True), atol=1e-6, rtol=1e-5
    )


def test_another_kind_of_text_encoder_is_refused():
    model = open_clip.model.CustomTextCLIP(embed_dim=16, vision_cfg=VISION, text_cfg=TEXT | {"no_causal_mask": True})
    with pytest.raises(ValueError, match="causal"):
        TextTower(model)


def test_reading_does_not_change_the_model():
    model = small_clip()
    before = copy.deepcopy(model.state_dict())
    TextTower(model)(texts([3]))
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
