"""The progress bars of all chapters that run, in one terminal."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.text import Text

BARS = ".progress"  # the files of a chapter's bars are <chapter>.progress, then a number for each
EVERY = 60.0  # seconds between the bars in a log
PER_SECOND = 2.0  # how often the bars in a terminal are drawn


def bars_in(folder: Path) -> list[str]:
    """The bars that there are now, those of a chapter together."""
    lines = []
    for path in sorted(folder.glob(f"*{BARS}*")):
        try:
            lines.append(path.read_text(encoding="utf-8", errors="replace"))
        except FileNotFoundError:  # it has just ended
            continue
    return [line for line in lines if line]


@contextmanager
def board(folder: Path, console: Console | None = None, every: float = EVERY) -> Iterator[Callable[[str], None]]:
    """Show the bars below what is said meanwhile, until the end.

    In a terminal the bars stand still at the bottom; elsewhere, as in a log, they are printed
    now and then.

    Args:
        folder: where the files of the bars are.
        console: where to show them; by default standard error.
        every: seconds between the bars in a log.

    Yields:
        A function that prints a line above the bars.
    """
    shown = console or Console(stderr=True)
    for path in folder.glob(f"*{BARS}*"):
        path.unlink()  # of a run that was killed

    def say(text: str) -> None:
        shown.print(text, markup=False, highlight=False, soft_wrap=True)

    def bars() -> Text:
        return Text("\n".join(bars_in(folder)), no_wrap=True, overflow="crop")

    if shown.is_terminal:
        with Live(console=shown, get_renderable=bars, refresh_per_second=PER_SECOND, transient=True):
            yield say
        return
    ended = threading.Event()

    def print_bars() -> None:
        while not ended.wait(every):
            for line in bars_in(folder):
                say(line)

    thread = threading.Thread(target=print_bars, daemon=True)
    thread.start()
    try:
        yield say
    finally:
        ended.set()
        thread.join()
