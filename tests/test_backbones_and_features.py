import json
import shutil

import pytest
import torch

from altlib.checkpoints.miniature import miniature_folder
from altlib.core.devices import mixed_precision, pick_device
from altlib.core.errors import BackboneError
from altlib.models.clip import load_clip
from altlib.models.features import encode_pictures, picture_features
from altlib.models.language import load_language_model


def test_the_miniature_models_are_real_and_small():
    clip, (tokenizer, model) = load_clip(), load_language_model()
    assert type(clip.model).__module__.startswith("open_clip")
    assert type(model).__name__ == "GPT2LMHeadModel"
    shipped = sum(p.stat().st_size for part in ("clip", "gpt2", "clipcap") for p in miniature_folder(part).iterdir())
    assert shipped <= 12 * 2**20
    assert tokenizer.eos_token_id == len(tokenizer) - 1


def test_text_is_pooled_at_its_end():
    clip = load_clip()
    ids = clip.tokenize(["a red cup", "a"])
    assert ids.shape == (2, 48)
    assert ids.argmax(1).tolist() == [int((row != 0).sum()) - 1 for row in ids]
    long = clip.tokenize(["very " * 400])
    assert long.shape == (1, 48) and long[0, -1] == ids.max()


def test_clip_is_loaded_from_a_folder_and_recognised_by_its_weights(tmp_path, clip_folder):
    shutil.copytree(clip_folder, tmp_path / "clip")
    loaded = load_clip(str(tmp_path / "clip"))
    assert loaded.fingerprint == load_clip().fingerprint
    from safetensors.torch import load_file, save_file

    weights = load_file(tmp_path / "clip" / "open_clip_model.safetensors")
    weights["logit_scale"] = weights["logit_scale"] + 1
    save_file(weights, tmp_path / "clip" / "open_clip_model.safetensors")
    assert load_clip(str(tmp_path / "clip")).fingerprint != loaded.fingerprint


def test_a_vit_b_32_of_openclip_loads_from_a_folder(tmp_path):
    """The paper's architecture in open_clip's own folder format, with random weights."""
    import open_clip
    from safetensors.torch import save_file

    config = open_clip.get_model_config("ViT-B-32")
    torch.manual_seed(0)
    model = open_clip.model.CLIP(**config)
    save_file({k: v.contiguous() for k, v in model.state_dict().items()}, tmp_path / "open_clip_model.safetensors")
    (tmp_path / "open_clip_config.json").write_text(json.dumps({"model_cfg": config, "preprocess_cfg": {}}))
    clip = load_clip(str(tmp_path))
    assert clip.width == 512
    assert clip.encode_texts(["a photo of a cat"]).shape == (1, 512)


@pytest.mark.parametrize(
    "name,tag,words",
    [
        ("ViT-B-32", "openai", "fetches it into"),
        ("ViT-B-32", "", "needs the name of its pretrained weights"),
        ("No-Such-Model", "x", "neither a folder nor a model"),
    ],
)
def test_a_clip_that_is_not_there_says_what_to_download(name, tag, words, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(BackboneError, match=words):
        load_clip(name, tag)


def test_a_language_model_that_is_not_there_says_what_to_download():
    with pytest.raises(BackboneError, match="huggingface-cli download gpt2-nowhere"):
        load_language_model("gpt2-nowhere")


def test_folders_that_hold_no_model_are_named(tmp_path):
    with pytest.raises(BackboneError, match=r"no open_clip_config\.json"):
        load_clip(str(tmp_path))
    with pytest.raises(BackboneError, match=r"no config\.json"):
        load_language_model(str(tmp_path))
    (tmp_path / "open_clip_config.json").write_text("{}")
    with pytest.raises(BackboneError, match="holds no weights"):
        load_clip(str(tmp_path))


def test_precision_follows_the_processor():
    assert mixed_precision("cpu") in (torch.float32, torch.bfloat16)
    assert pick_device("cpu") == "cpu"


def test_features_are_unit_vectors_and_cached(tmp_path, picture, monkeypatch):
    clip = load_clip()
    paths = [str(picture(f"{i}.png", size=(50 + i, 40))) for i in range(5)]
    first = picture_features(paths, clip, tmp_path / "cache", batch_size=2)
    assert first.shape == (5, clip.width)
    torch.testing.assert_close(first.norm(dim=1), torch.ones(5))
    torch.testing.assert_close(first, encode_pictures(paths, clip, 5, 1), atol=1e-5, rtol=1e-5)
    monkeypatch.setattr("altlib.models.features.encode_pictures", lambda *a: pytest.fail("computed again"))
    assert torch.equal(picture_features(paths, clip, tmp_path / "cache"), first)


def test_a_changed_picture_or_code_and_a_damaged_cache_are_computed_again(tmp_path, picture, monkeypatch):
    clip = load_clip()
    paths = [str(picture("0.png"))]
    first = picture_features(paths, clip, tmp_path / "cache")
    (file,) = (tmp_path / "cache").glob("*.safetensors")
    file.write_bytes(file.read_bytes()[:40])
    assert torch.equal(picture_features(paths, clip, tmp_path / "cache"), first)
    monkeypatch.setattr("altlib.models.features.CODE", "another")
    assert torch.equal(picture_features(paths, clip, tmp_path / "cache"), first)
    assert len(list((tmp_path / "cache").glob("*.safetensors"))) == 2
    picture("0.png", size=(90, 90))
    assert not torch.equal(picture_features(paths, clip, tmp_path / "cache"), first)


def test_shards_do_not_change_features(tmp_path, picture, monkeypatch):
    clip = load_clip()
    paths = [str(picture(f"{i}.png")) for i in range(5)]
    whole = picture_features(paths, clip)
    monkeypatch.setattr("altlib.models.features.SHARD", 2)
    torch.testing.assert_close(picture_features(paths, clip, tmp_path / "cache"), whole, atol=1e-5, rtol=1e-5)
    assert len(list((tmp_path / "cache").glob("*.safetensors"))) == 3


def test_features_of_several_shards_are_a_map_of_a_file(tmp_path, picture, monkeypatch):
    """Writing into the tensor leaves the file; a corpus that grew gets a file of its own."""
    clip = load_clip()
    paths = [str(picture(f"{i}.png", size=(40 + i, 40))) for i in range(5)]
    monkeypatch.setattr("altlib.models.features.SHARD", 2)
    first = picture_features(paths, clip, tmp_path)
    (file,) = tmp_path.glob("*.npy")
    kept = first.clone()
    first[0] = 0
    assert torch.equal(picture_features(paths, clip, tmp_path), kept)
    assert file.stat().st_size == 128 + kept.numel() * 4
    grown = picture_features([*paths, str(picture("new.png"))], clip, tmp_path)
    assert torch.equal(grown[:4], kept[:4]) and len(grown) == 6 and len(list(tmp_path.glob("*.npy"))) == 2
    torch.testing.assert_close(grown[:5], kept)  # the last shard is another batch now, rounded otherwise


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
