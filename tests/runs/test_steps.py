"""Which kept steps each cell computed, and which it read back."""

from datetime import UTC, datetime

from nbformat.v4 import new_code_cell, new_markdown_cell

from altlib.core.provenance import COMPUTED, READ_BACK, TYPE
from altlib.runs.steps import in_words, steps_by_cell


def cell(second: int, zone: str = "+00:00", tag: str = ""):
    started = datetime(2026, 1, 1, 0, 0, second).isoformat() + zone
    return new_code_cell("x", metadata={"papermill": {"start_time": started}, "tags": [tag] if tag else []})


def note(second: float, how: str, what: str, key: str):
    return {"time": datetime(2026, 1, 1, tzinfo=UTC).timestamp() + second, "how": how, "what": what, "key": key}


CELLS = [new_markdown_cell("# First"), cell(0), cell(5, tag="injected-parameters"), cell(10, zone=""), cell(20)]


def test_a_step_belongs_to_the_cell_that_ran_when_it_was_noted():
    notes = [
        note(1, COMPUTED, "a", "1"),
        note(12, READ_BACK, "b", "2"),
        note(13, READ_BACK, "b", "3"),
        note(25, TYPE, "c", ""),
    ]
    assert [(s["cell"], s["how"], s["what"], s["count"]) for s in steps_by_cell(notes, CELLS)] == [
        (1, COMPUTED, "a", 1), (2, READ_BACK, "b", 2), (3, TYPE, "c", 1)
    ]  # fmt: skip


def test_what_was_computed_in_this_execution_is_not_read_back_from_an_earlier_one():
    steps = steps_by_cell([note(1, COMPUTED, "training", "k"), note(12, READ_BACK, "training", "k")], CELLS)
    assert [(s["how"], s["cell"]) for s in steps] == [(COMPUTED, 1)]


def test_the_words_count_the_cells_before_and_not_those_after():
    steps = steps_by_cell([note(1, TYPE, "float32 on cpu", ""), note(12, READ_BACK, "b", "2")], CELLS)
    assert in_words(steps, 1) == [
        "Models computed in float32 on cpu.", "Everything up to this cell was computed in this execution."
    ]  # fmt: skip
    assert in_words(steps, 2)[1:] == [
        "Read back from an earlier execution: b.",
        "Everything else up to this cell was computed in this execution.",
    ]
