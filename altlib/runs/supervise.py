"""Run Snakemake, fork its chapters' kernels on Linux, and end all of it when ``altlib book`` ends.

``python -m altlib.runs.supervise COMMAND`` runs a command until it ends, or until nobody holds the other end of standard
input any more. Without this, 5 to 9 processes of a killed smoke book run on (``bench/left_behind.py``); without kernels
that are forked where libraries are loaded, the smoke book takes 1.17 times as long (``bench/kernels.py``).
"""

import contextlib
import ctypes
import importlib
import os
import shutil
import signal
import socketserver
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable
from typing import Any

import psutil

from altlib.core.files import LONGEST_FOLDER, write_json

ONE_AT_A_TIME = threading.RLock()  # of what starts and ends the command; a signal may come amid either
ADOPT_ORPHANS = 36  # Linux's PR_SET_CHILD_SUBREAPER: a process whose parent was killed becomes a child of this one
LIBRARIES = "open_clip transformers.models.gpt2.modeling_gpt2 peft captum.attr scipy.stats ipykernel.kernelapp".split()
# A kernel's command: asks for a kernel, and runs until that ends or its own parent does.
ASK = """import os, select, socket, sys
parent, server = os.getppid(), socket.socket(socket.AF_UNIX)
server.connect(sys.argv[1])
server.send(b"%d" % os.getpid())
while os.getppid() == parent and not select.select([server], [], [], 0.5)[0]: pass"""


class KernelServer(socketserver.ForkingMixIn, socketserver.UnixStreamServer):
    """Forks a kernel for each process that asks; it ends, with all that it started, when that process does."""

    def process_request(self, request: Any, client_address: Any) -> None:
        """Load the libraries, if they are not, and fork, in the environment of the process that asks."""
        request.settimeout(5.0)  # nobody keeps others waiting
        asking = psutil.Process(int(request.recv(20)))
        request.settimeout(None)
        environment = asking.environ()
        os.environ.clear()  # the one before may have asked for fewer threads
        os.environ.update(environment, MPLBACKEND="module://matplotlib_inline.backend_inline")
        for library in LIBRARIES:
            with contextlib.suppress(BaseException):  # a chapter that needs it says so
                importlib.import_module(library)
        super().process_request(request, asking)

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Be a kernel."""
        os.setsid()
        on_signals(signal.SIG_DFL)
        os.chdir(client_address.cwd())
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        when_released(request.fileno(), lambda: os.killpg(0, signal.SIGKILL))
        os.register_at_fork(after_in_child=request.close)  # the kernel's end is told by this process alone
        importlib.import_module("ipykernel.kernelapp").launch_new_instance(client_address.cmdline()[4:])


def when_released(connection: int, then: Callable[[], object]) -> None:
    """Do something when nobody holds the other end of a connection, whatever else this process does."""
    threading.Thread(target=lambda: (os.read(connection, 1), then()), daemon=True).start()


def on_signals(handler: Any) -> None:
    """Set what is done when this process is told to end."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, handler)


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


def run(command: list[str], folder: str) -> int:
    """Run a command, and fork kernels for it; returns its status."""
    with ONE_AT_A_TIME:
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


def main(command: list[str]) -> None:
    """Run a command, and end with its status."""
    folder = tempfile.tempdir = tempfile.mkdtemp(prefix="altlib-")  # also of the kernels
    on_signals(lambda number, _: end(folder, 128 + number))
    when_released(0, lambda: end(folder, 128 + signal.SIGTERM))
    os.environ |= {"TMPDIR": folder, "JUPYTER_PATH": folder}
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(ADOPT_ORPHANS, 1, 0, 0, 0)
    try:
        status = run(command, folder)
    except BaseException:
        traceback.print_exc()
        status = 1
    end(folder, status)


if __name__ == "__main__":
    main(sys.argv[1:])
