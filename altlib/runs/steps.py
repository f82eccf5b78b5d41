"""Which kept steps each cell of an executed chapter computed, and which it read back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from altlib.core.provenance import COMPUTED, READ_BACK, TYPE

INJECTED = "injected-parameters"  # tag of the cell that papermill adds


def began(cell: Any) -> float:
    """When a cell began to run, in seconds since 1970; infinite where that is not known."""
    started = cell.metadata.get("papermill", {}).get("start_time")
    if not started:
        return float("inf")
    time = datetime.fromisoformat(started)
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()


def steps_by_cell(notes: Iterable[dict[str, Any]], cells: Iterable[Any]) -> list[dict[str, Any]]:
    """The steps of a chapter, each with the cell that did it and how often.

    What this execution computed counts as computed when it is read back later.

    Args:
        notes: From :func:`altlib.core.provenance.read_notes`.
        cells: Of the executed notebook.

    Returns:
        Rows with cell (number among the code cells, from 1), how, what and count.
    """
    code = [cell for cell in cells if cell.cell_type == "code" and INJECTED not in cell.metadata.get("tags", [])]
    starts = [began(cell) for cell in code]
    computed: set[str] = set()
    counts: Counter[tuple[int, str, str]] = Counter()
    for found in notes:
        if found["how"] == COMPUTED:
            computed.add(found["key"])
        elif found["how"] == READ_BACK and found["key"] in computed:
            continue
        cell = max(1, sum(start <= found["time"] for start in starts))
        counts[cell, found["how"], found["what"]] += 1
    return [{"cell": cell, "how": how, "what": what, "count": n} for (cell, how, what), n in counts.items()]


def in_words(steps: Sequence[dict[str, Any]], cell: int) -> list[str]:
    """What a cell rests on, in sentences: what was read back, what was computed, and in which number types.

    Args:
        steps: From :func:`steps_by_cell`.
        cell: Number of the cell; the cells before it count too.
    """
    before = [step for step in steps if step["cell"] <= cell]

    def listed(how: str) -> str:
        counts: Counter[str] = Counter()
        for step in before:
            if step["how"] == how:
                counts[step["what"]] += step["count"]
        return ", ".join(what + (f" ({count} times)" if count > 1 else "") for what, count in counts.items())

    types = sorted({step["what"] for step in before if step["how"] == TYPE})
    said = [f"Models computed in {' and '.join(types)}."] if types else []
    if back := listed(READ_BACK):
        said.append(f"Read back from an earlier execution: {back}.")
        if made := listed(COMPUTED):
            said.append(f"Computed in this execution: {made}.")
        said.append("Everything else up to this cell was computed in this execution.")
    else:
        said.append("Everything up to this cell was computed in this execution.")
    return said
