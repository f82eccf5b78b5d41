"""Plots of preference optimisation."""

import numpy as np
import pandas as pd

from altlib.core.estimates import Estimate
from altlib.data.comparisons import MCM_DPO_WEIGHTS
from altlib.report.plots.preference import error_bars, reward_curves
from altlib.training.paradigms import PARADIGMS
from altlib.training.preference_losses import PreferenceLoss
from altlib.training.preference_study import study_plans


def test_rewards_are_told_by_their_ends(alt_of, drawn):
    plans = study_plans(PreferenceLoss(MCM_DPO_WEIGHTS), [PARADIGMS["P1"]], [0, 1], 1)
    columns = ("accuracy: response", "margin: response", "accuracy: picture", "margin: picture")
    curve = pd.DataFrame({"step": [0, 5], **{column: [0.0, 0.5] for column in columns}})
    alt = alt_of(reward_curves(plans, {plan.name: curve for plan in plans}))
    assert "DPO, P1: 50% and 0.50; MCM-DPO, P1: 50% and 0.50." in alt and "SFT" not in alt
    assert all(len(axis.lines) == 4 for axis in drawn[0].axes)
    assert len(drawn[0].legends[0].get_texts()) == 2


def test_errors_are_bars_with_intervals(alt_of, drawn):
    rate = Estimate(30.0, 30 + np.linspace(-5, 5, 101))
    alt = alt_of(error_bars({name: {"wrong count": rate, "wrong colour": rate} for name in ("SFT", "DPO")}))
    assert "wrong count, SFT: 30%" in alt and "wrong colour, DPO: 30%" in alt
    assert [bar.get_width() for bar in drawn[0].axes[0].patches] == [30.0, 30.0]
    assert [label.get_text() for label in drawn[0].axes[0].get_yticklabels()] == ["SFT", "DPO"]
