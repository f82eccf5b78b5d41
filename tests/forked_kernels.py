"""Kernels that are forked from a process that has libraries loaded, for tests that start several."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil

from altlib.runs.supervise import LIBRARIES
from tests.conftest import wait_until

# Tells the folder that a supervised command is given, and waits.
SERVER = """
import sys
from altlib.runs import supervise
supervise.LIBRARIES = sys.argv[1:]
telling = "import os, time; print(os.environ['JUPYTER_PATH'], flush=True); time.sleep(10000)"
supervise.main([sys.executable, "-c", telling])
"""


@contextlib.contextmanager
def serving(libraries: Sequence[str] = LIBRARIES) -> Iterator[tuple[psutil.Process, Path]]:
    """The process that forks kernels, on Linux, and the folder that is to be their ``JUPYTER_PATH``."""
    command = [sys.executable, "-c", SERVER, *libraries]
    environment = {**os.environ, "TMPDIR": "/tmp"}
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        try:
            assert server.stdout
            folder = Path(server.stdout.readline().decode().strip())
            assert wait_until((folder / "kernels" / "python3" / "kernel.json").is_file)
            yield psutil.Process(server.pid), folder
        finally:
            server.terminate()
