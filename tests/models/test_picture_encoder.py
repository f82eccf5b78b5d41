"""Picture encoders of transformers beside CLIP."""

import pytest
import torch

from altlib.core.errors import BackboneError
from altlib.models.clip import load_clip
from altlib.models.features import encode_pictures


def small_vision_model(kind: str):
    """A vision model of transformers with random weights, 16 numbers wide."""
    from transformers import CLIPConfig, CLIPModel, Dinov2Config, Dinov2Model, ResNetConfig, ResNetModel

    torch.manual_seed(0)
    vit = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "patch_size": 16, "image_size": 32}
    match kind:
        case "dinov2":
            return Dinov2Model(Dinov2Config(**vit))
        case "resnet":
            return ResNetModel(ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic"))
    vision = vit | {"intermediate_size": 16}
    text = {
        "hidden_size": 8,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "vocab_size": 50,
        "intermediate_size": 8,
    }
    return CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=16))


@pytest.mark.parametrize("kind", ["dinov2", "resnet", "clip"])
def test_a_picture_encoder_of_transformers_is_an_option(tmp_path, picture, kind):
    from transformers import CLIPImageProcessor

    model = small_vision_model(kind).eval()
    model.save_pretrained(tmp_path / "model")
    processor = CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    processor.save_pretrained(tmp_path / "model")
    clip = load_clip(str(tmp_path / "model"))
    assert clip.width == 16 and not clip.reads_text
    assert clip.fingerprint == load_clip(f"transformers:{tmp_path / 'model'}").fingerprint
    found = encode_pictures([str(picture("a.png"))], clip, batch_size=1, workers=1)
    assert found.shape == (1, 16) and found.norm().item() == pytest.approx(1, abs=1e-5)
    pixels = torch.randn(2, 3, 32, 32)
    with torch.inference_mode():
        out = model.vision_model(pixels) if kind == "clip" else model(pixels)
        expected = {
            "dinov2": lambda: out.last_hidden_state[:, 0],
            "resnet": lambda: out.pooler_output.flatten(1),
            "clip": lambda: model.visual_projection(out.pooler_output),
        }[kind]()
        torch.testing.assert_close(clip.model.encode_image(pixels), expected)
    with pytest.raises(BackboneError, match="reads no text"):
        clip.encode_texts(["a red cup"])


def test_a_damaged_picture_encoder_is_named(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "dinov2"}')
    with pytest.raises(BackboneError, match="picture encoder in"):
        load_clip(str(tmp_path))
