"""Preference optimisation, rewards, judges and flagging stay on the device of their models, shown as in test_placement."""

import copy
from dataclasses import replace

import pandas as pd
import pytest
import torch

from altlib.data.comparisons import MCM_DPO_WEIGHTS, combinations
from altlib.evaluation import refcompare
from altlib.evaluation.attention_to_inputs import captioner_attention
from altlib.evaluation.flagging_models import likelihoods
from altlib.evaluation.fluency import perplexity
from altlib.evaluation.judges.clip import clip_judge, description_judge
from altlib.evaluation.judges.interface import JudgedText
from altlib.generation.baselines import vision_language_captions
from altlib.models.captioner import CaptionerConfig, PrefixCaptioner
from altlib.models.captioner_policy import CaptionerPolicy
from altlib.models.clip import load_clip
from altlib.models.description_clip import DescriptionClip, TuningSettings
from altlib.models.image_text_policy import ImageTextPolicy, ImageTextSettings
from altlib.models.policy import NegativeSettings
from altlib.models.vocabulary_bridge import VocabularyBridge
from altlib.training.clip_reward import Pictures, RewardLearner, RewardSettings
from altlib.training.loop import Interval, update
from altlib.training.preference import Comparer, PreferenceLearner, PreferenceSettings
from altlib.training.preference_losses import PreferenceLoss
from altlib.training.rewards import Reward
from tests.conftest import small_gpt2
from tests.device_spy import DEVICE, pretended_device
from tests.image_text_kinds import BUILDERS, tiny_kind
from tests.image_text_models import tiny_blip2, tiny_model

POSTS = ["Brew day!", "", "At sea.", "Our dogs."]
FOLLOWED = sorted({*BUILDERS} - {"gemma3"})  # it makes its masks by vmap, which the pretended device cannot follow
RIGHT, WRONG = ["a red mug", "a blue mug", "a tall ship", "two dogs"], ["a mug", "a cup", "a boat", "three dogs"]


@pytest.fixture
def on_device():
    """The miniature CLIP on the pretended device, which exists within the test."""
    clip = load_clip()
    with pretended_device():
        yield replace(clip, model=clip.model.to(DEVICE))


@pytest.fixture
def captioner(on_device, tokenizer):
    config = CaptionerConfig("random", on_device.width, prefix_length=2, max_tokens=20)
    return PrefixCaptioner(config, tokenizer, small_gpt2(tokenizer)).eval().to(DEVICE)


@pytest.fixture
def files(picture):
    return [str(picture(f"{number}.png")) for number in range(4)]


@pytest.mark.parametrize("trains_vision", [False, True])
@pytest.mark.parametrize("negative", ["diffusion", "other"])
def test_a_policy_learns_from_preferences(on_device, captioner, files, tmp_path, trains_vision, negative):
    pairs = pd.DataFrame({"image": files, "text": POSTS, "chosen": RIGHT, "rejected": WRONG})
    policy = CaptionerPolicy(captioner, on_device, trains_vision, tmp_path / "features")
    reference = CaptionerPolicy(copy.deepcopy(captioner), on_device, cache=tmp_path / "features")
    loss = PreferenceLoss(MCM_DPO_WEIGHTS)
    settings = PreferenceSettings(loss, epochs=1, batch_size=4, micro_batch=2)
    comparer = Comparer(policy, reference, NegativeSettings(negative), tmp_path / "reference", 4)
    data = comparer.data(pairs, combinations(loss.weights))
    learner = PreferenceLearner(policy, data, data, settings, "x")
    learning = [p for p in policy.parameters() if p.requires_grad]
    update(learner, torch.optim.AdamW(learning, lr=1e-3), [0, 1, 2, 3], 1.0)
    row = learner.evaluate(1, Interval(), [])
    assert row["log p(chosen)"] < 0 and data.reference.device.type == "cpu"
    assert policy.picture_features(files).device.type == "cpu"


