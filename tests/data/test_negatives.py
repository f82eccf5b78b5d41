import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from altlib.data.negatives import NEGATIVES, diffuse, kept_signal, partners, spoil_picture


def test_the_signal_that_is_kept_at_step_700_is_the_published_one():
    assert kept_signal(700) == pytest.approx(0.351, abs=5e-4)
    assert kept_signal(0) == pytest.approx(1, abs=1e-4)
    assert all(kept_signal(s) > kept_signal(s + 100) for s in range(0, 900, 100))
    with pytest.raises(ValueError, match="0 to 999"):
        kept_signal(1000)


def test_diffusion_keeps_that_share_of_the_picture_and_adds_noise_for_the_rest():
    pixels = torch.ones(2, 3, 96, 96)
    noisy = diffuse(pixels, 700, [5, 6])
    assert float(noisy.mean()) == pytest.approx(math.sqrt(kept_signal(700)), abs=0.02)
    assert float(noisy.var()) == pytest.approx(1 - kept_signal(700), rel=0.03)
    assert not torch.equal(noisy[0], noisy[1])


def test_a_picture_has_the_same_noise_in_every_batch():
    pixels = torch.rand(3, 3, 8, 8)
    assert torch.equal(diffuse(pixels, 500, [1, 2, 3])[1:], diffuse(pixels[1:], 500, [2, 3]))


def test_spoilt_pictures_keep_their_size_and_follow_from_their_seed():
    image = Image.effect_noise((40, 30), 60).convert("RGB")
    for negative in NEGATIVES:
        spoilt = spoil_picture(image, negative, 3)
        assert spoilt.size == image.size and spoilt.tobytes() == spoil_picture(image, negative, 3).tobytes()
        assert (spoilt.tobytes() == image.tobytes()) == (negative in ("diffusion", "other"))
    assert spoil_picture(image, "black", 0).getextrema() == ((0, 0),) * 3
    assert spoil_picture(image, "crop", 1).tobytes() != spoil_picture(image, "crop", 2).tobytes()
    with pytest.raises(ValueError, match="unknown negative picture 'blur'; known: diffusion"):
        spoil_picture(image, "blur", 0)


@given(st.integers(2, 60), st.integers(0, 100))
def test_every_example_has_one_partner_that_is_not_itself(n, seed):
    found = partners(range(n), seed)
    assert sorted(found) == list(range(n)) and all(row != other for row, other in enumerate(found))
    assert found == partners(range(n), seed)
    assert partners(["same"] * n, seed) == found  # there is no better one


@given(st.lists(st.sampled_from("abc"), min_size=2, max_size=40).filter(lambda e: len(set(e)) > 1), st.integers(0, 9))
def test_a_partner_differs_where_examples_repeat(examples, seed):
    found = partners(examples, seed)
    assert len(found) == len(examples)
    assert all(examples[other] != examples[row] for row, other in enumerate(found))
