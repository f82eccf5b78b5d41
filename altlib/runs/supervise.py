"""Run Snakemake, fork its chapters' kernels on Linux, and end all of it when ``altlib book`` ends.

``python -m altlib.runs.supervise COMMAND`` runs a command until it ends, or until nobody holds the other end of
standard input any more. Then all processes below this one are ended, and their temporary folder is removed: without
this, 5 to 9 processes of a killed smoke book run on (``bench/left_behind.py``). Processes whose ``JUPYTER_PATH`` is that
folder get kernels forked from this process, which has libraries loaded: without this, the smoke book takes 1.17 times
as long (``bench/kernels.py``).
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import os
import signal
import socketserver
import subprocess
import sys
import tempfile
import threading
import time
from typing import Any

import psutil

from altlib.core.files import LONGEST_FOLDER, write_json

ENDING = (signal.SIGTERM, signal.SIGHUP)
ADOPT_ORPHANS = 36  # Linux's PR_SET_CHILD_SUBREAPER: a process whose parent was killed becomes a child of this one
LIBRARIES = "open_clip transformers.models.gpt2.modeling_gpt2 peft captum.attr scipy.stats ipykernel.kernelapp".split()
# A kernel's command: asks for a kernel, and runs until that ends or its own parent does.
ASK = """
import os, select, socket, sys
parent, server = os.getppid(), socket.socket(socket.AF_UNIX)
server.connect(sys.argv[1])
server.send(b"%d" % os.getpid())
while os.getppid() == parent and not select.select([server], [], [], 0.5)[0]: pass
"""


class KernelServer(socketserver.ForkingMixIn, socketserver.UnixStreamServer):
    """Forks a kernel for each process that asks; libraries are loaded in the environment of the first."""

    def process_request(self, request: Any, client_address: Any) -> None:
        """Load the libraries and fork, in the environment of the process that asks."""
        asking = psutil.Process(int(request.recv(20)))
        environment = asking.environ()
        os.environ.clear()  # the one before may have asked for fewer threads
        os.environ.update(environment, MPLBACKEND="module://matplotlib_inline.backend_inline")
        for library in LIBRARIES:
            with contextlib.suppress(Exception):  # a chapter that needs it says so
                importlib.import_module(library)
        super().process_request(request, asking)

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Be a kernel that ends, with all that it started, when the process that asked for it does."""
        os.setsid()
        for number in ENDING:
            signal.signal(number, signal.SIG_DFL)
        os.chdir(client_address.cwd())
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        threading.Thread(target=end_with, args=[request.fileno(), 0, signal.SIGKILL], daemon=True).start()
        importlib.import_module("ipykernel.kernelapp").launch_new_instance(client_address.cmdline()[4:])


def end_with(connection: int, process: int, number: int) -> None:
    """Send a signal to a process, or with 0 to this one's group, when nobody holds the other end of a connection.

    It is sent until it is heard, as a library that loads just now may catch whatever it raises.
    """
    os.read(connection, 1)
    while True:
        os.kill(process, number)
        time.sleep(1.0)


def end_children() -> None:
    """End all processes below this one at once: every file of a run appears whole or not at all."""
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)  # another one does not stop this
    while alive := psutil.Process().children(recursive=True):
        for process in alive:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(alive, timeout=0.2)


def main(command: list[str]) -> int:
    """Run a command for as long as the other end of standard input is held; returns its exit status."""
    for number in ENDING:
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    threading.Thread(target=end_with, args=[0, os.getpid(), signal.SIGTERM], daemon=True).start()
    with (
        tempfile.TemporaryDirectory(prefix="altlib-", ignore_cleanup_errors=True) as folder,
        contextlib.ExitStack() as at_end,
    ):
        at_end.callback(end_children)
        os.environ |= {"TMPDIR": folder, "JUPYTER_PATH": folder}
        tempfile.tempdir = folder  # also of the kernels
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(ADOPT_ORPHANS, 1, 0, 0, 0)
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        if sys.platform == "linux" and len(os.fsencode(folder)) <= LONGEST_FOLDER:
            server = KernelServer(f"{folder}/preloaded", socketserver.BaseRequestHandler)
            server.timeout = 0.2
            ask = [sys.executable, "-SIc", ASK, f"{folder}/preloaded", "-f", "{connection_file}"]
            spec = {"argv": ask, "display_name": "Python 3", "language": "python", "interrupt_mode": "message"}
            write_json(f"{folder}/kernels/python3/kernel.json", spec)
            while process.poll() is None:
                server.handle_request()
        return process.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
