"""Which steps of a chapter were computed and which were read back, for the notes below its figures and tables.

Whoever executes a chapter names a file in the environment; steps that are kept add a line to it. Nothing
is noted where no file is named, as in JupyterLab.
"""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

FILE = "ALTLIB_PROVENANCE"  # environment variable with the path of the file
COMPUTED, READ_BACK = "computed", "read back"


def note(how: str, what: str) -> None:
    """Note that a step was computed or read back.

    Args:
        how: :data:`COMPUTED` or :data:`READ_BACK`, or a number type for what models computed in.
        what: The step, such as "captions of text-image".
    """
    path = os.environ.get(FILE)
    if path:
        line = json.dumps({"time": time.time(), "how": how, "what": what}, ensure_ascii=False)
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")


def read_notes(path: Path) -> list[dict[str, Any]]:
    """The notes of an execution in the order of their times; none if nothing was noted."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return sorted((json.loads(line) for line in lines), key=lambda found: found["time"])


def in_words(notes: Iterable[dict[str, Any]]) -> str:
    """What was computed and what was read back, as a sentence."""
    counts = {how: Counter(n["what"] for n in notes if n["how"] == how) for how in (COMPUTED, READ_BACK)}

    def listed(found: Counter[str]) -> str:
        return ", ".join(what + (f" (x{count})" if count > 1 else "") for what, count in found.items())

    if not counts[READ_BACK]:
        return "Everything it rests on in this chapter was computed in this execution."
    computed = f"computed: {listed(counts[COMPUTED])}; " if counts[COMPUTED] else ""
    return (
        f"Of the kept steps up to here, {computed}read back from an earlier execution: {listed(counts[READ_BACK])}. "
        "Everything else was computed in this execution."
    )
