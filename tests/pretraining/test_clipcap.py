"""The mapping network of the miniature ClipCap while it is pretrained."""

import torch

from altlib.models.captioner import MlpMapper
from altlib.pretraining.clipcap import build_captioner_on, factorise
from tests.conftest import small_gpt2


def test_the_second_matrix_becomes_a_product_of_two_factors():
    mapper = MlpMapper(6, 8, 3)
    factorise(mapper, rank=2, seed=0)
    weights = mapper.state_dict()
    assert weights["model.2.0.weight"].shape == (2, 12) and weights["model.2.1.weight"].shape == (24, 2)
    assert mapper(torch.randn(5, 6)).shape == (5, 3, 8)
    again = MlpMapper(6, 8, 3)
    factorise(again, rank=2, seed=0)
    assert torch.equal(again.state_dict()["model.2.0.weight"], weights["model.2.0.weight"])


def test_the_language_model_is_used_as_it_is_and_stays_frozen(base, tokenizer):
    language_model = small_gpt2(tokenizer)
    captioner = build_captioner_on(base, tokenizer, language_model, seed=0)
    assert captioner.language_model is language_model
    learning = [name for name, p in captioner.named_parameters() if p.requires_grad]
    assert learning and all(name.startswith("mapper.") for name in learning)
