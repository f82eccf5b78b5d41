import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from altlib.evaluation.refcompare import (
    cosines,
    refcompare,
    refcompare_of_systems,
    share_of_all_references,
    share_of_own_references,
)
from altlib.models.clip import load_clip


def test_the_share_of_own_references_that_score_below():
    references = [np.array([0.1, 0.2, 0.3, 0.4, 0.5]), np.array([0.9])]
    assert share_of_own_references(np.array([0.35, 0.95]), references).tolist() == [0.6, 1.0]
    assert share_of_own_references(np.array([0.1, 0.9]), references).tolist() == [0, 0]  # a tie is not below


def test_the_share_of_all_references_compares_across_pictures():
    references = [np.array([0.1, 0.3]), np.array([0.5, 0.7])]
    assert share_of_all_references(np.array([0.4, 0.7]), references).tolist() == [0.5, 0.75]


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=30))
def test_a_text_that_outscores_everything_has_1_and_one_below_everything_0(scores):
    references = [np.array([score]) for score in scores]
    for among_all in (False, True):
        assert refcompare(np.full(len(scores), 2.0), references, among_all=among_all).value == 1
        assert refcompare(np.full(len(scores), -2.0), references, among_all=among_all).value == 0


def test_references_drawn_like_the_texts_give_about_a_half():
    rng = np.random.default_rng(0)
    found = refcompare(rng.normal(size=400), list(rng.normal(size=(400, 3))))
    low, high = found.interval
    assert low < 0.5 < high and 0.05 < high - low < 0.12


def test_systems_are_compared_on_the_same_pictures():
    clip = load_clip()
    texts = ["a red mug on a table", "a dog on the grass", "two ships at sea"]
    images = clip.encode_texts(texts)  # a text is its own best picture
    references = [["zzz"], ["a dog on the grass", "q"], ["a mug", "xyz"]]
    found = refcompare_of_systems({"own": texts, "other": ["", "q", "a mug"]}, references, images, clip)
    assert found["own"].value == pytest.approx((1 + 0.5 + 1) / 3)
    assert (found["own"] - found["other"]).value > 0.2
    known = refcompare_of_systems({"own": cosines(images, images)}, references, images, clip)
    assert known["own"].value == found["own"].value


def test_without_pictures_there_is_an_error():
    with pytest.raises(ValueError, match="nothing to score"):
        refcompare(np.array([]), [])


@pytest.mark.parametrize("among_all", [False, True])
def test_a_picture_without_a_reference_is_refused(among_all):
    with pytest.raises(ValueError, match="at least one reference"):
        refcompare(np.array([0.5, 0.5]), [np.array([0.1]), np.array([])], among_all=among_all)


@pytest.mark.parametrize("among_all", [False, True])
@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_a_score_that_is_not_finite_is_refused(wrong, among_all):
    known = [np.array([0.1]), np.array([0.2, 0.3])]
    with pytest.raises(ValueError, match="finite"):
        refcompare(np.array([0.5, wrong]), known, among_all=among_all)
    with pytest.raises(ValueError, match="finite"):
        refcompare(np.array([0.5, 0.5]), [known[0], np.array([0.2, wrong])], among_all=among_all)
