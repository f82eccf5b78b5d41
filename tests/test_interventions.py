import copy

import open_clip
import pytest
import torch
from torch.nn import functional as F

from altlib.models.interventions import RotatedSubspace, Site, mediate, write
from altlib.models.text_tower import TextTower, read
from altlib.training.description_objectives import (
    TripletBatch,
    behavioural_loss,
    iit_das_loss,
    objective_loss,
    preference_loss,
)

TEXT = {"context_length": 12, "vocab_size": 50, "width": 32, "heads": 4, "layers": 3}
VISION = {"image_size": 32, "patch_size": 16, "width": 32, "layers": 2, "head_width": 16}


def small_clip(seed: int = 0):
    """An open_clip model of random weights that reads 12 tokens; the end of text is token 49."""
    torch.manual_seed(seed)
    model = open_clip.model.CLIP(embed_dim=16, vision_cfg=VISION, text_cfg=TEXT).eval()
    with torch.no_grad():  # random weights at open_clip's scale hardly react to their input
        for block in model.transformer.resblocks:
            block.attn.in_proj_weight.mul_(8)
            block.mlp.c_proj.weight.mul_(20)
    return model


def texts(lengths, seed: int = 0):
    """Random token ids of these lengths, each with its end of text, padded with zeros to 12."""
    generator = torch.Generator().manual_seed(seed)
    rows = torch.zeros(len(lengths), 12, dtype=torch.long)
    for row, length in zip(rows, lengths, strict=True):
        row[:length] = torch.randint(1, 48, (length,), generator=generator)
        row[length] = 49
    return rows


def unit(n: int, seed: int = 5):
    return F.normalize(torch.randn(n, 16, generator=torch.Generator().manual_seed(seed)), dim=-1)


def test_the_tower_equals_the_model_at_every_layer_and_length():
    model, tokens = small_clip(), texts([3, 11, 5, 1])
    tower = TextTower(model)
    expected = model.encode_text(tokens, normalize=True)
    torch.testing.assert_close(tower(tokens), expected, atol=1e-6, rtol=1e-5)
    for layer in range(3):
        x = tower.upto(tower.embed(tokens), layer)
        torch.testing.assert_close(tower.onwards(x, layer, tower.pooled(tokens)), expected, atol=1e-6, rtol=1e-5)


def test_a_separate_text_transformer_works_too():
    torch.manual_seed(0)
    model = open_clip.model.CustomTextCLIP(embed_dim=16, vision_cfg=VISION, text_cfg=TEXT).eval()
    tokens = texts([4, 9])
    torch.testing.assert_close(
        TextTower(model)(tokens), model.encode_text(tokens, normalize=True), atol=1e-6, rtol=1e-5
    )


def test_another_kind_of_text_encoder_is_refused():
    model = open_clip.model.CustomTextCLIP(embed_dim=16, vision_cfg=VISION, text_cfg=TEXT | {"no_causal_mask": True})
    with pytest.raises(ValueError, match="causal"):
        TextTower(model)


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
    ours.set_rotation(theirs.rotate_layer.weight.detach())
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


def test_reading_does_not_change_the_model():
    model = small_clip()
    before = copy.deepcopy(model.state_dict())
    TextTower(model)(texts([3]))
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
