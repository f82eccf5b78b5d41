from dataclasses import replace

import pandas as pd
import pytest
import torch

from altlib.core.files import read_json, write_json
from altlib.generation.decoding import Decoding
from altlib.models.captioner import CaptionerConfig, build_captioner
from altlib.models.clip import load_clip
from altlib.models.clipcap import start_from_clipcap
from altlib.models.description_clip import DescriptionClip, TuningSettings
from altlib.training import reward_study
from altlib.training.captions import TrainingSettings
from altlib.training.clip_reward import RewardSettings
from altlib.training.reward_study import (
    RewardPlan,
    RewardStudy,
    chosen_rewards,
    chosen_start,
    clipcap_of,
    label_counts,
    reward_plans,
)

USUAL = RewardPlan("mlp", True, 6)


def test_the_usual_run_is_in_every_group_and_one_thing_changes():
    groups = reward_plans(USUAL, [3, 12], ["description", "refcompare"], 0.1)
    assert all(USUAL in group for group in groups.values())
    assert {plan.variant for plan in groups["variants"]} == {
        "MLP", "Transformer", "MLP + LM tuning", "Transformer + LM tuning"
    }  # fmt: skip
    assert [plan.labelled for plan in groups["labels"]] == [3, 6, 12]
    assert [plan.reward for plan in groups["rewards"]] == ["clip", "description", "refcompare"]
    assert groups["guards"][1].fluency == 0.1 and groups["stages"][1].labelled == 0
    assert len(reward_plans(USUAL, [], [], 0.0)["guards"]) == 1
    assert [plan.gradient for plan in groups["gradients"]] == ["gumbel", "reinforce"]
    assert [plan.seed for plan in reward_plans(USUAL, [], [], 0.0, seeds=3)["seeds"]] == [0, 1, 2]
    assert [plan.length for plan in reward_plans(USUAL, [], [], 0.0, longest=3)["lengths"]] == [1, 3]
    assert USUAL.supervised == groups["gradients"][1].supervised  # one supervised stage for both
    everything = {plan for group in groups.values() for plan in group}
    assert len({plan.name for plan in everything}) == len(everything)


def test_numbers_of_labels_are_bounded_by_what_is_there():
    assert label_counts([100, 0, 500], 300) == [100, 300]
    assert chosen_rewards("description, clip") == ["description", "clip"]
    with pytest.raises(ValueError, match="'bleu' is none of clip"):
        chosen_rewards("bleu")


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    from PIL import Image

    run, clip = tmp_path_factory.mktemp("run"), load_clip()
    rows = []
    for number in range(18):
        path = run / f"{number}.png"
        Image.effect_noise((40, 30), 60).convert("RGB").save(path)
        rows.append({"image": str(path), "text": "Post", "alt_text": f"{number} red mugs"})
    posts = pd.DataFrame(rows)
    split = {"train": posts[:12], "val": posts[12:15], "test": posts[15:]}
    config = CaptionerConfig("miniature", clip.width, clip.fingerprint, prefix_length=2, uses_text=False, max_tokens=20)
    training = TrainingSettings(batch_size=4, learning_rate=1e-3)
    settings = RewardSettings(epochs=1, batch_size=4, learning_rate=1e-3, max_tokens=5, evaluations=1)
    plan = TuningSettings(objective="behavioural", tuning="lora", layer=1, subspace=8)
    DescriptionClip(clip, plan).save(run / "tuned-clip" / plan.name, {})
    write_json(run / "tuned-clip" / "models.json", {"models": [plan.name]})
    return RewardStudy(run, clip, config, split, training, 4, settings, "cpu")


@pytest.mark.parametrize("reward", ["clip", "description", "refcompare"])
def test_both_stages_are_made_and_read_back(study, reward, monkeypatch):
    plan = RewardPlan("mlp", True, 6, reward)
    curve = study.train(plan)
    assert [row["step"] for row in curve] == [0, 3] and len(curve[-1]["texts"]) == 3
    assert (study.folder(plan.supervised) / "captioner.json").is_file()
    monkeypatch.setattr("altlib.training.clip_reward.fit", lambda *a: pytest.fail("it was trained again"))
    assert study.train(plan)[-1]["texts"] == curve[-1]["texts"]
    assert len(study.captions(plan, Decoding(beams=1, max_tokens=5))) == 3


