"""The bars of all chapters that run, in one terminal."""

from __future__ import annotations

import codecs
import os
import re
import shutil
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import TextIO

SUFFIX = ".progress"  # of these files; those of a chapter's further processes go on with a number


UP, CLEAR = "\x1b[{}F", "\x1b[J"  # to the beginning of the line so many lines up; from there to the end


class BarFile:
    """What a terminal would show of the bars that a process writes to a file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.begin()

    def begin(self) -> None:
        """Forget what was read."""
        self.offset, self.row = 0, 0
        self.rows: dict[int, str] = {}
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def bars(self) -> list[str]:
        """The lines that are not blank, after reading what was appended; none if the file is gone."""
        try:
            with self.path.open("rb") as file:
                if os.fstat(file.fileno()).st_size < self.offset:
                    self.begin()  # a new file
                file.seek(self.offset)
                added = file.read()
        except FileNotFoundError:
            return []
        self.offset += len(added)
        for token in re.findall(r"\n|\r|\x1b\[A|[^\n\r\x1b]+|\x1b", self.decoder.decode(added)):
            if token == "\n":
                self.row += 1
            elif token == "\x1b[A":
                self.row -= 1
            else:  # tqdm writes a line whole, from its beginning
                self.rows[self.row] = token.strip()
        return [self.rows[row] for row in sorted(self.rows) if self.rows[row]]


class Board:
    """The bars of all chapters that run, below what is said meanwhile; use as a context manager.

    ``folder`` holds their files. In a terminal the bars stand still at the bottom; elsewhere, as
    in a log, each chapter's are printed every ``every`` seconds.
    """

    def __init__(self, folder: Path, stream: TextIO | None = None, every: float = 60.0, wait: float = 0.5) -> None:
        self.folder, self.stream = folder, stream or sys.stderr
        self.every, self.wait = every, wait
        self.in_place = self.stream.isatty()
        self.files: dict[Path, BarFile] = {}
        self.drawn = 0  # lines of bars at the bottom of the terminal
        self.lock, self.ended = threading.Lock(), threading.Event()
        self.thread = threading.Thread(target=self.keep_drawing, daemon=True)

    def __enter__(self) -> Board:
        for path in self.folder.glob(f"*{SUFFIX}*"):
            path.unlink()  # of a run that was killed
        self.thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.ended.set()
        self.thread.join()
        with self.lock:
            self.erase()

    def lines(self) -> list[str]:
        """The bars that there are now, those of a chapter together."""
        for path in self.folder.glob(f"*{SUFFIX}*"):
            self.files.setdefault(path, BarFile(path))
        return [bar for path in sorted(self.files) for bar in self.files[path].bars()]

    def say(self, text: str) -> None:
        """Print a line above the bars."""
        with self.lock:
            self.erase()
            self.stream.write(text + "\n")
            if self.in_place:
                self.draw(self.lines())
            self.stream.flush()

    def keep_drawing(self) -> None:
        """Show the bars again and again until the end."""
        drawn = time.monotonic()
        while not self.ended.wait(self.wait):
            if not self.in_place and time.monotonic() - drawn < self.every:
                continue
            drawn = time.monotonic()
            with self.lock:
                lines = self.lines()
                if self.in_place:
                    self.erase()
                self.draw(lines)
                self.stream.flush()

    def erase(self) -> None:
        """Take the bars off the terminal."""
        if self.drawn:
            self.stream.write(UP.format(self.drawn) + CLEAR)
            self.drawn = 0

    def draw(self, lines: list[str]) -> None:
        """Write bars, cut to the terminal's size where they are to be erased again."""
        if self.in_place:
            size = shutil.get_terminal_size()
            lines = [line[: size.columns - 1] for line in lines[: max(1, size.lines - 2)]]
            self.drawn = len(lines)
        self.stream.write("".join(f"{line}\n" for line in lines))
