"""Run Snakemake below a process that ends all of it when the command ``altlib book`` ends.

``python -m altlib.runs.processes.supervise COMMAND`` runs a command. Who starts it holds the other
end of its standard input; when that is closed, or its holder is gone, however it went, all
processes below this one are ended. Temporary files of all of them are in one folder, which is
removed at the end. Chapters whose ``JUPYTER_PATH`` is that folder get kernels that are forked
(:mod:`altlib.runs.processes.kernels`) where that is possible.
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
    this = psutil.Process()
    while alive := [p for p in this.children(recursive=True) if p.status() != psutil.STATUS_ZOMBIE]:
        for process in alive:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(alive, timeout=0.2)


def end_with_holder() -> None:
    """End everything when nobody holds the other end of standard input any more."""
    while os.read(0, 1):
        pass
    end_children()


def main() -> int:
    """Run the command of the arguments; returns its exit status."""
    if sys.platform == "linux":  # processes whose parent was killed become children of this one
        ctypes.CDLL(None).prctl(ADOPT_ORPHANS, 1, 0, 0, 0)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with tempfile.TemporaryDirectory(prefix="altlib-", ignore_cleanup_errors=True) as folder:
        try:
            environment = {**os.environ, "TMPDIR": folder, "JUPYTER_PATH": folder}
            if sys.platform == "linux" and len(os.fsencode(folder)) <= LONGEST:
                kernels = [sys.executable, "-m", "altlib.runs.processes.kernels", folder]
                subprocess.Popen(kernels, stdin=subprocess.DEVNULL, env=environment)
            process = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, env=environment)
            threading.Thread(target=end_with_holder, daemon=True).start()
            return process.wait()
        finally:
            end_children()


if __name__ == "__main__":
    sys.exit(main())
