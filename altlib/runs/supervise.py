"""Run Snakemake, with kernels for its chapters, and end all of it when the command ``altlib book`` ends.

``python -m altlib.runs.supervise COMMAND`` runs a command. Who starts it holds the other end of its standard input;
when that is closed, or its holder is gone, however it went, all processes below this one are ended. Without this,
6 processes of a killed smoke book run on (``bench/left_behind.py``). Temporary files of all of them are in one folder,
which is removed at the end, and their kernels are forked where that is possible (:mod:`altlib.runs.kernels`).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import tempfile
import threading

import psutil

ADOPT_ORPHANS = 36  # Linux's PR_SET_CHILD_SUBREAPER
LONGEST = 80  # bytes of the name of the temporary folder, so that those of the sockets in it are short enough


def end_children() -> None:
    """End all processes below this one at once: every file of a run appears whole or not at all."""
    while alive := psutil.Process().children(recursive=True):
        for process in alive:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(alive, timeout=0.2)


def end_with_holder() -> None:
    """End everything when nobody holds the other end of standard input any more; nothing is ever written to it."""
    os.read(0, 1)
    end_children()


def main() -> int:
    """Run the command of the arguments; returns its exit status."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with tempfile.TemporaryDirectory(prefix="altlib-", ignore_cleanup_errors=True) as folder:
        os.environ |= {"TMPDIR": folder, "JUPYTER_PATH": folder}
        try:
            if sys.platform == "linux":
                # A process whose parent was killed becomes a child of this one.
                ctypes.CDLL(None).prctl(ADOPT_ORPHANS, 1, 0, 0, 0)
                if len(os.fsencode(folder)) <= LONGEST:
                    subprocess.Popen([sys.executable, "-m", "altlib.runs.kernels", folder], stdin=subprocess.DEVNULL)
            process = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
            threading.Thread(target=end_with_holder, daemon=True).start()
            return process.wait()
        finally:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a second one ends nothing halfway
            end_children()


if __name__ == "__main__":
    sys.exit(main())
