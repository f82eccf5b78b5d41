"""Plots of captioners that learn from a reward."""

import numpy as np
import pandas as pd

from altlib.core.estimates import Estimate
from altlib.report.plots.reward import WATCHED, epoch_curves, label_curves, reward_hacking

HISTORY = pd.DataFrame(
    {"step": [0, 5, 10], "epoch": [0.0, 1.0, 2.0], **{column: [1.0, 3.0, 2.0] for column in WATCHED}}
)


def test_epochs_are_told_from_the_start_to_the_end(alt_of, drawn):
    alt = alt_of(epoch_curves({"MLP": HISTORY, "Transformer": HISTORY}))
    assert "MLP: BLEU@4 from 1.0 to 2.0, RefCompare from 1.00 to 2.00" in alt
    assert [len(axis.lines) for axis in drawn[0].axes] == [2, 3]  # with the line at a half


def test_labels_are_told_by_stage(alt_of, drawn):
    value = Estimate(0.5, np.linspace(0.4, 0.6, 101))
    rows = [
        {"labelled": n, "stage": stage, "BLEU@4": value, "RefCompare": value}
        for n in (300, 100)
        for stage in ("supervised", "self-supervised")
    ]
    alt = alt_of(label_curves(pd.DataFrame(rows)))
    assert "supervised, BLEU@4 and RefCompare with 100 labelled: 0.5 and 0.50; 300 labelled: 0.5 and 0.50" in alt
    assert drawn[0].axes[0].get_xscale() == "log"


def test_the_update_at_which_reward_and_measure_part_is_circled_and_told(alt_of, drawn):
    alt = alt_of(reward_hacking({"clip": HISTORY, "refcompare": HISTORY}, {"clip": 5, "refcompare": None}))
    assert "it parts from BLEU@4 after update 5" in alt and "it does not part from BLEU@4" in alt
    circles = [
        line for line in drawn[0].axes[0].lines if line.get_markerfacecolor() == "none" and len(line.get_xdata())
    ]
    assert [list(line.get_xdata()) for line in circles] == [[5]]
    assert len(drawn[0].axes) == len(WATCHED)


def test_a_reward_that_parts_at_its_start_is_told_to_part_from_the_first_update_on(alt_of):
    shown = reward_hacking({"clip": HISTORY, "refcompare": HISTORY}, {"clip": 0, "refcompare": 5})
    assert "it parts from BLEU@4 right from the first update on" in alt_of(shown)
    assert "after update 0" not in shown.data and "a circle at update 0: from the first update on" in shown.data
    assert "at update 0" not in reward_hacking({"clip": HISTORY}, {"clip": 5}).data
