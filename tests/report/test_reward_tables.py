import numpy as np
import pandas as pd
import pytest

from altlib.core.estimates import Estimate
from altlib.report import reward_tables as tables
from altlib.training.reward_study import RewardPlan, reward_plans

PLAN = RewardPlan("mlp", True, 100)


def scores(before: tuple[float, float], after: tuple[float, float], plan=PLAN):
    def estimates(bleu, share):
        noise = np.linspace(-0.01, 0.01, 101)
        return {"BLEU@4": Estimate(bleu, bleu + noise), "RefCompare": Estimate(share, share + noise)}

    return {plan.supervised.name: estimates(*before), plan.name: estimates(*after)}


def test_every_run_stands_after_its_supervised_stage():
    other = RewardPlan("mlp", True, 100, "refcompare")
    assert tables.stages([PLAN, other, RewardPlan("mlp", True, 0)]) == [
        PLAN.supervised, PLAN, other, RewardPlan("mlp", True, 0)
    ]  # fmt: skip
    table = tables.stage_table([PLAN], scores((10, 0.2), (9.5, 0.6)))
    assert (
        table["reward"].tolist() == ["none", "clip, Gumbel-softmax"] and table["RefCompare"][1] == "0.60 [0.59, 0.61]"
    )


def test_the_verdict_on_the_goal_can_come_out_either_way():
    reached = tables.reach_verdict(PLAN, scores((10, 0.2), (9.5, 0.6)))
    assert (
        "raises RefCompare (0.20 to 0.60" in reached and "reaches 0.5" in reached and "no more than 1 point" in reached
    )
    missed = tables.reach_verdict(PLAN, scores((10, 0.3), (7, 0.25)))
    assert "lowers" in missed and "does not reach 0.5" in missed and "more than 1 point is lost" in missed
    assert "no more than" not in missed
    many = RewardPlan("mlp", True, 2000)
    assert "2,000 labelled pictures" in tables.reach_verdict(many, scores((10, 0.2), (9.5, 0.6), many))


@pytest.mark.parametrize(
    "lost,width,said",
    [
        (-0.5, 0.4, "so no more than 1 point is lost"),
        (-0.5, 2.0, "so it cannot be told whether more than 1 point is lost"),
        (-1.5, 2.0, "so it cannot be told whether more than 1 point is lost"),
        (-3.0, 1.0, "so more than 1 point is lost"),
        (2.0, 0.5, "so no more than 1 point is lost"),
    ],
)
def test_what_is_lost_is_decided_by_the_whole_interval(lost, width, said):
    found = scores((10, 0.2), (10 + lost, 0.6))
    after = found[PLAN.name]["BLEU@4"]
    found[PLAN.name]["BLEU@4"] = Estimate(after.value, after.value + width * np.linspace(-1, 1, 101))
    assert tables.reach_verdict(PLAN, found).endswith(f", {said}.")


def test_seeds_are_averaged_and_their_differences_paired():
    other = RewardPlan("mlp", True, 100, seed=1)
    found = scores((10, 0.2), (9, 0.6)) | scores((12, 0.4), (12, 0.6), other)
    said = tables.seeds_verdict([PLAN, other], found)
    assert "Mean over 2 seeds" in said
    assert "RefCompare 0.30 to 0.60 (difference 0.30 [0.30, 0.30])" in said
    assert "BLEU@4 11.00 to 10.50 (difference -0.50 [-0.50, -0.50])" in said
    assert tables.seeds_verdict([PLAN], found).startswith("One seed")


def test_choosing_among_captions_stands_beside_learning():
    found = scores((10, 0.2), (9, 0.6))
    name = tables.best_of_name(8)
    for share, taught in ((0.4, "teaches more than that"), (0.8, "teaches less than that"), (0.6, "about as much as")):
        found[name] = scores((0, 0), (9, share))[PLAN.name]
        assert taught in tables.best_of_verdict(PLAN, found, 8)
    table = tables.stage_table([PLAN], found, best_of=8)
    assert table["reward"].tolist() == ["none", "clip, Gumbel-softmax", "none; best of 8 by CLIP"]
    assert table["RefCompare"][2] == "0.60 [0.59, 0.61]"


def test_two_ways_to_the_gradient_are_compared_on_the_same_pictures():
    other = RewardPlan("mlp", True, 100, gradient="reinforce")
    found = scores((10, 0.2), (9, 0.3)) | scores((10, 0.2), (9, 0.5), other)
    assert "lower with Gumbel-softmax than with REINFORCE" in tables.gradient_verdict([PLAN, other], found)
    assert "higher with REINFORCE than with" in tables.gradient_verdict([other, PLAN], found)


def test_what_parts_is_said_with_its_update():
    history = pd.DataFrame(
        {"step": [0, 5, 10], "CLIP reward": [0.1, 0.2, 0.3], "BLEU@4": [5.0, 6.0, 2.0], "RefCompare": [0.1, 0.2, 0.3],
         "perplexity": [20.0, 30.0, 90.0], "repetition": [0.0, 0.1, 0.5], "words": [9.0, 9.0, 20.0]}
    )  # fmt: skip
    said = tables.parting_verdict("CLIP", history, "CLIP reward", ["BLEU@4", "RefCompare"])
    assert "BLEU@4 (5.00 to 2.00) parts from it after update 5" in said
    assert "RefCompare (0.10 to 0.30) does not part" in said and "repeated word pairs 0% to 50%" in said
    said = tables.parting_verdict("CLIP", history[1:].assign(step=[0, 5]), "CLIP reward", ["BLEU@4"])
    assert "BLEU@4 (6.00 to 2.00) parts from it right from the first update on." in said and "after" not in said


