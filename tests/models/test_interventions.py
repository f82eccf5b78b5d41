"""Interchange interventions in a rotated subspace."""

import pytest
import torch
from torch.nn import functional as F

from altlib.models.interventions import RotatedSubspace, Site, mediate, write
from altlib.models.text_tower import TextTower, read
from tests.small_clip import small_clip, texts, unit


@pytest.mark.parametrize(
    ("site", "words"), [(Site(3, 4), "layers 0 to 2"), (Site(0, 33), "32 wide"), (Site(0, 0), "size 0")]
)
def test_a_site_that_the_model_does_not_have_is_named(site, words):
    with pytest.raises(ValueError, match=words):
        site.check(TextTower(small_clip()))


def test_the_swap_agrees_with_pyvene():
    from pyvene.models.interventions import RotatedSpaceIntervention

    theirs = RotatedSpaceIntervention(embed_dim=32)
    theirs.set_interchange_dim(7)
    ours = RotatedSubspace(32, 7)
    with torch.no_grad():
        ours.rotate.weight = theirs.rotate_layer.weight.detach()
    base, source = torch.randn(2, 9, 32, generator=torch.Generator().manual_seed(1))
    base.requires_grad_()
    source.requires_grad_()
    swapped = ours(base, source)
    expected = theirs(base, source)
    torch.testing.assert_close(swapped, expected, atol=1e-5, rtol=1e-5)
    weight = torch.randn(9, 32, generator=torch.Generator().manual_seed(2))
    for value in (base, source):
        (a,) = torch.autograd.grad((swapped * weight).sum(), value, retain_graph=True)
        (b,) = torch.autograd.grad((expected * weight).sum(), value, retain_graph=True)
        torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-5)


def test_a_subspace_of_all_dimensions_swaps_everything_and_of_itself_nothing():
    base, source = torch.randn(2, 3, 32, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(RotatedSubspace(32, 32)(base, source), source, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(RotatedSubspace(32, 5)(base, base), base, atol=1e-5, rtol=1e-5)


def test_the_rotation_stays_orthogonal_while_it_learns():
    subspace = RotatedSubspace(8, 3)
    optimiser = torch.optim.Adam(subspace.parameters(), lr=0.1)
    base, source, goal = torch.randn(3, 20, 8, generator=torch.Generator().manual_seed(1))
    before = subspace.rotation.detach().clone()
    for _ in range(20):
        optimiser.zero_grad()
        F.mse_loss(subspace(base, source), goal).backward()
        optimiser.step()
    rotation = subspace.rotation.detach()
    assert (rotation - before).abs().max() > 0.05
    torch.testing.assert_close(rotation @ rotation.T, torch.eye(8), atol=1e-5, rtol=0)


def test_write_replaces_one_position_of_each_row():
    x, value = torch.zeros(2, 3, 4), torch.ones(2, 4)
    y = write(x, torch.tensor([2, 0]), value)
    assert y.sum() == 8 and torch.equal(read(y, torch.tensor([2, 0])), value) and x.sum() == 0


def test_gradients_through_and_around_add_up_and_values_do_not_change():
    tower, tokens, images = TextTower(small_clip().double()), texts([4, 9, 2]), unit(3).double()
    subspace, site = RotatedSubspace(32, 6).double(), Site(1, 6)
    gradients = {}
    for path in ("none", "through", "around"):
        embedded = tower.embed(tokens).detach().requires_grad_()
        positions = tower.pooled(tokens)
        x = mediate(tower.upto(embedded, site.layer), positions, subspace, path)
        score = (tower.onwards(x, site.layer, positions) * images).sum()
        gradients[path] = torch.autograd.grad(score, embedded)[0]
        gradients[path, "score"] = score.detach()
    torch.testing.assert_close(gradients["through"] + gradients["around"], gradients["none"], atol=1e-9, rtol=1e-6)
    assert gradients["through"].abs().max() > 1e-4
    for path in ("through", "around"):
        torch.testing.assert_close(gradients[path, "score"], gradients["none", "score"])
    with pytest.raises(ValueError, match="unknown path"):
        mediate(torch.zeros(1, 2, 32), torch.tensor([0]), subspace, "between")
