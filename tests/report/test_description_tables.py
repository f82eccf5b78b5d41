"""What fine-tuned CLIPs prefer, keep and agree with."""

import numpy as np
import pandas as pd
import pytest
import torch

from altlib.core.statistics import plus_minus
from altlib.models.triplets import Triplets
from altlib.report import description_tables as tables
from altlib.report.description_tables import agreement_table, agreement_with, changed_order, main_table, verdicts
from altlib.training.tuning_study import BaseResult


def agreement(r: float, question: str = "overall") -> pd.DataFrame:
    row = {"group": "blind", "question": question, "items": 68, "without_score": 0, "r": r}
    return pd.DataFrame([row | {"length_r": 0.57, "partial_r": r / 2}])


def base(agreement: pd.DataFrame, prompted: pd.DataFrame | None = None) -> list[BaseResult]:
    """The base model on bare texts; with ``prompted``, after CLIPScore's prompt first."""
    forms = [BaseResult("", 0.5, agreement)]
    return forms if prompted is None else [BaseResult("A photo depicts ", 0.6, prompted), *forms]


def runs(full: float = 0.5, lora: float = 0.8, accuracy: float = 0.92) -> pd.DataFrame:
    """Two seeds of each way of fine-tuning."""
    return pd.DataFrame(
        [
            {
                "objective": "behavioural",
                "fine-tuning": tuning,
                "seed": seed,
                "accuracy": accuracy,
                "transfer": kept,
                "Food": kept / 2,
                "agreement": agreement(0.4 + 0.2 * seed),
            }
            for tuning, kept in (("full", full), ("lora", lora))
            for seed in (0, 1)
        ]
    )


def test_triplets_are_counted_by_split():
    tokens = torch.zeros(3, 5, dtype=torch.long)
    found = Triplets(torch.zeros(3, 4), tokens, tokens, np.arange(3), cropped=2, incomplete=1)
    assert tables.triplet_table({"train": found}).to_numpy().tolist() == [["train", 3, 1, 2]]


def test_a_correlation_that_is_not_there_is_nan():
    assert tables.agreement_with(agreement(0.3), "blind", "overall") == 0.3
    assert tables.agreement_with(agreement(0.3), "blind", "overall", "length_r") == 0.57
    assert pd.isna(tables.agreement_with(agreement(0.3), "sighted", "overall"))


def test_the_main_table_begins_with_the_base_model():
    table = tables.main_table(base(agreement(0.3)), 100, {"Food": 0.6}, runs(), "blind")
    assert table["fine-tuning"].tolist() == ["none", "full", "lora"]
    assert table["description preferred (%)"][0] == "50.0 [40.4, 59.6]"  # Wilson's interval
    assert table["transfer score (%)"].tolist() == ["100", "50.0 ± 0.0", "80.0 ± 0.0"]
    assert table["Food, F1 (%)"].tolist() == ["60.0", "25.0 ± 0.0", "40.0 ± 0.0"]
    assert table["r, overall"][1].startswith("0.50 ± ")
    assert table["r, imaginability"].tolist() == ["–"] * 3


def test_the_base_model_stands_in_the_tables_with_every_form_of_the_texts():
    forms = base(agreement(0.3), prompted=agreement(0.1))
    table = tables.main_table(forms, 100, {"Food": 0.6}, runs(), "blind")
    assert table["text"].tolist() == ['after "A photo depicts"', "bare", "bare", "bare"]
    assert table["description preferred (%)"][0].startswith("60.0 [") and table["r, overall"].tolist()[:2] == [
        "0.10",
        "0.30",
    ]
    table = tables.agreement_table(forms, runs(), agreement(0.2))
    assert table["text"].tolist() == ['after "A photo depicts"', "bare", 'after "A photo depicts"', "bare", "bare"]
    assert table["r"].tolist()[:3] == ["0.10", "0.30", "0.20"]


@pytest.mark.parametrize(
    ("full", "lora", "spread", "verdict"),
    [(0.5, 0.8, 0.0, "holds"), (0.8, 0.5, 0.0, "does not hold"), (0.6, 0.61, 0.1, "is undecided")],
)
def test_lora_keeps_more_of_transfer_or_it_does_not_or_the_seeds_cannot_tell(full, lora, spread, verdict):
    found = runs(full, lora)
    found["transfer"] += spread * found["seed"] * (found["fine-tuning"] == "lora")
    reached, kept = tables.verdicts(found)
    assert "the paper's level of 90% is reached" in reached
    assert kept.endswith(f"points over seeds; that LoRA keeps more {verdict} in this run.")


def test_an_accuracy_below_the_papers_is_said_not_to_reach_it():
    assert "of test pictures (the paper's level of 90% is not reached)" in tables.verdicts(runs(accuracy=0.89))[0]


def test_published_scores_stand_beside_the_models():
    table = tables.agreement_table(base(agreement(0.3)), runs(), agreement(0.2))
    assert table["objective"].tolist() == ["none", "none (published scores)", "behavioural", "behavioural"]
    assert table["r"].tolist()[:2] == ["0.30", "0.20"]
    assert len(tables.agreement_table(base(agreement(0.3)), runs())) == 3


