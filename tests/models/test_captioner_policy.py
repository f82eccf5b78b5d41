import pandas as pd
import pytest
import torch

from altlib.core.errors import BackboneError
from altlib.data.comparisons import BEST, COMPARISONS, MCM_DPO_WEIGHTS, combinations
from altlib.models.captioner import CaptionerConfig, PrefixCaptioner
from altlib.models.captioner_policy import CaptionerPolicy, load_captioner_policy
from altlib.models.clip import Clip, load_clip
from altlib.models.policy import NegativeSettings, check_combinations, reference_log_probabilities, without_effect
from tests.conftest import small_gpt2

WANTED = combinations(MCM_DPO_WEIGHTS)


@pytest.fixture(scope="module")
def clip():
    return load_clip()


@pytest.fixture
def pairs(picture):
    images = [str(picture(f"{n}.png", size=size)) for n, size in enumerate([(40, 30), (30, 60), (32, 32)])]
    return pd.DataFrame(
        {
            "image": images,
            "text": ["Brew day!", "", "Seen at the quay at Whitby and the shop."],
            "chosen": ["Two growlers on a red cloth.", "A mug.", "A tall ship at sea."],
            "rejected": ["Three growlers.", "A picture.", "A ship."],
        }
    )


def captioner_for(clip: Clip, tokenizer, **changes) -> PrefixCaptioner:
    torch.manual_seed(1)
    config = CaptionerConfig("random", clip.width, clip.fingerprint, prefix_length=4, max_tokens=60, **changes)
    return PrefixCaptioner(config, tokenizer, small_gpt2(tokenizer)).eval()


@pytest.mark.parametrize("trains_vision", [False, True])
@pytest.mark.parametrize("negative", ["diffusion", "rotation", "other"])
def test_every_combination_has_the_likelihood_that_the_captioner_gives_it_alone(
    clip, tokenizer, pairs, trains_vision, negative
):
    captioner = captioner_for(clip, tokenizer)
    policy = CaptionerPolicy(captioner, clip, trains_vision).eval()
    prepared = policy.prepare(pairs, NegativeSettings(negative, seed=3))
    rows = [2, 0]
    with torch.no_grad():
        found = policy.log_probabilities(prepared, rows, WANTED)
        for column, wanted in enumerate(WANTED):
            features = policy.encode_pixels(policy.read(prepared.pictures, rows, wanted.picture))
            examples = [
                captioner.encode(
                    pairs["text"][row if wanted.context else prepared.partner[row]],
                    pairs["chosen" if wanted.response else "rejected"][row],
                )
                for row in rows
            ]
            alone = captioner.log_likelihoods(features, examples)
            assert torch.allclose(found[:, column], alone, atol=2e-3), wanted
    assert len(found[0].unique()) == 8


def test_the_features_of_worse_pictures_are_kept_unless_the_vision_encoder_learns(clip, tokenizer, pairs, tmp_path):
    captioner = captioner_for(clip, tokenizer)
    first = CaptionerPolicy(captioner, clip, cache=tmp_path).prepare(pairs, NegativeSettings())
    assert len(list(tmp_path.glob("*.safetensors"))) == 2
    again = CaptionerPolicy(captioner, clip, cache=tmp_path).prepare(pairs, NegativeSettings())
    assert torch.equal(first.features[False], again.features[False])
    CaptionerPolicy(captioner, clip, cache=tmp_path).prepare(pairs, NegativeSettings(step=200))
    assert len(list(tmp_path.glob("*.safetensors"))) == 3
    assert not CaptionerPolicy(captioner, clip, True, tmp_path).prepare(pairs, NegativeSettings()).features


def test_a_vision_encoder_learns_through_its_pixels_and_the_shared_one_stays_as_it_is(clip, tokenizer, pairs):
    policy = CaptionerPolicy(captioner_for(clip, tokenizer), clip, trains_vision=True)
    before = {name: p.clone() for name, p in clip.model.named_parameters()}
    prepared = policy.prepare(pairs, NegativeSettings())
    optimiser = torch.optim.SGD([p for p in policy.parameters() if p.requires_grad], lr=0.1)
    policy.log_probabilities(prepared, [0, 1], [BEST]).sum().backward()
    optimiser.step()
    after = dict(policy.vision.named_parameters())
    assert {n.split(".")[0] for n in before if not torch.equal(after[n], before[n])} == {"visual"}
    assert all(torch.equal(p, before[name]) for name, p in clip.model.named_parameters())
    assert not torch.allclose(policy.picture_features(pairs["image"])[0], policy.clip.model.encode_image(
        policy.read(prepared.pictures, [0], True), normalize=True)[0])  # fmt: skip


