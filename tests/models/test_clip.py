"""CLIP models by their names and folders."""

import json
import shutil

import pytest
import torch

from altlib.core.errors import BackboneError
from altlib.models.clip import load_clip
from altlib.models.language import load_language_model


def test_text_is_pooled_at_its_end():
    clip = load_clip()
    ids = clip.tokenize(["a red cup", "a"])
    context = clip.model.context_length
    assert ids.shape == (2, context)
    assert ids.argmax(1).tolist() == [int((row != 0).sum()) - 1 for row in ids]
    long = clip.tokenize(["very " * 400])
    assert long.shape == (1, context) and long[0, -1] == ids.max()


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


def test_folders_that_hold_no_model_are_named(tmp_path):
    with pytest.raises(BackboneError, match=r"no open_clip_config\.json"):
        load_clip(str(tmp_path))
    with pytest.raises(BackboneError, match=r"no config\.json"):
        load_language_model(str(tmp_path))
    (tmp_path / "open_clip_config.json").write_text("{}")
    with pytest.raises(BackboneError, match="holds no weights"):
        load_clip(str(tmp_path))
