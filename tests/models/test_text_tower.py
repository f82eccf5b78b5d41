"""CLIP's text encoder layer by layer."""

import copy

import open_clip
import pytest
import torch
from torch import nn

from altlib.models.text_tower import SplitAttention, TextTower
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


def test_split_attention_equals_the_attention_that_it_is_made_from():
    torch.manual_seed(0)
    fused = nn.MultiheadAttention(24, 3, batch_first=True)
    nn.init.normal_(fused.in_proj_bias)
    nn.init.normal_(fused.out_proj.bias)
    x, mask = torch.randn(2, 7, 24), torch.full((7, 7), float("-inf")).triu(1)
    expected = fused(x, x, x, need_weights=False, attn_mask=mask)[0]
    torch.testing.assert_close(SplitAttention(fused)(x, x, x, attn_mask=mask)[0], expected, atol=1e-5, rtol=1e-4)
