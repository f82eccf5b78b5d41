"""The losses that make CLIP prefer descriptions."""

import pytest
import torch
from torch.nn import functional as F

from altlib.models.interventions import RotatedSubspace, Site
from altlib.models.text_tower import TextTower
from altlib.training.description_objectives import (
    TripletBatch,
    behavioural_loss,
    iit_das_loss,
    objective_loss,
    preference_loss,
)
from tests.small_clip import small_clip, texts, unit


def batch_of(n: int = 4) -> TripletBatch:
    return TripletBatch(unit(n, 1), texts([3, 5, 2, 7], 1), texts([6, 4, 9, 3], 2), unit(n, 3), texts([5, 8, 4, 2], 4))


def test_the_preference_loss_is_the_cross_entropy_of_the_paper():
    a, b = torch.randn(2, 10, generator=torch.Generator().manual_seed(0))
    expected = F.cross_entropy(torch.stack([b, a], 1), torch.ones(10, dtype=torch.long))
    torch.testing.assert_close(preference_loss(a, b), expected)


def test_the_behavioural_loss_compares_the_two_texts_of_each_picture():
    model, batch, scale = small_clip(), batch_of(), torch.tensor(7.0)
    pairs = torch.stack(
        [
            scale * (batch.images * model.encode_text(t, normalize=True)).sum(1)
            for t in (batch.captions, batch.descriptions)
        ],
        1,
    )
    expected = F.cross_entropy(pairs, torch.ones(4, dtype=torch.long))
    torch.testing.assert_close(behavioural_loss(TextTower(model), batch, scale), expected)


def test_the_iit_das_loss_is_that_of_hooks_on_the_plain_model():
    """The same loss one text at a time, with forward hooks on open_clip's own encode_text."""
    model, batch, scale, site = small_clip(), batch_of(), torch.tensor(7.0), Site(1, 6)
    subspace = RotatedSubspace(32, 6, seed=3)

    def run(tokens, value=None):
        seen = {}

        def hook(module, inputs, output):
            at = int(tokens.argmax())
            seen["value"] = output[0, at]
            if value is not None:
                output = output.clone()
                output[0, at] = value
            return output

        handle = model.transformer.resblocks[site.layer].register_forward_hook(hook)
        embedded = model.encode_text(tokens[None], normalize=True)[0]
        handle.remove()
        return embedded, seen["value"]

    losses = []
    for i in range(4):
        caption, in_caption = run(batch.captions[i])
        description, in_description = run(batch.source_descriptions[i])
        swapped, _ = run(batch.captions[i], subspace(in_caption[None], in_description[None])[0])
        back, _ = run(batch.source_descriptions[i], subspace(in_description[None], in_caption[None])[0])
        image, other = batch.images[i], batch.source_images[i]
        losses.append(-F.logsigmoid(scale * (image @ swapped - image @ caption)))
        losses.append(-F.logsigmoid(scale * (other @ description - other @ back)))
    expected = torch.stack(losses).mean()
    found = iit_das_loss(TextTower(model), batch, scale, site, subspace)
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-5)


def test_gradients_of_iit_das_reach_both_texts_and_the_rotation():
    model, subspace = small_clip(), RotatedSubspace(32, 6)
    iit_das_loss(TextTower(model), batch_of(), torch.tensor(7.0), Site(1, 6), subspace).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in subspace.parameters())
    assert model.token_embedding.weight.grad[batch_of().source_descriptions[0, 0]].abs().sum() > 0


def test_the_joint_loss_interpolates():
    model, subspace = small_clip(), RotatedSubspace(32, 6)
    args = (TextTower(model), batch_of(), torch.tensor(7.0), Site(1, 6), subspace)
    one, other = (objective_loss(o, *args, alpha=0.3) for o in ("behavioural", "iit-das"))
    torch.testing.assert_close(objective_loss("joint", *args, alpha=0.3), 0.3 * other + 0.7 * one)
    with pytest.raises(ValueError, match="unknown objective"):
        objective_loss("wish", *args, alpha=0.3)
    with pytest.raises(ValueError, match="needs a subspace"):
        objective_loss("iit-das", *args[:-1], None, alpha=0.3)
