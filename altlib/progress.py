"""Progress bars with time left: in the notebook, or in the runner's terminal when it executes one."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any, TextIO

PROGRESS_FILE = "ALTLIB_PROGRESS"  # set by the runner: a file whose growth it copies to the terminal
PROGRESS_LINE = "ALTLIB_PROGRESS_LINE"  # the line of the terminal for a bar, counted from 0


@cache
def terminal(path: str) -> TextIO:
    """The runner's file, opened once."""
    return Path(path).open("a", encoding="utf-8")


def progress_bar(iterable: Iterable | None = None, **options: Any) -> Any:
    """A tqdm bar; keeps an executed notebook's page free of bars by writing to the runner's file."""
    path = os.environ.get(PROGRESS_FILE)
    if path:
        from tqdm import tqdm

        line = int(os.environ.get(PROGRESS_LINE, "0"))
        return tqdm(
            iterable, file=terminal(path), mininterval=1.0, ncols=100, leave=False, position=line or None, **options
        )
    from tqdm.auto import tqdm as notebook_tqdm

    return notebook_tqdm(iterable, mininterval=1.0, **options)
