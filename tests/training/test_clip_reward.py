import copy
import dataclasses

import pandas as pd
import pytest
import torch
from torch.nn import functional as F

from altlib.generation.sampling import caption_log_likelihoods
from altlib.models.captioner import CaptionerConfig, PrefixCaptioner, build_captioner, load_captioner
from altlib.models.clip import load_clip
from altlib.models.text_tower import TextTower
from altlib.models.vocabulary_bridge import VocabularyBridge
from altlib.training import clip_reward, loop
from altlib.training.clip_reward import (
    Pictures,
    RewardSettings,
    above_the_others,
    divergence,
    start_logits,
    train_on_reward,
)
from altlib.training.rewards import Reward
from tests.conftest import small_gpt2

SETTINGS = RewardSettings(epochs=2, batch_size=4, learning_rate=1e-2, max_tokens=6, evaluations=2)


@pytest.fixture(scope="module")
def clip():
    return load_clip()


@pytest.fixture
def reward(tokenizer, clip):
    return Reward("clip", VocabularyBridge(tokenizer, clip))


@pytest.fixture
def pictures(clip):
    def some(n, seed=0):
        features = torch.randn(n, clip.width, generator=torch.Generator().manual_seed(seed))
        return Pictures(F.normalize(features, dim=-1), ["Brew day!"] * n)

    return some


def captioner_for(clip, tokenizer, **changes):
    torch.manual_seed(1)
    config = CaptionerConfig("random", clip.width, prefix_length=2, max_tokens=20, **changes)
    return PrefixCaptioner(config, tokenizer, small_gpt2(tokenizer)).eval()


def run(captioner, reward, pictures, folder, settings=SETTINGS):
    return train_on_reward(captioner, reward, pictures(8), pictures(3, 1), settings, folder, "test")


@pytest.mark.parametrize(
    "way",
    [{"straight_through": True}, {"straight_through": False}, {"gradient": "reinforce", "learning_rate": 5e-4}],
    ids=str,
)
def test_the_reward_rises(clip, tokenizer, reward, pictures, tmp_path, way):
    """One picture that is the embedding of a text: the captioner learns to write what fits it."""
    target = clip.encode_texts(["two dogs on the grass"]).clone().expand(16, -1)
    usual = RewardSettings(epochs=30, batch_size=16, learning_rate=3e-3, max_tokens=6, evaluations=5)
    settings = dataclasses.replace(usual, **way)
    config = CaptionerConfig("miniature", clip.width, prefix_length=2, max_tokens=20)
    captioner = build_captioner(config, seed=0).eval()
    some = Pictures(target, [""] * 16)
    record = train_on_reward(captioner, reward, some, some, settings, tmp_path, "test")

    def fits(row):
        return float((clip.encode_texts(row["texts"]) * target).sum(1).mean())

    first, last = record.curve[0], record.curve[-1]
    assert fits(last) > fits(first) + 0.1
    assert record.curve[-1]["loss"] < record.curve[1]["loss"] - 0.05


def test_only_the_mapping_network_learns_if_the_language_model_is_frozen(clip, tokenizer, reward, pictures, tmp_path):
    config = CaptionerConfig("miniature", clip.width, prefix_length=2, max_tokens=20, trains_lm=False)
    captioner = build_captioner(config, seed=0)
    before = {name: p.clone() for name, p in captioner.named_parameters()}
    encoder = {name: p.clone() for name, p in clip.model.named_parameters()}
    run(captioner, reward, pictures, tmp_path / "run")
    changed = {name.split(".")[0] for name, p in captioner.named_parameters() if not torch.equal(p, before[name])}
    assert changed == {"mapper"}
    assert all(torch.equal(p, encoder[name]) for name, p in clip.model.named_parameters())
    assert all(p.grad is None for p in clip.model.transformer.parameters())


