"""Progress bars with time left: in the notebook, or in the runner's terminal when it executes one.

A chapter that the runner executes, and each process that it starts, writes every bar to a small
file, which :mod:`altlib.runs.board` shows: bars of several processes cannot share a terminal.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

PROGRESS_FILE = "ALTLIB_PROGRESS"  # set by the runner: what the names of this process's files begin with
WIDTH = 100  # columns of a bar

NUMBERS = itertools.count()  # of this process's bars, in the order in which they began


class BarStream(io.TextIOBase):
    """What tqdm writes one bar to: a file that holds the bar as it is now, and is gone when the bar is."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, text: str) -> int:
        """Take what tqdm writes; a bar begins with a carriage return, the rest moves a terminal's cursor."""
        if text.startswith("\r"):
            with contextlib.suppress(OSError):  # a full disk must not stop the work itself
                if line := text.strip():
                    self.path.write_text(line, encoding="utf-8")
                else:
                    self.path.unlink(missing_ok=True)
        return len(text)


def progress_bar(iterable: Iterable | None = None, **options: Any) -> Any:
    """A tqdm bar; in a chapter that the runner executes it goes to a file, and not to the page.

    Args:
        iterable: what to go through, if the bar does not count by ``update``.
        **options: as tqdm takes them.
    """
    path = os.environ.get(PROGRESS_FILE)
    if path == os.devnull:
        from tqdm import tqdm

        return tqdm(iterable, disable=True, **options)
    if path:
        from tqdm import tqdm

        stream = BarStream(Path(f"{path}.{next(NUMBERS):06}"))
        return tqdm(iterable, file=stream, mininterval=1.0, ncols=WIDTH, leave=False, **options)
    from tqdm.auto import tqdm as notebook_tqdm

    return notebook_tqdm(iterable, mininterval=1.0, **options)


def hide_bars_of_loading() -> None:
    """Have transformers load weights without a bar, which takes no time; bars of downloads stay."""
    from huggingface_hub.utils import enable_progress_bars
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    enable_progress_bars()
