"""CLIPScore and its like."""

import pytest
import torch
from PIL import Image
from torch.nn import functional as F

from altlib.evaluation.clip_scores import CLIPSCORE_PROMPT, base_accuracy, base_scores, clip_score
from altlib.models.triplets import tuning_triplets


def test_clip_score_as_published():
    a = F.normalize(torch.tensor([[1.0, 0.0], [1.0, 0.0]]), dim=1)
    b = F.normalize(torch.tensor([[1.0, 1.0], [-1.0, 0.0]]), dim=1)
    assert clip_score(a, b).tolist() == pytest.approx([2.5 / 2**0.5, 0])


def test_the_prompt_stands_before_the_text_or_is_left_out(base, picture):
    path = str(picture("a.png"))
    images = base.model.encode_image(base.preprocess(Image.open(path).convert("RGB"))[None], normalize=True).detach()
    for prompt, text in ((CLIPSCORE_PROMPT, "A photo depicts a red cup"), ("", "a red cup")):
        expected = clip_score(images, base.encode_texts([text]))
        torch.testing.assert_close(base_scores(base, [path], ["a red cup"], prompt=prompt), expected)


def test_the_base_models_preference_is_that_of_its_scores_in_the_same_form(base, described_posts, tmp_path):
    data = tuning_triplets(described_posts, base, tmp_path)
    for prompt in ("", CLIPSCORE_PROMPT):
        captions, descriptions = (
            (data.features * base.encode_texts([prompt + t for t in texts])).sum(1)
            for texts in (data.caption_texts, data.description_texts)
        )
        expected = (descriptions > captions).float().mean().item()
        assert base_accuracy(base, data, prompt) == pytest.approx(expected, abs=1e-6)
