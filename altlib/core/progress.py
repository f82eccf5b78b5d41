"""Progress bars with time left: in the notebook, or in the runner's terminal when it executes one.

A chapter that the runner executes writes its bars to a file, and each process that it starts to
a file of its own beside that; a :class:`Board` shows what stands in all of them.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any, TextIO

PROGRESS_FILE = "ALTLIB_PROGRESS"  # set by the runner: the file for this process's bars


WIDTH = 100  # columns of a bar


@cache
def terminal(path: str) -> TextIO:
    """The runner's file, opened once."""
    return Path(path).open("a", encoding="utf-8")


def progress_bar(iterable: Iterable | None = None, **options: Any) -> Any:
    """A tqdm bar; keeps an executed notebook's page free of bars by writing to the runner's file."""
    path = os.environ.get(PROGRESS_FILE)
    if path:
        from tqdm import tqdm

        return tqdm(iterable, file=terminal(path), mininterval=1.0, ncols=WIDTH, leave=False, **options)
    from tqdm.auto import tqdm as notebook_tqdm

    return notebook_tqdm(iterable, mininterval=1.0, **options)
