"""Plots of captioners."""

import numpy as np
import pandas as pd

from altlib.core.estimates import Estimate
from altlib.report.plots.captioners import loss_curves, score_bars


def curve(*losses: float) -> pd.DataFrame:
    return pd.DataFrame({"epoch": range(1, len(losses) + 1), "training_loss": losses, "validation_loss": losses})


def test_losses_are_told_with_the_best_captioner_first(alt_of, drawn):
    alt = alt_of(loss_curves({"text-only": curve(3.0, 2.5), "text-image": curve(2.0, 1.0, 1.5)}))
    first, second = (
        alt.index("text-image: 2.00 after the first epoch, 1.00 at its best in epoch 2 of 3"),
        alt.index("text-only: 3.00"),
    )
    assert first < second
    training, validation = drawn[0].axes
    assert len(training.lines) == len(validation.lines) == 2
    assert len({(line.get_marker(), line.get_linestyle(), line.get_color()) for line in validation.lines}) == 2
    assert "nats per token" in training.get_ylabel()


def test_a_single_epoch_is_a_whole_number_on_the_axis(drawn):
    loss_curves({"text-image": curve(2.0)})
    assert all(tick == int(tick) for tick in drawn[0].axes[0].get_xticks())


def test_scores_are_bars_with_their_intervals(alt_of, drawn):
    scores = {
        name: {metric: Estimate(value, value + np.linspace(-1, 1, 101)) for metric in ("BLEU@4", "CIDEr")}
        for name, value in (("text", 5.0), ("both", 12.0))
    }
    alt = alt_of(score_bars(scores, ["text", "both"], "both"))
    assert "text: 5.0 and 5.0; both: 12.0 and 12.0." in alt
    bleu = drawn[0].axes[0]
    assert [bar.get_width() for bar in bleu.patches] == [5.0, 12.0]
    assert [bar.get_hatch() for bar in bleu.patches] == ["", "//"]
    assert bleu.get_ylim()[0] > bleu.get_ylim()[1]  # the first system is at the top