def test_scores_are_compared_with_the_length_of_the_text():
    said = tables.length_verdicts(agreement(0.3), runs(), "blind")
    assert said[0].startswith("overall, behavioural full: r 0.50, and 0.30 before") and said[0].endswith(
        "less than the length."
    )
    above = runs().assign(agreement=[agreement(0.6)] * 4)
    assert tables.length_verdicts(agreement(0.3), above, "blind")[0].endswith("more than the length.")
    assert tables.length_verdicts(agreement(0.3)[:0], runs(), "nobody") == []


def test_the_base_models_preference_has_wilsons_interval():
    assert "on all 100 of them" in (said := tables.base_preference(50, 100).lower()) and "50.0% [40.4, 59.6]" in said


def test_texts_that_changed_their_order_come_with_the_largest_change_first():
    before, after = torch.tensor([-1.0, -1.0, 1.0, -1.0]), torch.tensor([1.0, 3.0, 9.0, -0.5])
    assert tables.changed_order(before, after, 5) == [1, 0]
    assert tables.changed_order(before, after, 1) == [1]


def agreement_of_groups(r: float) -> pd.DataFrame:
    rows = [("blind", "overall", r), ("blind", "imaginability", r / 2), ("sighted", "overall", -r)]
    frame = pd.DataFrame(rows, columns=["group", "question", "r"])
    return frame.assign(items=68, length_r=0.57, partial_r=frame["r"] / 4)


@pytest.fixture
def tuned():
    rows = [
        ("iit-das", "lora", 0, 0.8, 0.5, 0.3),
        ("iit-das", "lora", 1, 0.9, 0.7, 0.5),
        ("joint", "lora", 0, 0.7, 1, 0.1),
    ]
    frame = pd.DataFrame(rows, columns=["objective", "fine-tuning", "seed", "accuracy", "transfer", "Food"])
    return frame.assign(agreement=[agreement_of_groups(0.2), agreement_of_groups(0.4), agreement_of_groups(0.1)])


def test_the_main_table_has_the_base_model_and_every_configuration(tuned):
    table = main_table(base(agreement_of_groups(0.08)), 100, {"Food": 0.25}, tuned, "blind")
    assert table["objective"].tolist() == ["none", "iit-das", "joint"]
    assert table["description preferred (%)"].tolist()[::2] == ["50.0 [40.4, 59.6]", "70.0"]
    assert table["description preferred (%)"][1].startswith("85.0 ± ")
    assert table["Food, F1 (%)"].tolist()[::2] == ["25.0", "10.0"]
    assert table["transfer score (%)"].tolist()[::2] == ["100", "100.0"]
    assert table["r, overall"].tolist()[::2] == ["0.08", "0.10"]
    assert table["r, imaginability"].tolist()[::2] == ["0.04", "0.05"]


def test_verdicts_can_come_out_either_way():
    def said(accuracy: float, lora: float, full: float) -> list[str]:
        rows = [("behavioural", "lora", 0, accuracy, lora), ("behavioural", "full", 0, 0.98, full)]
        return verdicts(pd.DataFrame(rows, columns=["objective", "fine-tuning", "seed", "accuracy", "transfer"]))

    assert "90% is reached) and keeps 40%" in said(0.91, 0.4, 0.2)[0]
    assert "90% is not reached" in said(0.89, 0.4, 0.2)[0]
    assert "that LoRA keeps more is undecided" in said(0.91, 0.4, 0.2)[1]  # one seed gives no interval


def test_without_ratings_there_is_a_dash(tuned):
    nothing = agreement_of_groups(0.1).iloc[:0]
    tuned["agreement"] = [nothing] * 3
    table = main_table(base(nothing), 100, {"Food": 0.25}, tuned, "nobody")
    assert set(table["r, overall"]) == {"–"}
    assert len(agreement_table(base(nothing), tuned)) == 0


def test_the_agreement_of_a_group_with_a_question():
    assert agreement_with(agreement_of_groups(0.4), "blind", "imaginability") == 0.2
    assert agreement_with(agreement_of_groups(0.4), "blind", "overall", "length_r") == 0.57


def test_the_agreement_table_has_base_published_scores_and_runs_side_by_side(tuned):
    table = agreement_table(base(agreement_of_groups(0.08)), tuned, agreement_of_groups(0.074))
    overall = table[(table["group"] == "blind") & (table["question"] == "overall")]
    assert overall["objective"].tolist() == ["none", "none (published scores)", "iit-das", "joint"]
    assert overall["r"].tolist()[:2] == ["0.08", "0.07"]
    assert overall["r"].tolist()[2] == plus_minus([0.2, 0.4])
    assert overall["partial r, length taken out"].tolist()[2] == plus_minus([0.05, 0.1])
    assert len(table) == 4 * 3


def test_of_texts_that_changed_their_order_as_many_are_given_as_asked_for():
    before = torch.tensor([-0.1, 0.2, -0.5, -0.3, -0.2])
    after = torch.tensor([0.3, 0.9, 0.1, -0.1, 0.1])
    assert changed_order(before, after, 5) == [2, 0, 4]
    assert changed_order(before, after, 2) == [2, 0]
