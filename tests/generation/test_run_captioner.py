"""A run's captioner for any picture."""

import dataclasses

import pytest
import torch

from altlib.core.errors import BackboneError
from altlib.generation.prompting import Picture
from altlib.generation.run_captioner import open_run_captioner
from altlib.models.captioner import CaptionerConfig, PrefixCaptioner
from altlib.models.clip import load_clip
from tests.conftest import small_gpt2


@pytest.fixture
def saved(tokenizer, tmp_path):
    torch.manual_seed(1)
    clip = load_clip()
    config = CaptionerConfig("random", clip.width, clip.fingerprint, prefix_length=2, max_tokens=6)
    captioner = PrefixCaptioner(config, tokenizer, small_gpt2(tokenizer))
    captioner.save(tmp_path / "captioner")
    return captioner, tmp_path / "captioner"


def test_the_best_texts_come_first_and_miniature_models_are_told_of(saved, picture):
    run = open_run_captioner(saved[1], "cpu")
    images = [str(picture("a.png")), str(picture("b.png"))]
    found = run.candidates(images, ["Tea!", ""], 3)
    assert [len(each) for each in found] == [3, 3]
    assert all([c.score for c in each] == sorted((c.score for c in each), reverse=True) for each in found)
    written = run.write([Picture(images[0], "Tea!"), Picture(images[1], "")])
    assert [d.text or d.problem for d in written] == [c[0].text or "the captioner wrote nothing" for c in found]
    assert "miniature" in run.notice


def test_a_captioner_of_other_clip_weights_is_refused(saved):
    captioner, folder = saved
    captioner.config = dataclasses.replace(captioner.config, clip_fingerprint="another")
    captioner.save(folder)
    with pytest.raises(BackboneError, match="trained on other CLIP weights than miniature has now"):
        open_run_captioner(folder, "cpu")
