"""Which steps of a chapter were computed and which were read back, for the notes below its figures and tables.

Whoever executes a chapter names a file in the environment; each step that is kept adds a line to it.
Nothing is noted where no file is named, as in JupyterLab.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

FILE = "ALTLIB_PROVENANCE"  # environment variable with the path of the file
COMPUTED, READ_BACK, TYPE = "computed", "read back", "number type"


def note(how: str, what: str, key: str = "") -> None:
    """Note how a step was done.

    Args:
        how: :data:`COMPUTED` or :data:`READ_BACK`; :data:`TYPE` for what a model computes in.
        what: The step as readers are told, such as "captions of text-image".
        key: Under which the step is kept. What an execution computes and reads back later counts as computed.
    """
    path = os.environ.get(FILE)
    if path:
        line = json.dumps({"time": time.time(), "how": how, "what": what, "key": key}, ensure_ascii=False)
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")  # one write, so that lines of several processes stay apart


def read_notes(path: Path) -> list[dict[str, Any]]:
    """The notes of an execution in the order of their times; none if nothing was noted."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return sorted((json.loads(line) for line in lines), key=lambda found: found["time"])
