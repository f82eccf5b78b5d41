"""Image-text-to-text models as they are published."""

import pytest
import torch
from torch import nn

from altlib.core.errors import BackboneError
from altlib.models.image_text_model import cast_parameters, load_image_text_model
from tests.image_text_models import tiny_llava


def test_a_model_comes_in_the_type_that_it_was_published_in(tmp_path):
    model, processor = tiny_llava("llava")
    model.half().save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    loaded, read = load_image_text_model(str(tmp_path))
    assert {p.dtype for p in loaded.parameters()} == {torch.float16} and not loaded.training
    assert read.tokenizer.get_vocab() == processor.tokenizer.get_vocab()


def test_a_model_that_is_nowhere_is_named(tmp_path):
    with pytest.raises(BackboneError, match="nothing"):
        load_image_text_model(str(tmp_path / "nothing"))


def test_what_learns_becomes_float32_and_buffers_stay():
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)).half()
    model[0].requires_grad_(False)
    model[1].running_mean = torch.full((2,), 1 / 3)
    cast_parameters(model, torch.bfloat16)
    assert {p.dtype for p in model[0].parameters()} == {torch.bfloat16}
    assert {p.dtype for p in model[1].parameters()} == {torch.float32}
    assert model[1].running_mean.tolist() == torch.full((2,), 1 / 3).tolist()
