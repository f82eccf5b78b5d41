"""Kernels that are forked from a process that has libraries loaded, for tests that start several."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil

from altlib.runs.kernels import LIBRARIES
from tests.conftest import wait_until

SERVER = """
import sys
from pathlib import Path
from altlib.runs import kernels
kernels.LIBRARIES = sys.argv[2:]
kernels.serve(Path(sys.argv[1]))
"""


@contextlib.contextmanager
def serving(libraries: Sequence[str] = LIBRARIES) -> Iterator[tuple[psutil.Process, Path]]:
    """The process that forks kernels, on Linux, and the folder that is to be their ``JUPYTER_PATH``."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        server = subprocess.Popen([sys.executable, "-c", SERVER, folder, *libraries], stdin=subprocess.DEVNULL)
        try:
            assert wait_until(Path(folder, "kernels", "python3", "kernel.json").is_file)
            yield psutil.Process(server.pid), Path(folder)
        finally:
            server.kill()
            server.wait()
