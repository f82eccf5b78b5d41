"""Integrated gradients of tokens and words, whole and by path."""

import pytest
import torch

from altlib.analysis import attribution
from altlib.analysis.attribution import attribute, mediated_attributions, word_attributions
from altlib.models.interventions import RotatedSubspace, Site
from altlib.models.text_tower import TextTower

TEXTS = [
    "A photograph of a red cup on a rug, on a beach.",
    "cup day at last",
    "Two campaign shirts at Ravenscar Magna!",
]


@pytest.fixture(scope="module")
def pairs(base):
    images = torch.nn.functional.normalize(
        torch.randn(3, base.width, generator=torch.Generator().manual_seed(0)), dim=1
    )
    return base.tokenize(TEXTS), images


def test_attributions_add_up_to_the_difference_of_the_scores(base, pairs):
    tokens, images = pairs
    found = attribute(TextTower(base.model), tokens, images, padding=0, steps=32)
    score = (base.encode_texts(TEXTS) * images).sum(1)
    blank = tokens.clone()
    for row, end in zip(blank, found.pooled, strict=True):
        row[:end] = 0
    reference = (base.model.encode_text(blank, normalize=True) * images).sum(1)
    torch.testing.assert_close(found.difference, score - reference, atol=1e-5, rtol=1e-4)
    assert float((found.values.sum(1) - found.difference).abs().sum() / found.difference.abs().sum()) < 0.01
    assert (found.values[tokens == 0] == 0).all()


def test_more_points_make_the_attributions_more_complete(base, pairs):
    tower = TextTower(base.model)
    errors = [float(attribute(tower, *pairs, padding=0, steps=n).completeness_error().mean()) for n in (2, 40)]
    assert errors[1] < errors[0]


def test_attributions_do_not_depend_on_the_batch(base, pairs):
    tower = TextTower(base.model)
    together = attribute(tower, *pairs, padding=0, steps=8)
    apart = attribute(tower, *pairs, padding=0, steps=8, batch_size=1)
    torch.testing.assert_close(together.values, apart.values, atol=1e-5, rtol=1e-3)


def test_the_derived_path_around_is_what_captum_computes(base, pairs):
    tower, site, subspace = TextTower(base.model), Site(2, 16), RotatedSubspace(128, 16, seed=1)
    by_path = mediated_attributions(tower, *pairs, padding=0, site=site, subspace=subspace, steps=8)
    around = attribute(tower, *pairs, padding=0, path="around", site=site, subspace=subspace, steps=8)
    torch.testing.assert_close(by_path["around"].values, around.values, atol=1e-5, rtol=1e-3)
    assert by_path["through"].values.abs().sum() > 0


def test_paths_need_a_site(base, pairs):
    with pytest.raises(ValueError, match="needs a site"):
        attribute(TextTower(base.model), *pairs, padding=0, path="through")
    with pytest.raises(ValueError, match="unknown path"):
        attribute(TextTower(base.model), *pairs, padding=0, path="over")


def test_pieces_join_to_words_and_keep_their_sum():
    words = word_attributions(["Raven", "scar", " Mag", "na", "!", " It's", " x"], [1, 2, 3, 4, 5, 6, 7])
    assert [w.word for w in words] == ["Ravenscar", "Magna", "!", "It's", "x"]
    assert [w.value for w in words] == pytest.approx([3, 7, 5, 6, 7])
    assert sum(w.value for w in word_attributions(["a,b", " c"], [3.0, 1.0])) == pytest.approx(4)


def test_words_of_a_text_are_its_words(base, pairs):
    found = attribute(TextTower(base.model), *pairs, padding=0, steps=4)
    words = attribution.attributed_words(found, base.tokenize, 2)
    assert [w.word for w in words] == ["Two", "campaign", "shirts", "at", "Ravenscar", "Magna", "!"]
    total = float(found.values[2, : found.pooled[2]].sum())
    assert sum(w.value for w in words) == pytest.approx(total, abs=1e-5)


def test_words_of_open_clips_own_tokenizer():
    import open_clip

    tokenizer = open_clip.get_tokenizer("ViT-B-32")
    tokens = tokenizer(["a photo of Ravenscar, naïve!"])
    found = attribution.Attribution(tokens, torch.ones(tokens.shape), torch.zeros(1), tokens.argmax(-1))
    words = [w.word for w in attribution.attributed_words(found, tokenizer, 0)]
    assert words == ["a", "photo", "of", "ravenscar", ",", "naïve", "!"]