@pytest.mark.parametrize(("killed_at", "gradient"), [(1, "gumbel"), (3, "gumbel"), (3, "reinforce")])
def test_a_killed_stage_resumes_with_equal_results(
    clip, tokenizer, reward, pictures, tmp_path, monkeypatch, killed_at, gradient
):
    settings = dataclasses.replace(SETTINGS, fluency=0.1, gradient=gradient)
    undisturbed = run(captioner_for(clip, tokenizer), reward, pictures, tmp_path / "undisturbed", settings)
    monkeypatch.setattr(loop, "SAVE_EVERY", 1)
    steps, real = 0, loop.update

    def killed(*args):
        nonlocal steps
        if steps == killed_at:
            raise KeyboardInterrupt
        steps += 1
        return real(*args)

    monkeypatch.setattr(loop, "update", killed)
    with pytest.raises(KeyboardInterrupt):
        run(captioner_for(clip, tokenizer), reward, pictures, tmp_path / "killed", settings)
    monkeypatch.setattr(loop, "update", real)
    resumed = run(captioner_for(clip, tokenizer), reward, pictures, tmp_path / "killed", settings)
    drop = ["seconds"]
    pd.testing.assert_frame_equal(resumed.frame().drop(columns=drop), undisturbed.frame().drop(columns=drop))
    monkeypatch.setattr(clip_reward, "fit", lambda *a: pytest.fail("it was trained again"))
    again = run(captioner_for(clip, tokenizer), reward, pictures, tmp_path / "killed", settings)
    assert again.curve[-1]["texts"] == resumed.curve[-1]["texts"]
    assert load_captioner(tmp_path / "killed").config == captioner_for(clip, tokenizer).config


def test_the_divergence_from_the_start_is_zero_at_the_start_and_holds_the_captioner_there(
    clip, tokenizer, reward, pictures, tmp_path
):
    captioner = captioner_for(clip, tokenizer)
    features, examples = pictures(4).features, [captioner.encode("Brew day!"), captioner.encode("")] * 2
    torch.manual_seed(0)
    captions = clip_reward.sample_relaxed(captioner, features, examples, 1.0, 5)
    before = start_logits(captioner, features, examples, captions.tokens)
    assert float(divergence(captions, before).detach()) == pytest.approx(0, abs=1e-5)
    distances = {}
    for weight in (0.0, 5.0):
        learned = captioner_for(clip, tokenizer)
        start = captioner_for(clip, tokenizer)
        settings = dataclasses.replace(SETTINGS, fluency=weight)
        run(learned, reward, pictures, tmp_path / str(weight), settings)
        torch.manual_seed(0)
        with torch.no_grad():
            captions = clip_reward.sample_relaxed(learned, features, examples, 1.0, 5)
            before = start_logits(start, features, examples, captions.tokens)
            distances[weight] = float(divergence(captions, before))
    assert distances[5.0] < 0.5 * distances[0.0]


def test_a_caption_is_judged_by_the_others_of_its_picture():
    rewards = torch.tensor([[1.0, 2.0, 6.0], [3.0, 3.0, 3.0]])
    assert above_the_others(rewards).tolist() == [[-3.0, -1.5, 4.5], [0.0, 0.0, 0.0]]  # 1 - (2 + 6) / 2, ...


def test_reinforce_has_the_gradient_of_the_expected_reward(clip, tokenizer, reward, pictures):
    """With captions of one token the expected reward, and so its gradient, can be summed over all captions."""
    captioner = captioner_for(clip, tokenizer)
    some, weight = pictures(1), captioner.mapper.model[0].bias
    settings = RewardSettings(gradient="reinforce", samples=20_000, max_tokens=1)
    learner = clip_reward.RewardLearner(captioner, reward, some, some, settings, "test")
    torch.manual_seed(0)
    surrogate, loss = learner.reinforce_loss(some.features, learner.examples)
    (found,) = torch.autograd.grad(surrogate, weight)
    tokens = torch.arange(len(tokenizer))
    said, _ = caption_log_likelihoods(
        captioner, some.features.expand(len(tokens), -1), learner.examples * len(tokens), tokens[:, None]
    )
    rewards = reward.of_texts(reward.bridge.texts(tokens[:, None]), some.features.expand(len(tokens), -1))
    expected = -(said.exp() * rewards).sum()
    (exact,) = torch.autograd.grad(expected, weight)
    assert float(loss) == pytest.approx(float(expected.detach()), abs=0.01)
    assert float(F.cosine_similarity(found, exact, dim=0)) > 0.9