def test_the_need_of_the_supervised_stage_is_computed():
    alone = RewardPlan("mlp", True, 0)
    found = scores((10, 0.2), (9, 0.6)) | {alone.name: scores((0, 0), (1, 0.7), alone)[alone.name]}
    assert "it is needed" in tables.without_supervision_verdict(PLAN, found, alone)
    found[alone.name] = found[PLAN.name]
    assert "is not shown to be needed" in tables.without_supervision_verdict(PLAN, found, alone)


def test_label_rows_and_examples():
    rows = tables.label_rows([PLAN], scores((10, 0.2), (9, 0.6)))
    assert rows[["labelled", "stage"]].values.tolist() == [[100, "supervised"], [100, "self-supervised"]]
    posts = pd.DataFrame({"image": ["a.png"], "alt_text": ["A mug"]})
    items = tables.example_items(posts, {"clip": ["a cup"]}, {"clip": np.array([0.254])})
    assert items[0]["clip"] == "a cup (0.25)" and items[0]["Alt text"] == "A mug"


def test_stages_are_measured_under_the_names_of_the_paper():
    few, alone = RewardPlan("mlp", True, 10), RewardPlan("mlp", True, 0)
    groups = {"variants": [PLAN], "labels": [alone, few, PLAN], "stages": [PLAN, alone]}
    known = {
        plan.name: {"BLEU@4": Estimate(float(place), np.ones(3)), "RefCompare": Estimate(0.1, np.full(3, 0.1))}
        for place, plan in enumerate([PLAN.supervised, PLAN, few.supervised, few, alone])
    }
    texts = {name: ["a cup", "a red cup"] for name in known}
    found = tables.reward_measures(groups, PLAN, known, texts)
    values = {subject: found[subject, "BLEU@4"].value for subject, measure in found if measure == "BLEU@4"}
    assert values == {
        "MLP + LM tuning, supervised": 0, "MLP + LM tuning, self-supervised": 1, "usual run, supervised": 0,
        "usual run, self-supervised": 1, "no labels, self-supervised": 4, "fewest labels, supervised": 2,
        "fewest labels, self-supervised": 3, "most labels, supervised": 0, "most labels, self-supervised": 1,
    }  # fmt: skip
    assert found["usual run, supervised", "BLEU@4"].words == 2.5
    assert found["labelled pictures of the supervised stage", "value"].value == 100


@pytest.mark.parametrize(
    "gains,suffices", [((0.2, 0.2, 0.2), 10), ((0, 0.2, 0.3), 50), ((0.2, 0, 0.3), 100), ((-0.2, 0.005, 0), None)]
)
def test_labels_suffice_if_the_reward_raises_refcompare_with_its_whole_interval(gains, suffices):
    """Ten labels, or fifty, or a hundred; a gain whose interval includes 0 is none."""
    plans = [RewardPlan("mlp", True, count) for count in (10, 50, 100)]
    noise = {"RefCompare": Estimate(0.3, 0.3 + np.linspace(-0.1, 0.1, 101))}  # twice as wide as the smallest gain
    known = {plan.supervised.name: noise for plan in plans}
    for plan, gain in zip(plans, gains, strict=True):
        known[plan.name] = {"RefCompare": Estimate(0.3 + gain, 0.3 + gain + np.linspace(-0.09, 0.09, 101))}
    known[RewardPlan("mlp", True, 0).name] = noise
    groups = {"variants": [], "labels": plans[::-1], "stages": [RewardPlan("mlp", True, 0)]}
    found = tables.reward_measures(groups, plans[-1], known, {name: ["a cup"] for name in known})
    number = found.get(("labelled pictures that suffice to start from", "value"))
    assert (number and number.value) == suffices


def test_labels_are_said_to_be_all_or_a_part_of_the_pictures():
    everything = tables.labels_in_words(2000, [300, 2000], 2000)
    assert "all 2,000 training pictures are labelled" in everything and "no new pictures" in everything
    assert "“How many labels” compares 300 and 2,000." in everything
    part = tables.labels_in_words(320, [100, 320, 640], 640)
    assert "320 of the 640 training pictures are labelled" in part and "no new pictures" not in part
    assert "compares 100, 320 and 640." in part
    assert "compares" not in tables.labels_in_words(16, [16], 24)


def test_the_caption_of_the_rewards_names_the_runs_that_are_there():
    for fluency, longest, said in [
        (0.0, 1, "The rewards"),
        (0.0, 3, "The rewards; CLIP's also for longer"),
        (0.1, 1, "The rewards; CLIP's also with a term that holds the captioner to the language of its supervised start"),
        (0.1, 3, "The rewards; CLIP's also for longer, and with a term that holds the captioner to the language of its supervised start"),
    ]:  # fmt: skip
        groups = reward_plans(PLAN, [], ["refcompare"], fluency, longest=longest)
        assert tables.rewards_caption(groups) == said
