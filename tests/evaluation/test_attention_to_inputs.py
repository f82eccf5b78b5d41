import numpy as np
import pytest
import torch

from altlib.evaluation.attention_to_inputs import SWAPS, captioner_attention, swap_inputs
from altlib.models.captioner import CaptionerConfig, PrefixCaptioner
from tests.conftest import small_gpt2

ALTS = ["Two growlers on a red cloth.", "a mug", "A map of the town, in blue.", "cup", "x y z", "A tall ship.", "end"]


def test_an_input_that_is_ignored_costs_nothing_when_it_is_swapped():
    def looks_only(pictures, posts):
        return -1.0 - (pictures != np.arange(len(pictures)))

    found = swap_inputs(looks_only, [2] * 20)
    assert found.cost("post").value == 0 and found.prefers_own("post").value == 0.5
    assert found.cost("picture").value == found.cost("both").value == 0.5  # one nat over two tokens
    assert found.prefers_own("picture").value == 1
    assert found.loss("nothing").value == 0.5 and found.cost("picture").interval == (0.5, 0.5)


def test_the_other_example_lends_picture_and_post_together():
    seen = {}

    def score(pictures, posts):
        seen[len(seen)] = (pictures, posts)
        return np.zeros(len(pictures))

    swap_inputs(score, [1] * 9, seed=4)
    own = np.arange(9)
    for (picture, post), (pictures, posts) in zip(SWAPS.values(), seen.values(), strict=True):
        assert (pictures != own).all() if picture else (pictures == own).all()
        assert (posts != own).all() if post else (posts == own).all()
    assert (seen[3][0] == seen[3][1]).all()


def test_losses_of_a_captioner_are_those_of_its_alt_texts(captioner, features, posts):
    found = captioner_attention(captioner, features, posts, ALTS, batch_size=3)
    examples = [captioner.encode(post, alt) for post, alt in zip(posts, ALTS, strict=True)]
    assert found.log_likelihoods["nothing"] == pytest.approx(
        captioner.log_likelihoods(features, examples).numpy(), abs=1e-3
    )
    assert found.tokens.tolist() == [len(e.alt_text) + 1 for e in examples]
    assert abs(found.cost("picture").value) > 1e-4 and abs(found.cost("post").value) > 1e-4


def test_a_captioner_of_posts_alone_does_not_look(tokenizer, features, posts):
    config = CaptionerConfig("random", clip_width=8, uses_image=False, max_tokens=60)
    torch.manual_seed(0)
    blind = PrefixCaptioner(config, tokenizer, small_gpt2(tokenizer)).eval()
    found = captioner_attention(blind, features, posts, ALTS)
    assert found.cost("picture").value == pytest.approx(0, abs=1e-5)
    assert abs(found.cost("post").value) > 1e-3


def test_one_example_has_no_other(captioner, features):
    with pytest.raises(ValueError, match="at least two"):
        captioner_attention(captioner, features[:1], [""], ["a"])
