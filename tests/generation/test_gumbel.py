import pytest
import torch
from torch.nn import functional as F

from altlib.generation.gumbel import sample_relaxed


def encoded(captioner, posts):
    return [captioner.encode(post) for post in posts]


def test_what_is_sampled_has_the_likelihood_that_the_captioner_gives_it(captioner, features, posts):
    torch.manual_seed(0)
    with torch.no_grad():
        found = sample_relaxed(captioner, features, encoded(captioner, posts), 1.0, 12)
    said = found.logits.log_softmax(-1).gather(-1, found.tokens[..., None])[..., 0]
    whole = [row for row in range(7) if captioner.end in found.tokens[row].tolist()]
    examples = []
    for row, example in enumerate(encoded(captioner, posts)):
        ids = found.tokens[row].tolist()
        ids = ids[: ids.index(captioner.end)] if captioner.end in ids else ids
        examples.append(type(example)(example.text, ids))
    losses, owners = captioner.token_losses(features, examples)
    for row in range(7):
        expected = -losses[owners == row]
        count = int(found.counted[row].sum())
        assert torch.allclose(said[row, :count], expected[:count], atol=1e-3)
        assert count == len(expected) - (row not in whole)


def test_the_noise_draws_from_the_distribution_of_the_model(captioner, features, posts):
    torch.manual_seed(0)
    with torch.no_grad():
        many = features[:1].expand(4000, -1)
        found = sample_relaxed(captioner, many, encoded(captioner, posts[:1]) * 4000, 1.0, 1)
    expected = found.logits[0, 0].softmax(-1)
    drawn = F.one_hot(found.tokens[:, 0], len(expected)).float().mean(0)
    assert float((drawn - expected).abs().max()) < 4 * float((expected.max() / 4000) ** 0.5)


@pytest.mark.parametrize("straight_through", [True, False])
def test_a_score_of_the_text_has_a_gradient_in_the_mapping_network(captioner, features, posts, straight_through):
    torch.manual_seed(0)
    found = sample_relaxed(captioner, features, encoded(captioner, posts), 0.7, 5, straight_through)
    (found.relaxed[:, -1, 3]).sum().backward()  # the last token alone: the first four matter through what follows
    assert all(p.grad is not None and float(p.grad.abs().max()) > 0 for p in captioner.mapper.parameters())


def test_a_low_temperature_gives_almost_one_hot_vectors(captioner, features, posts):
    torch.manual_seed(0)
    found = sample_relaxed(captioner, features, encoded(captioner, posts), 0.01, 4)
    assert float(found.relaxed.max(-1).values.mean().detach()) > 0.98
    assert torch.equal(found.relaxed.argmax(-1), found.tokens)
    with pytest.raises(ValueError, match="must be above 0"):
        sample_relaxed(captioner, features, encoded(captioner, posts), 0.0, 4)


def test_nothing_counts_after_the_end(captioner, features, posts):
    captioner.end = 7
    with torch.no_grad():
        captioner.language_model.lm_head.weight[7].mul_(30)
        found = sample_relaxed(captioner, features, encoded(captioner, posts), 1.0, 20)
    for tokens, counted in zip(found.tokens.tolist(), found.counted.tolist(), strict=True):
        if 7 in tokens:
            assert sum(counted) == tokens.index(7) + 1 and counted == sorted(counted, reverse=True)
    assert any(7 in tokens for tokens in found.tokens.tolist())
