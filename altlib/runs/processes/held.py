"""Run a Python module that does not outlive whoever started it, nor does what it starts.

``python -m altlib.runs.processes.held MODULE ARGUMENTS`` does what ``python -m MODULE ARGUMENTS`` does. Who
starts it holds the other end of its standard input; when that is closed, or its holder is gone,
however it went, all processes below this one are ended, and this one with them.
"""

from __future__ import annotations

import contextlib
import os
import psutil
import sys
import threading
import time
from altlib.runs.processes.warm import run

GRACE = 2.0  # seconds for what is about to end by itself, as after Ctrl-C


def end_with(holder: int) -> None:
    """End this process and all below it when nobody holds the other end of a pipe any more."""
    while os.read(holder, 1):
        pass
    this, deadline = psutil.Process(), time.monotonic() + GRACE
    while this.children() and time.monotonic() < deadline:
        time.sleep(0.05)
    for process in this.children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
    os._exit(1)


def main() -> None:
    """Keep the pipe from what is started, watch it, and run the module."""
    holder = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    threading.Thread(target=end_with, args=[holder], daemon=True).start()
    module, *arguments = sys.argv[1:]
    run(module, arguments)


if __name__ == "__main__":
    main()
