"""Features of pictures, kept."""

import copy
import json
import os
import shutil
from dataclasses import replace

import pytest
import torch

from altlib.checkpoints.miniature import miniature_folder
from altlib.models.clip import load_clip
from altlib.models.features import encode_pictures, picture_features, shard_key


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


def test_the_key_of_features_changes_with_everything_that_chooses_them(picture, monkeypatch):
    clip, paths = load_clip(), [str(picture(f"{i}.png")) for i in range(2)]
    keys = [str(shard_key(clip, paths))]
    others = [
        replace(clip, fingerprint="another"),
        replace(clip, pixels="others"),
        replace(clip, model=copy.deepcopy(clip.model).bfloat16()),
        replace(clip, model=copy.deepcopy(clip.model).to("meta")),
    ]
    keys += [str(shard_key(other, paths)) for other in others]
    keys += [str(shard_key(clip, chosen)) for chosen in (paths[:1], paths[::-1])]
    os.utime(paths[0], (1, 1))
    keys.append(str(shard_key(clip, paths)))
    monkeypatch.setattr("altlib.models.features.CODE", "another")
    assert len({*keys, str(shard_key(clip, paths))}) == len(keys) + 1


def test_the_same_weights_with_other_colours_of_pixels_have_features_of_their_own(tmp_path, picture):
    paths = [str(picture("0.png"))]
    first = picture_features(paths, load_clip(), tmp_path / "cache")
    folder = tmp_path / "clip"
    shutil.copytree(miniature_folder("clip"), folder)
    config = json.loads((folder / "open_clip_config.json").read_text())
    config["preprocess_cfg"]["mean"] = [0.1, 0.2, 0.9]
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    other = load_clip(str(folder))
    assert other.fingerprint == load_clip().fingerprint
    assert not torch.allclose(picture_features(paths, other, tmp_path / "cache"), first)