@pytest.mark.parametrize("kind", ["llava", "llava-next", "qwen2_vl", "qwen2_5_vl", "idefics3", *FOLLOWED])
def test_an_image_text_model_learns_from_preferences(files, tmp_path, kind):
    pairs = pd.DataFrame({"image": files, "text": POSTS, "chosen": RIGHT, "rejected": WRONG})[:2]
    model, processor = tiny_kind(kind) if kind in BUILDERS else tiny_model(kind)
    with pretended_device():
        policy = ImageTextPolicy(model, processor, ImageTextSettings(rank=2), trains_vision=True).eval().to(DEVICE)
        settings = PreferenceSettings(PreferenceLoss(MCM_DPO_WEIGHTS), batch_size=2)
        comparer = Comparer(policy, policy, NegativeSettings(), tmp_path / "reference", 2)
        data = comparer.data(pairs, combinations(settings.loss.weights))
        learner = PreferenceLearner(policy, data, data, settings, "x")
        learning = [p for p in policy.parameters() if p.requires_grad]
        update(learner, torch.optim.AdamW(learning, lr=1e-3), [0, 1], 1.0)
        policy.save(tmp_path / "saved")
        policy.restore(tmp_path / "saved")
        assert policy.device == DEVICE and data.reference.device.type == "cpu"
        assert len(policy.write(files[:1], ["Brew day!"], beams=2, max_tokens=3)) == 1


def test_a_vision_language_model_describes_pictures(files, tmp_path):
    tiny_blip2(tmp_path / "blip2")
    with pretended_device():
        said = vision_language_captions(str(tmp_path / "blip2"), files[:2], str(DEVICE), beams=2, max_tokens=3)
    assert len(said) == 2


@pytest.mark.parametrize("gradient", ["gumbel", "soft gumbel", "reinforce"])
@pytest.mark.parametrize("reward", ["clip", "refcompare"])
def test_a_captioner_learns_from_a_reward(on_device, captioner, tokenizer, gradient, reward):
    bridge = VocabularyBridge(tokenizer, on_device)
    known = torch.tensor([0.1, 0.3]) if reward == "refcompare" else None
    pictures = Pictures(torch.nn.functional.normalize(torch.randn(4, on_device.width), dim=-1), ["Brew day!"] * 4)
    soft = gradient == "soft gumbel"
    settings = RewardSettings(
        batch_size=4, max_tokens=4, gradient=gradient.split()[-1], samples=2, fluency=0.1, straight_through=not soft
    )
    learner = RewardLearner(captioner, Reward(reward, bridge, known), pictures, pictures, settings, "x")
    update(learner, torch.optim.Adam(captioner.parameters(), lr=1e-3), (0, [0, 1, 2, 3]), 1.0)
    assert len(learner.evaluate(1, Interval(), [])["texts"]) == 4


def test_judges_and_measures_compute_where_their_models_are(on_device, captioner, tokenizer, files):
    texts = [JudgedText(text, image=file) for text, file in zip(RIGHT, files, strict=True)]
    settings = TuningSettings("behavioural", "lora", layer=2, subspace=8, rank=4)
    tuned = DescriptionClip(on_device, settings)
    for judge in (clip_judge(on_device), description_judge(tuned, on_device)):
        assert len(judge.rate(texts).overall) == 4
    features = torch.nn.functional.normalize(torch.randn(4, on_device.width), dim=-1)
    found = captioner_attention(captioner, features, ["Brew day!"] * 4, RIGHT)
    assert found.loss("nothing").value > 0
    nats, tokens = likelihoods(captioner, features, ["Brew day!"] * 4, RIGHT)
    assert len(nats) == len(tokens) == 4
    model = small_gpt2(tokenizer).eval().to(DEVICE)
    assert perplexity(RIGHT, tokenizer, model) > 1
    shares = refcompare.refcompare_of_systems({"x": RIGHT}, [[text] for text in WRONG], features, on_device)
    assert 0 <= shares["x"].value <= 1
