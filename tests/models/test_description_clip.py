"""CLIP with what learns in it."""

import pytest
import torch

from altlib.models.description_clip import DescriptionClip, TuningSettings
from altlib.models.triplets import tuning_triplets
from tests.small_clip import SMALL_TUNING


@pytest.fixture(scope="module")
def data(described_posts, base, tmp_path_factory):
    return tuning_triplets(described_posts, base, tmp_path_factory.mktemp("features"))


@pytest.mark.parametrize("tuning", ["full", "lora"])
def test_before_training_a_tuned_model_is_the_base_model(base, data, tuning):
    tuned = DescriptionClip(base, TuningSettings(tuning=tuning, **SMALL_TUNING))
    expected = base.model.encode_text(data.captions[:8], normalize=True)
    torch.testing.assert_close(tuned.encode_texts(data.captions[:8]), expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(("targets", "layers"), [("query-value", 2), ("attention", 4), ("all-linear", 6)])
def test_lora_learns_on_the_chosen_layers_only(base, targets, layers):
    tuned = DescriptionClip(base, TuningSettings(targets=targets, **SMALL_TUNING))
    names = list(tuned.learned())
    assert all("lora_" in n for n in names)
    assert len(names) == 2 * layers * 4  # two low-rank matrices, four blocks
    assert all(p.shape[0] == 4 for n, p in tuned.learned().items() if "lora_A" in n)


def test_full_fine_tuning_of_the_text_tower_leaves_the_vision_tower_alone(base):
    names = list(DescriptionClip(base, TuningSettings(tuning="full", **SMALL_TUNING)).learned())
    assert any("token_embedding" in n for n in names) and not any("visual" in n for n in names)
    both = list(DescriptionClip(base, TuningSettings(tuning="full", towers="both", **SMALL_TUNING)).learned())
    assert any("visual" in n for n in both)


def test_lora_on_a_vision_tower_without_attention_blocks_is_refused(base):
    with pytest.raises(ValueError, match="vision transformer"):
        DescriptionClip(base, TuningSettings(towers="both", **SMALL_TUNING))


def test_unknown_settings_are_refused(base):
    for wrong, words in (
        ({"tuning": "half"}, "unknown fine-tuning"),
        ({"towers": "image"}, "unknown towers"),
        ({"targets": "all"}, "unknown LoRA targets"),
    ):
        with pytest.raises(ValueError, match=words):
            DescriptionClip(base, TuningSettings(**SMALL_TUNING | wrong))
    with pytest.raises(ValueError, match="layers 0 to 3"):
        DescriptionClip(base, TuningSettings("iit-das", **SMALL_TUNING | {"layer": 10}))
    with pytest.raises(ValueError, match="does not fit"):
        DescriptionClip(base, TuningSettings("iit-das", **SMALL_TUNING | {"subspace": 512}))