def test_the_temperature_falls_by_equal_factors():
    settings = RewardSettings(first_temperature=1.0, last_temperature=0.25)
    assert [settings.temperature(done) for done in (0, 0.5, 1)] == pytest.approx([1, 0.5, 0.25])


def test_every_picture_comes_once_in_an_epoch(clip, tokenizer, reward, pictures):
    learner = clip_reward.RewardLearner(
        captioner_for(clip, tokenizer), reward, pictures(7), pictures(2), SETTINGS, "test"
    )
    batches = learner.batches(0)
    seen = [next(batches) for _ in range(4)]
    assert sorted(seen[0][1] + seen[1][1]) == list(range(7)) == sorted(seen[2][1] + seen[3][1])
    assert next(learner.batches(3)) == seen[3] and [step for step, _ in seen] == [0, 1, 2, 3]


def test_the_key_of_a_run_changes_with_everything_that_chooses_its_result(
    clip, tokenizer, reward, pictures, monkeypatch
):
    other = {field.name: 7 for field in dataclasses.fields(RewardSettings)} | {"gradient": "reinforce"}
    some, nudged = pictures(8), captioner_for(clip, tokenizer)
    with torch.no_grad():
        next(nudged.parameters()).add_(1e-3)
    other_tokens = captioner_for(clip, tokenizer)
    other_tokens.tokenizer = copy.deepcopy(tokenizer)
    other_tokens.tokenizer.add_tokens(["Brew"])
    tower = TextTower(copy.deepcopy(clip.model))
    with torch.no_grad():
        next(tower.text.parameters()).add_(1e-3)
    references = [Reward("refcompare", reward.bridge, torch.tensor(known)) for known in ([0.1], [0.2])]
    rewards = [*references, dataclasses.replace(references[0], width=0.1)]
    rewards += [Reward("description", reward.bridge), Reward("clip", VocabularyBridge(tokenizer, clip, tower))]
    changes = [
        *({"settings": dataclasses.replace(SETTINGS, **{name: value})} for name, value in other.items()),
        *({"reward": each} for each in rewards),
        *({"captioner": each} for each in (nudged, other_tokens, captioner_for(clip, tokenizer, trains_lm=False))),
        *({split: each} for split in ("unlabelled", "validation") for each in (
            pictures(7), pictures(8, 1), Pictures(some.features, ["Bake day!"] * 8),
        )),
    ]  # fmt: skip
    usual = {"captioner": captioner_for(clip, tokenizer), "reward": reward, "settings": SETTINGS}
    usual |= {"unlabelled": some, "validation": some}
    keys = [clip_reward.reward_key(**usual | change) for change in [{}, *changes]]
    assert clip_reward.reward_key(**usual) == keys[0] and len(set(keys)) == len(keys)
    monkeypatch.setattr(clip_reward, "CODE", "another")
    assert clip_reward.reward_key(**usual) not in keys


def test_what_cannot_learn_is_refused(clip, tokenizer, reward, pictures, tmp_path):
    with pytest.raises(ValueError, match="does not see the picture"):
        run(captioner_for(clip, tokenizer, uses_image=False), reward, pictures, tmp_path)
    with pytest.raises(ValueError, match="0 unlabelled"):
        train_on_reward(captioner_for(clip, tokenizer), reward, pictures(0), pictures(1), SETTINGS, tmp_path, "test")
    with pytest.raises(ValueError, match="'evolution'; known: gumbel, reinforce"):
        RewardSettings(gradient="evolution")
    with pytest.raises(ValueError, match="samples must be 2 or more, not 1"):
        RewardSettings(gradient="reinforce", samples=1)
