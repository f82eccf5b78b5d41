"""Run Snakemake, and end all that it started when ``altlib book`` ends, however that ends.

``python -m altlib.runs.supervise COMMAND`` runs a command until it ends, or until nobody holds the other end of standard
input any more. Without this, 5 to 9 processes of a killed smoke book run on (``bench/left_behind.py``).
"""

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import traceback

import psutil

ONE_AT_A_TIME = threading.RLock()  # of what starts and ends the command; a signal may come amid either
ADOPT_ORPHANS = 36  # Linux's PR_SET_CHILD_SUBREAPER: a process whose parent was killed becomes a child of this one


def end(folder: str, status: int) -> None:
    """End all below this process at once, as every file of a run appears whole or not at all; then this process."""
    with ONE_AT_A_TIME:
        while alive := psutil.Process().children(recursive=True):
            for process in alive:
                with contextlib.suppress(psutil.Error):
                    process.kill()
            psutil.wait_procs(alive, timeout=0.2)
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(status if status >= 0 else 128 - status)


def end_when_released(folder: str) -> None:
    """End when nobody holds the other end of standard input."""
    os.read(0, 1)
    end(folder, 128 + signal.SIGTERM)


def main(command: list[str]) -> None:
    """Run a command with a folder for temporary files, and end with its status."""
    folder = tempfile.mkdtemp(prefix="altlib-")
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: end(folder, 128 + number))
    threading.Thread(target=end_when_released, args=[folder], daemon=True).start()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(ADOPT_ORPHANS, 1, 0, 0, 0)
    try:
        with ONE_AT_A_TIME:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, env={**os.environ, "TMPDIR": folder})
        status = process.wait()
    except BaseException:
        traceback.print_exc()
        status = 1
    end(folder, status)


if __name__ == "__main__":
    main(sys.argv[1:])