@pytest.mark.parametrize("own_vision", [False, True])
def test_a_policy_is_read_back_as_it_was_written(clip, tokenizer, pairs, tmp_path, own_vision):
    small_gpt2(tokenizer).save_pretrained(tmp_path / "lm")
    tokenizer.save_pretrained(tmp_path / "lm")
    policy = CaptionerPolicy(captioner_for(clip, tokenizer), clip, own_vision).eval()
    if policy.vision is not None:
        with torch.no_grad():
            next(policy.vision.visual.parameters()).mul_(-1)
    policy.save(tmp_path / "policy")
    wanted = policy.log_probabilities(policy.prepare(pairs, NegativeSettings()), [0, 1, 2], WANTED).detach()
    for trains_vision in (False, True):
        again = load_captioner_policy(tmp_path / "policy", clip, trains_vision, cache=tmp_path / "features")
        prepared = again.prepare(pairs, NegativeSettings())
        with torch.no_grad():
            assert torch.allclose(again.log_probabilities(prepared, [0, 1, 2], WANTED), wanted, atol=1e-3)
        assert bool(prepared.features) != trains_vision == again.trains_vision
    plain = CaptionerPolicy(captioner_for(clip, tokenizer), clip, cache=tmp_path / "features")
    same = torch.equal(plain.prepare(pairs, NegativeSettings()).features[True], policy.picture_features(pairs["image"]))
    assert same != own_vision


def test_a_captioner_of_other_features_and_a_comparison_that_it_cannot_see_are_refused(clip, tokenizer, pairs):
    captioner = captioner_for(clip, tokenizer, uses_image=False)
    policy = CaptionerPolicy(captioner, clip)
    useless = without_effect(policy, policy.prepare(pairs, NegativeSettings()))
    check_combinations([BEST, COMPARISONS["response"]], useless)
    with pytest.raises(ValueError, match="does not see the picture, so a worse picture changes nothing"):
        check_combinations(WANTED, useless)
    blind = policy.log_probabilities(policy.prepare(pairs, NegativeSettings()), [0], [BEST, COMPARISONS["picture"]])
    assert float(blind[0, 0].detach()) == pytest.approx(float(blind[0, 1].detach()), abs=1e-4)
    other = captioner_for(clip, tokenizer)
    object.__setattr__(other.config, "clip_fingerprint", "0" * 16)
    with pytest.raises(BackboneError, match="another encoder"):
        CaptionerPolicy(other, clip)


def test_a_worse_input_that_is_the_same_is_refused(clip, tokenizer, pairs):
    policy = CaptionerPolicy(captioner_for(clip, tokenizer), clip)
    same = pairs.assign(text="Brew day!", image=pairs["image"][0])
    assert without_effect(policy, policy.prepare(pairs, NegativeSettings("other"))) == {}
    assert set(without_effect(policy, policy.prepare(same, NegativeSettings()))) == {"context"}
    useless = without_effect(policy, policy.prepare(same, NegativeSettings("other")))
    for part in ("context", "picture"):
        with pytest.raises(ValueError, match=f"all pairs have the same .* a worse {part} changes nothing"):
            check_combinations([BEST, COMPARISONS[part]], useless)


def test_the_other_post_and_the_other_picture_differ_where_pairs_share_them(clip, tokenizer, pairs):
    policy = CaptionerPolicy(captioner_for(clip, tokenizer), clip)
    several = pd.concat([pairs.assign(text=["", "Brew day!", ""])] * 4, ignore_index=True)
    prepared = policy.prepare(several, NegativeSettings("other"))
    for row, (post, picture) in enumerate(zip(prepared.partner, prepared.pictures.partner, strict=True)):
        assert several["text"][post] != several["text"][row] and several["image"][picture] != several["image"][row]


def test_dropout_is_off_while_it_learns_and_references_do_not_depend_on_the_batch(clip, tokenizer, pairs):
    policy = CaptionerPolicy(captioner_for(clip, tokenizer), clip).train()
    prepared = policy.prepare(pairs, NegativeSettings())
    found = [reference_log_probabilities(policy, prepared, WANTED, size) for size in (1, 3)]
    assert torch.allclose(*found, atol=1e-3) and found[0].shape == (3, 8)