@pytest.mark.parametrize("labelled,epochs", [(12, [2 / 3]), (4, [1, 2])])
def test_the_supervised_stage_has_no_more_updates_than_are_asked_for(study, labelled, epochs):
    plan = RewardPlan("mlp", False, labelled, "none")
    replace(study, supervised_steps=2).train_supervised(plan)
    assert [row["epoch"] for row in read_json(study.folder(plan) / "curve.json")["curve"]] == epochs


def test_all_runs_write_as_each_writes_alone(study):
    plans = [RewardPlan("mlp", True, 6, reward) for reward in ("clip", "none")]
    study.train(plans[0])
    search = Decoding(beams=1, max_tokens=5)
    assert study.all_captions(plans, search) == {plan.name: study.captions(plan, search) for plan in plans}


def test_the_best_of_several_captions_is_the_one_that_clip_scores_highest(study):
    plan = RewardPlan("mlp", True, 6, "none")
    study.train_supervised(plan)
    images = study.features["test"]

    def scores(texts):
        return (study.clip.encode_texts(texts) * images).sum(-1)

    one, many = (study.best_of(plan, samples, 5) for samples in (1, 16))
    assert len(one) == len(many) == 3
    assert float(scores(many).mean()) > float(scores(one).mean())


def test_a_longer_run_has_as_many_times_the_updates(study):
    study.settings = replace(study.settings, steps=2)
    usual, longest = (RewardPlan("mlp", True, 6, length=length) for length in (1, 2))
    assert [row["step"] for row in study.train(usual)] == [0, 2]
    assert [row["step"] for row in study.train(longest)] == [0, 4]


def test_more_labels_are_learned_from_for_as_many_updates(study):
    few, many = (RewardPlan("mlp", True, n) for n in (4, 12))
    for plan in (few, many):
        study.train_supervised(plan)
    last = [read_json(study.folder(plan.supervised) / "curve.json")["curve"][-1]["epoch"] for plan in (few, many)]
    assert last == [4, pytest.approx(4 / 3)]  # with batches of 4 that is 4 updates each


def test_without_the_supervised_stage_the_reward_starts_from_new_weights(study):
    plan = RewardPlan("mlp", True, 0)
    assert len(study.train(plan)) == 2
    assert not (study.folder(plan.supervised)).exists()


@pytest.mark.parametrize("starts_from", ["nothing", "clipcap", "chapter-02"])
def test_a_run_without_labels_has_a_new_mapping_network_whatever_mlps_start_from(study, starts_from):
    config = replace(study.config, prefix_length=10)  # that of the miniature ClipCap
    without = replace(study, config=config, starts_from=starts_from).train_supervised(RewardPlan("mlp", True, 0))
    new = build_captioner(config, 0)
    assert all(torch.equal(a, b) for a, b in zip(without.parameters(), new.parameters(), strict=True))


def test_the_supervised_stage_on_all_labels_may_be_chapter_02s(study, monkeypatch):
    all_labels, few, frozen = RewardPlan("mlp", True, 12), RewardPlan("mlp", True, 4), RewardPlan("mlp", False, 12)
    with pytest.raises(ValueError, match="run chapter 02 first"):
        chosen_start("chapter-02", 0, study.run)
    known = build_captioner(study.config, 5)
    known.save(clipcap_of(study.run))
    assert chosen_start("chapter-02", 0, study.run) == "chapter-02"
    with pytest.raises(ValueError, match="goes with pictures=0"):
        chosen_start("chapter-02", 12, study.run)
    again = replace(study, starts_from="chapter-02")
    monkeypatch.setattr(reward_study, "train", lambda *given: pytest.fail("a supervised stage was trained"))
    start = again.train_supervised(all_labels)
    assert all(torch.equal(a, b) for a, b in zip(start.parameters(), known.parameters(), strict=True))
    assert again.folder(all_labels.supervised) == clipcap_of(study.run) != again.folder(all_labels)
    assert not any(again.comes_from_chapter_02(plan.supervised) for plan in (few, frozen))
    again.config = replace(study.config, prefix_length=10)  # that of the miniature ClipCap
    clipcap = build_captioner(again.config, 0)
    start_from_clipcap(clipcap, "miniature")
    assert torch.equal(again.untrained(few).mapper.model[0].weight, clipcap.mapper.model[0].weight)
