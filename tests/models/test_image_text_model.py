from types import SimpleNamespace

"""Image-text-to-text models as they are published."""

import pytest
import torch

from altlib.core.errors import BackboneError
from altlib.models.image_text_model import load_image_text_model, without_special_tokens
from altlib.models.language import load_language_model
from tests.image_text_models import tiny_llava


@pytest.mark.parametrize(
    ("pays", "device", "learns", "expected"),
    [
        (torch.float32, "cpu", False, torch.float32),
        (torch.bfloat16, "cpu", False, torch.bfloat16),
        (torch.float32, "meta", False, torch.float16),  # an accelerator without bfloat16
        (torch.float32, "meta", True, torch.float32),
    ],
)
def test_a_model_comes_in_the_type_that_pays_and_its_frequencies_in_float32(
    tmp_path, monkeypatch, pays, device, learns, expected
):
    sizes = []
    monkeypatch.setattr("altlib.models.image_text_model.mixed_precision", lambda _, size: sizes.append(size) or pays)
    model, processor = tiny_llava("llava")
    model.half().save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    loaded, read = load_image_text_model(str(tmp_path), device, learns)
    assert {p.dtype for p in loaded.parameters()} == {expected} and not loaded.training
    assert {b.dtype for b in loaded.buffers() if b.is_floating_point()} == {torch.float32}
    assert sizes == [model.num_parameters()] and {p.device.type for p in loaded.parameters()} == {device}
    assert read.tokenizer.get_vocab() == processor.tokenizer.get_vocab()


def test_a_model_that_is_nowhere_is_named(tmp_path):
    with pytest.raises(BackboneError, match="nothing"):
        load_image_text_model(str(tmp_path / "nothing"))


def test_a_text_has_no_special_tokens():
    tokenizer = load_language_model()[0]
    tokenizer.add_special_tokens({"additional_special_tokens": ["<image>", "<image>s"]})
    text = without_special_tokens(SimpleNamespace(tokenizer=tokenizer), "See <image> and <image>s <|endoftext|>, a < b")
    assert text == "See < image> and < image>s < |endoftext|>, a < b"
    assert not {*tokenizer.all_special_ids} & {*tokenizer(text).input_ids}
    added = load_language_model()[0]
    added.add_tokens(["<picture>"])  # not as a special one
    processor = SimpleNamespace(tokenizer=added, image_token="<picture>")
    assert without_special_tokens(processor, "See <picture> now") == "See < picture> now"
