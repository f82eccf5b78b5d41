import numpy as np
import pandas as pd
import pytest

from altlib.core.estimates import Estimate
from altlib.data.comparisons import MCM_DPO_WEIGHTS
from altlib.data.preferences import PAIR_COLUMNS, Pairs
from altlib.miniworld.fact_errors import ERRORS
from altlib.miniworld.network import network
from altlib.report import preference_tables as tables
from altlib.training.paradigms import PARADIGMS
from altlib.training.preference_losses import PreferenceLoss
from altlib.training.preference_study import study_plans

PLANS = study_plans(PreferenceLoss(MCM_DPO_WEIGHTS), [PARADIGMS["P1"]], [0, 1], 1)


def estimate(value: float) -> Estimate:
    return Estimate(value, value + np.linspace(-1, 1, 101))


def test_pairs_are_counted_by_error_with_those_left_out():
    rows = [["a", "a.png", "x", "Two mugs", "One mug", "wrong count", "train"]] * 2 + [
        ["b", "b.png", "", "A", "B", "", ""]
    ]
    table = tables.pair_table(Pairs(pd.DataFrame(rows, columns=list(PAIR_COLUMNS)), {"a response is empty": 3}))
    assert table["error of the rejected"].tolist() == ["wrong count", "not known", "left out: a response is empty"]
    assert table["pairs"].tolist() == [2, 1, 3]


def test_the_comparisons_say_what_is_worse_in_each():
    table = tables.comparison_table(MCM_DPO_WEIGHTS).set_index("comparison")
    assert table.loc["response", ["post", "picture", "response"]].tolist() == ["own", "own", "rejected"]
    assert table.loc["all three", ["post", "picture", "response"]].tolist() == ["other", "spoilt", "rejected"]
    assert table["share of the margin (%)"].sum() == pytest.approx(100)


def test_scores_are_means_over_seeds_with_paired_differences():
    runs = {plan.name: {"BLEU@4": estimate(10 + 2 * plan.seed + 5 * ("MCM" in plan.objective))} for plan in PLANS}
    systems = tables.by_system(PLANS, runs)
    assert systems["DPO, P1"]["BLEU@4"].value == 11 and systems["MCM-DPO, P1"]["BLEU@4"].value == 16
    table = tables.score_table(systems, PLANS, 1)
    assert table["seeds"].tolist() == [2, 2, 2, 2] and table["BLEU@4"][3].startswith("16.0 [")
    difference = tables.difference_table(systems, [("MCM-DPO, P1", "DPO, P1")])
    assert difference["difference"].tolist() == ["5.00 [5.00, 5.00]"]


def test_a_verdict_knows_that_fewer_errors_are_better():
    systems = {
        "one": {"BLEU@4": estimate(20), "wrong count": estimate(5), "CIDEr": estimate(3.0)},
        "other": {"BLEU@4": estimate(10), "wrong count": estimate(9), "CIDEr": estimate(3.0)},
    }
    said = tables.comparison_verdict(systems, "one", "other", ["BLEU@4", "wrong count", "CIDEr"])
    assert (
        said
        == "one against other: better in BLEU@4 (+10.0), wrong count (-4.0); not measurably different in CIDEr (+0.0)."
    )
    assert "worse in BLEU@4 (-10.0), wrong count (+4.0)" in tables.comparison_verdict(
        systems, "other", "one", list(systems["one"])
    )
    dust = {"one": {"BLEU@4": estimate(0.02)}, "other": {"BLEU@4": estimate(0.01)}}
    assert "not measurably different in BLEU@4 (+0.0)" in tables.comparison_verdict(dust, "one", "other", ["BLEU@4"])


def test_error_rates_count_pictures_for_which_the_error_is_possible():
    posts = [post for post in network(5, 40) if post.scene.form == "photo" and post.scene.companion][:10]
    facts = [post.facts for post in posts]
    found = tables.error_rates({"silent": [""] * 10, "true": [post.alt_text for post in posts]}, facts, 0)
    assert set(found["silent"]) == set(ERRORS)
    assert found["silent"]["missing object"].value == found["silent"]["caption instead of description"].value == 100
    assert found["silent"]["wrong count"].value == 0
    assert found["true"]["missing object"].value < 60
    assert tables.error_rates({"silent": [""]}, [""], 0) == {}


def test_rewards_at_the_end_are_means_and_ranges_over_seeds():
    columns = {"best reward": 0.5, "accuracy: response": 0.75, "margin: response": 1.0}
    curves = {plan.name: pd.DataFrame([dict.fromkeys(columns, 0.0), columns]) for plan in PLANS}
    table = tables.reward_table(PLANS, curves)
    assert table["system"].tolist() == ["DPO, P1", "MCM-DPO, P1"]
    assert table["response: accuracy (%)"].tolist() == ["75 (75 to 75)", "75 (75 to 75)"]


def test_the_texts_of_all_seeds_of_a_system_stand_together():
    found = tables.texts_by_system(PLANS, {plan.name: [f"{plan.objective} {plan.seed}"] for plan in PLANS})
    assert found["DPO, P1"] == ["DPO 0", "DPO 1"] and set(found) == {plan.system for plan in PLANS}


def test_what_could_show_counts_ranked_pairs_changed_texts_and_the_width_of_intervals():
    texts = {plan.name: ["a", "b", "c", "d"] for plan in PLANS}
    texts |= {"dpo-P1-0": ["a", "b", "c", "x"], "dpo-P1-1": ["x", "b", "c", "x"]}
    curves = {name: pd.DataFrame({"accuracy: response": [0.5, 0.9]}) for name in texts}
    curves["dpo-P1-1"]["accuracy: response"] = [0.5, 0.8]
    wide = Estimate(1.0, np.linspace(-4, 6, 1001))
    errors = {"SFT, P1": {"wrong count": Estimate(0.0, np.zeros(1001))}, "DPO, P1": {"wrong count": wide}}
    ranked, width = tables.what_could_show(errors, PLANS, texts, curves, "SFT, P1", ["DPO, P1"])
    assert ranked.startswith("DPO, P1: at the end of training it ranks 85% of") and "38% of its texts" in ranked
    assert "reach 5 to 5 points" in width
    assert tables.what_could_show({}, PLANS, texts, curves, "SFT, P1", ["DPO, P1"]) == [ranked]
