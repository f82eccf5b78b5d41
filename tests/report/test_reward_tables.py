import numpy as np
import pandas as pd

from altlib.core.estimates import Estimate
from altlib.report import reward_tables as tables
from altlib.training.reward_study import RewardPlan

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
        plan.name: {"BLEU@4": Estimate(float(place), np.ones(3))}
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
    assert found["labelled pictures that suffice to start from", "value"].value == 10
