"""Positions of the prefix that are taken away."""

import numpy as np
import pytest
import torch

from altlib.analysis.position_use import losses_without, needed_positions, position_rises
from altlib.core.estimates import Estimate


@pytest.fixture
def examples(captioner, posts):
    return [captioner.encode(post, f"a picture of {post}"[:40]) for post in posts]


def test_without_a_position_every_picture_has_its_mean_there(captioner, features, examples):
    with torch.inference_mode():
        prefix = captioner.prefix(features)
        prefix[:, 1] = prefix[:, 1].mean(0)
    expected = []
    for row, example in enumerate(examples):
        hook = captioner.mapper.register_forward_hook(lambda *_, row=row: prefix[row : row + 1])
        expected.append(-float(captioner.log_likelihoods(features[row : row + 1], [example])))
        hook.remove()
    found = losses_without(captioner, features, examples, [1], batch=2)
    assert found == pytest.approx(expected, rel=1e-4)


def test_nothing_is_taken_away_for_good(captioner, features, examples):
    before = -captioner.log_likelihoods(features, examples).numpy()
    losses_without(captioner, features, examples, [0, 1])
    assert losses_without(captioner, features, examples, []) == pytest.approx(before, rel=1e-5)
    assert not captioner.mapper._forward_hooks


def test_a_position_that_says_the_same_of_every_picture_is_not_needed(captioner, features, examples):
    constant = captioner.prefix(features)[:1].detach()

    def only_the_first_speaks(_module, _inputs, prefix):
        return torch.cat([prefix[:, :1], constant[:, 1:].expand(len(prefix), -1, -1)], 1)

    hook = captioner.mapper.register_forward_hook(only_the_first_speaks)
    rises, whole = position_rises(captioner, features, examples, 0)
    hook.remove()
    assert len(rises) == captioner.prefix_length
    assert [rise.value for rise in rises[1:]] == pytest.approx([0.0] * (len(rises) - 1), abs=1e-5)
    assert whole.value == pytest.approx(rises[0].value, abs=1e-5)


def test_a_position_is_needed_if_the_interval_lies_above_nothing():
    spread = np.linspace(-0.1, 0.1, 41)
    assert needed_positions([Estimate(v, v + spread) for v in (0.3, 0.05, -0.3, 0.2)]) == [0, 3]
