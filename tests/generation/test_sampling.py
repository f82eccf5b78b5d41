import pytest
import torch
from torch.nn import functional as F

from altlib.generation.sampling import caption_log_likelihoods, sample_tokens


def encoded(captioner, posts):
    return [captioner.encode(post) for post in posts]


def test_captions_are_drawn_from_the_distribution_of_the_model(captioner, features, posts):
    torch.manual_seed(0)
    examples = encoded(captioner, posts)[:2]
    drawn = sample_tokens(captioner, features[:2], examples, 3000, 1)[:, 0]
    for row in range(2):
        first = [type(examples[row])(examples[row].text, [token]) for token in range(len(captioner.tokenizer))]
        losses, owners = captioner.token_losses(features[row : row + 1].expand(len(first), -1), first)
        expected = (-losses[torch.cat([owners.new_tensor([-1]), owners[:-1]]) != owners]).exp().detach()
        share = F.one_hot(drawn[row * 3000 : (row + 1) * 3000], len(expected)).float().mean(0)
        assert float((share - expected).abs().max()) < 4 * float((expected.max() / 3000) ** 0.5)


def test_the_captions_of_a_picture_stand_together_and_end_once(captioner, features, posts):
    captioner.end = 7
    torch.manual_seed(0)
    found = sample_tokens(captioner, features, encoded(captioner, posts), 3, 40)
    assert len(found) == 3 * len(posts)
    for row in found.tolist():
        if 7 in row:
            assert set(row[row.index(7) :]) == {7}


def test_a_caption_that_was_cut_off_did_not_choose_to_end(captioner, features, posts):
    examples, end = encoded(captioner, posts)[:2], captioner.end
    tokens = torch.tensor([[5, 6, end, end], [5, 6, 8, 9]])
    found, lengths = caption_log_likelihoods(captioner, features[:2], examples, tokens)
    whole = [type(e)(e.text, ids) for e, ids in zip(examples, ([5, 6], [5, 6, 8, 9]), strict=True)]
    losses, owners = captioner.token_losses(features[:2], whole)
    assert lengths.tolist() == [3, 4]
    assert found[0].item() == pytest.approx(-losses[owners == 0].sum().item(), abs=1e-4)
    assert found[1].item() == pytest.approx(-losses[owners == 1][:-1].sum().item(), abs=1e-4)
    found.sum().backward()
    assert any(p.grad is not None and float(p.grad.abs().max()) > 0 for p in captioner.parameters())
