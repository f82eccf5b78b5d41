"""CLIPScore and its like."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional as F

from altlib.evaluation.clip_scores import CLIPSCORE_PROMPT, base_accuracy, base_scores, clip_score, ref_clip_score
from altlib.models.triplets import tuning_triplets


def test_clip_score_as_published():
    a = F.normalize(torch.tensor([[1.0, 0.0], [1.0, 0.0]]), dim=1)
    b = F.normalize(torch.tensor([[1.0, 1.0], [-1.0, 0.0]]), dim=1)
    assert clip_score(a, b).tolist() == pytest.approx([2.5 / 2**0.5, 0])


@pytest.fixture(scope="module")
def embeddings(base):
    """Embeddings that are not of unit length, as the published code has them: pictures, captions, references."""
    size = base.model.visual.image_size
    pixels = torch.rand(3, 3, size, size, generator=torch.Generator().manual_seed(0))
    references = ["a red cup", "cups", "a dog on a rug", "two ships at sea", "a map"]
    texts = [["A photo depicts " + t for t in several] for several in (["a red cup", "so proud!", "a map"], references)]
    with torch.inference_mode():
        captions, gold = (base.model.encode_text(base.tokenize(several)) for several in texts)
        return base.model.encode_image(pixels), captions, gold


def test_scores_are_those_of_the_published_implementation(embeddings):
    images, captions, gold = (each.double().numpy() for each in embeddings)
    owners = [0, 0, 1, 2, 2]

    def unit(rows):
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    per = 2.5 * np.clip(np.sum(unit(images) * unit(captions), axis=1), 0, None)  # get_clip_score
    nearest = [max(unit(gold)[i] @ unit(captions)[n] for i in range(5) if owners[i] == n) for n in range(3)]
    expected = 2 * per * nearest / (per + nearest)
    ours = [F.normalize(each.double(), dim=1) for each in embeddings]
    scores = clip_score(ours[0], ours[1])
    assert scores.tolist() == pytest.approx(per, abs=1e-6)
    found = ref_clip_score(scores, ours[1], ours[2], torch.tensor(owners))
    assert found.tolist() == pytest.approx(expected, abs=1e-6)


def test_a_text_that_fits_neither_picture_nor_references_scores_0():
    text, reference = torch.tensor([[1.0, 0.0]]), torch.tensor([[-1.0, 0.0]])
    zero, owner = torch.zeros(1), torch.tensor([0])
    assert ref_clip_score(zero, text, reference, owner).tolist() == [0]
    assert ref_clip_score(torch.ones(1), text, reference, owner).tolist() == [0]


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
