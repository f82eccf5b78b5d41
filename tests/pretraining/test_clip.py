"""How the miniature CLIP is pretrained and measured."""

import torch
from torch import nn

from altlib.pretraining.clip import adamw, description_preference, retrieval_accuracy
from altlib.pretraining.world import HELD_OUT_SEED, first_pictures


def test_weight_decay_acts_on_matrices_alone():
    model = nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4))
    model.scale = nn.Parameter(torch.ones([]))
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
