"""What fine-tuned CLIPs prefer, keep and agree with, as tables."""

import pandas as pd
import pytest
import torch
from scipy import stats

from altlib.core.statistics import plus_minus
from altlib.report.description_tables import agreement_table, agreement_with, changed_order, main_table, verdicts


def agreement(r: float) -> pd.DataFrame:
    rows = [("blind", "overall", r), ("blind", "imaginability", r / 2), ("sighted", "overall", -r)]
    frame = pd.DataFrame(rows, columns=["group", "question", "r"])
    return frame.assign(items=68, length_r=0.57, partial_r=frame["r"] / 4)


@pytest.fixture
def runs():
    rows = [
        ("iit-das", "lora", 0, 0.8, 0.5, 0.3),
        ("iit-das", "lora", 1, 0.9, 0.7, 0.5),
        ("joint", "lora", 0, 0.7, 1, 0.1),
    ]
    frame = pd.DataFrame(rows, columns=["objective", "fine-tuning", "seed", "accuracy", "transfer", "Food"])
    return frame.assign(agreement=[agreement(0.2), agreement(0.4), agreement(0.1)])


def test_mean_and_interval_over_seeds():
    half = stats.t.ppf(0.975, 1) * 0.1  # two values 0.2 apart have a standard error of 0.1
    assert plus_minus([0.2, 0.4]) == f"0.30 ± {half:.2f}"
    assert plus_minus([0.2]) == "0.20"
    assert plus_minus([float("nan")]) == plus_minus([]) == "–"


def test_the_main_table_has_the_base_model_and_every_configuration(runs):
    table = main_table(0.5, 100, {"Food": 0.25}, agreement(0.08), runs, "blind")
    assert table["objective"].tolist() == ["none", "iit-das", "joint"]
    assert table["description preferred (%)"].tolist()[::2] == ["50.0 [40.4, 59.6]", "70.0"]
    assert table["description preferred (%)"][1].startswith("85.0 ± ")
    assert table["Food, F1 (%)"].tolist()[::2] == ["25.0", "10.0"]
    assert table["transfer score (%)"].tolist()[::2] == ["100", "100.0"]
    assert table["r, overall"].tolist()[::2] == ["0.08", "0.10"]
    assert table["r, imaginability"].tolist()[::2] == ["0.04", "0.05"]


def test_verdicts_can_come_out_either_way():
    def said(accuracy: float, lora: float, full: float) -> list[str]:
        rows = [("behavioural", "lora", accuracy, lora), ("behavioural", "full", 0.98, full)]
        return verdicts(pd.DataFrame(rows, columns=["objective", "fine-tuning", "accuracy", "transfer"]))

    assert "90% is reached) and keeps 40%" in said(0.91, 0.4, 0.2)[0]
    assert "90% is not reached" in said(0.89, 0.4, 0.2)[0]
    assert "that LoRA keeps more holds" in said(0.91, 0.4, 0.2)[1]
    assert "that LoRA keeps more does not hold" in said(0.91, 0.2, 0.4)[1]
    assert "100%; that LoRA keeps more does not hold" in said(0.91, 1.004, 0.996)[1]


def test_without_ratings_there_is_a_dash(runs):
    nothing = agreement(0.1).iloc[:0]
    runs["agreement"] = [nothing] * 3
    table = main_table(0.5, 100, {"Food": 0.25}, nothing, runs, "nobody")
    assert set(table["r, overall"]) == {"–"}
    assert len(agreement_table(nothing, runs)) == 0


def test_the_agreement_of_a_group_with_a_question():
    assert agreement_with(agreement(0.4), "blind", "imaginability") == 0.2
    assert agreement_with(agreement(0.4), "blind", "overall", "length_r") == 0.57


def test_the_agreement_table_has_base_published_scores_and_runs_side_by_side(runs):
    table = agreement_table(agreement(0.08), runs, agreement(0.074))
    overall = table[(table["group"] == "blind") & (table["question"] == "overall")]
    assert overall["objective"].tolist() == ["none", "none (published scores)", "iit-das", "joint"]
    assert overall["r"].tolist()[:2] == ["0.08", "0.07"]
    assert overall["r"].tolist()[2] == plus_minus([0.2, 0.4])
    assert overall["partial r, length taken out"].tolist()[2] == plus_minus([0.05, 0.1])
    assert len(table) == 4 * 3


def test_texts_that_changed_their_order_come_with_the_largest_change_first():
    before = torch.tensor([-0.1, 0.2, -0.5, -0.3, -0.2])
    after = torch.tensor([0.3, 0.9, 0.1, -0.1, 0.1])
    assert changed_order(before, after, 5) == [2, 0, 4]
    assert changed_order(before, after, 2) == [2, 0]
