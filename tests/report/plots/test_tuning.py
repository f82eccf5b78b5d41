"""Plots of CLIPs that learn to prefer descriptions."""

import pandas as pd
import pytest

from altlib.report.plots.tuning import chosen_checkpoints, trade_off, tuning_curves


@pytest.fixture
def curves() -> pd.DataFrame:
    """Two seeds of LoRA and one of full fine-tuning, three evaluations each."""
    rows = []
    for tuning, seed, last in (("lora", 0, 0.8), ("lora", 1, 0.9), ("full", 0, 1.0)):
        for step, (accuracy, kept) in enumerate(((0.5, 1.0), (0.7, 0.9), (last, 0.4))):
            rows.append(
                {
                    "objective": "behavioural",
                    "fine-tuning": tuning,
                    "seed": seed,
                    "step": 50 * step,
                    "accuracy": accuracy,
                    "Food": kept / 2,
                    "transfer_score": kept,
                    "trade_off": 0.5 * accuracy + 0.5 * kept,
                }
            )
    return pd.DataFrame(rows)


def test_the_chosen_checkpoint_has_the_best_trade_off_of_its_run(curves):
    assert chosen_checkpoints(curves)["step"].tolist() == [50, 50, 50]


def test_curves_are_told_by_their_ends(curves, alt_of, drawn):
    alt = alt_of(tuning_curves(curves, ["Food"]))
    assert "behavioural, lora: the description is preferred on 85% at the end; Food 20%." in alt
    assert "behavioural, full: the description is preferred on 100% at the end; Food 20%." in alt
    accuracy, food = drawn[0].axes
    assert len(accuracy.lines) == len(food.lines) == 3
    assert [text.get_text() for text in drawn[0].legends[0].get_texts()] == ["behavioural, lora", "behavioural, full"]


def test_the_trade_off_is_told_by_the_chosen_checkpoints(curves, alt_of, drawn):
    alt = alt_of(trade_off(curves, 0.5))
    assert "behavioural, lora: 70% of descriptions preferred, 90% of transfer kept" in alt
    axis = drawn[0].axes[0]
    labels = [text.get_text() for text in axis.get_legend().get_texts()]
    assert labels == ["behavioural, lora", "behavioural, full", "chosen checkpoint"]
    assert len(axis.lines[-1].get_xdata()) == 3  # a circle for each run
