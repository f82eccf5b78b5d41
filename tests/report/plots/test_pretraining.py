"""Plots of pretraining."""

from importlib.resources import files
from pathlib import Path

from altlib.report.plots.pretraining import pretraining_curves, read_history

SHIPPED = Path(str(files("altlib") / "checkpoints"))


def test_the_pretraining_of_the_shipped_models_is_told(alt_of, drawn):
    history = read_history(SHIPPED)
    alt = alt_of(pretraining_curves(history))
    assert f"the main thing on {100 * history['vision']['names_thing'].iloc[-1]:.0f}% of pictures" in alt
    assert f"ClipCap's held-out loss ends at {history['clipcap']['held_out_loss'].iloc[-1]:.2f} nats per token" in alt
    assert len(drawn[0].axes) == 6
    assert all(axis.get_xlabel() and axis.get_ylabel() and axis.get_title() for axis in drawn[0].axes)
    assert [len(axis.lines) for axis in drawn[0].axes] == [4, 1, 3, 1, 1, 1]


def test_a_clip_whose_vision_tower_was_not_pretrained_has_no_facts_to_tell(alt_of):
    history = read_history(SHIPPED)
    assert "vision tower" not in alt_of(pretraining_curves(history | {"vision": history["vision"].head(0)}))
