"""Run Python modules in processes that have the large libraries loaded already.

To load torch, transformers and open_clip takes longer than the work of many a chapter. On Linux
one process loads them and is forked for each chapter and each kernel (the forkserver of the
standard library)::

    python -m altlib.runs.processes.preloaded MODULE ARGUMENTS     does what python -m MODULE ARGUMENTS does

The process that asks stays until the forked one ends, and takes it along when it is ended itself.
Where nobody serves, the module runs in the process that asks.

The smoke book takes 53 s with it and 106 s without (medians of three runs each, alternating, on two
busy cores).
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import runpy
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Client, Connection, Listener, wait
from pathlib import Path
from typing import Any

ADDRESS = "ALTLIB_PRELOADED"  # the environment's name for the socket of the process that serves
THREADS = "OMP_NUM_THREADS"  # read by libraries when they are loaded, so it must be the same for who asks
LOADED_THREADS = "ALTLIB_PRELOADED_THREADS"  # in the process that serves: what THREADS was at the first request
LIBRARIES = (
    "torch",
    "torchvision",
    "open_clip",
    "transformers.models.auto.modeling_auto",
    "transformers.models.gpt2.modeling_gpt2",
    "peft",
    "captum.attr",
    "pandas",
    "scipy.stats",
    "matplotlib.pyplot",
    "ipykernel.ipkernel",  # not its application, which reads the environment when it is loaded
    "papermill",
)
# What the libraries find in the environment when they are loaded: as a kernel would have it.
LOADING = {"PYTHONHASHSEED": "0", "MPLBACKEND": "module://matplotlib_inline.backend_inline"}


@contextlib.contextmanager
def serving(folder: str, libraries: Sequence[str] = LIBRARIES) -> Iterator[dict[str, str]]:
    """Serve :func:`main` with forked processes until the end.

    The libraries are loaded when the first process asks, with that one's :data:`THREADS`.

    Args:
        folder: for the sockets and all other temporary files of who asks.
        libraries: what to load.

    Yields:
        The environment for those who ask; without :data:`ADDRESS` where nobody serves: elsewhere
        than on Linux, or if the folder's name is too long for a socket's.
    """
    environment = {**os.environ, "TMPDIR": folder, ADDRESS: ""}
    try:
        if sys.platform != "linux":
            raise OSError("processes that have loaded libraries can be forked on Linux only")
        listener = Listener(str(Path(folder) / "preloaded"), "AF_UNIX", backlog=64)
    except OSError:
        yield environment
        return
    os.environ.update(LOADING, TMPDIR=folder)
    multiprocessing.set_forkserver_preload(list(libraries))
    threading.Thread(target=accept, args=[listener], daemon=True).start()
    with listener:
        yield environment | {ADDRESS: str(listener.address)}


def accept(listener: Listener) -> None:
    """Attend to all that ask, each in a thread, until the process ends."""
    starting = threading.Lock()
    with contextlib.suppress(OSError):  # closed at the end
        while True:
            asking = listener.accept()
            threading.Thread(target=attend, args=[asking, starting], daemon=True).start()


def attend(asking: Connection, starting: threading.Lock) -> None:
    """Run a module in a forked process until it ends, or until nobody waits for it any more.

    Args:
        asking: the connection to who asked; closed without an answer if no process can be forked
            that has its libraries loaded with as many threads.
        starting: held while multiprocessing looks at all of its processes, which threads must not do at once.
    """
    with asking, contextlib.suppress(EOFError, OSError):
        request = json.loads(asking.recv_bytes())
        process = multiprocessing.get_context("forkserver").Process(target=run_request, args=[request])
        with starting:
            threads = request["environment"].get(THREADS, "")
            if os.environ.setdefault(LOADED_THREADS, threads) != threads:
                return
            os.environ[THREADS] = threads  # for the libraries, which are loaded with the first process
            process.start()
        asking.send_bytes(b"started")
        wait([asking, process.sentinel])
        with starting:
            if process.is_alive():
                os.killpg(process.pid or 0, signal.SIGKILL)
            process.join()
        asking.send_bytes(str(process.exitcode).encode())


def run_request(request: dict[str, Any]) -> None:
    """In a forked process: run a module in the folder and environment of who asked."""
    os.setsid()  # Ctrl-C in the terminal reaches the command alone
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    sys.path[0] = request["folder"]
    run(request["module"], request["arguments"])


def run(module: str, arguments: Sequence[str]) -> None:
    """Run a module as ``python -m`` does."""
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def ask(address: str, module: str, arguments: Sequence[str]) -> int | None:
    """Have a module run in a forked process; its exit status, or ``None`` if nobody serves."""
    parent = os.getppid()
    request = {
        "module": module,
        "arguments": list(arguments),
        "folder": str(Path.cwd()),
        "environment": dict(os.environ),
    }
    try:
        serving = Client(address, "AF_UNIX")
        serving.send_bytes(json.dumps(request).encode())
        serving.recv_bytes()
    except (OSError, EOFError):
        return None
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # end without a traceback: a kernel is interrupted before it is ended
    while not serving.poll(1.0):
        if os.getppid() != parent:  # whoever wanted this was killed
            return 1
    try:
        status = int(serving.recv_bytes())
    except (OSError, EOFError):
        return 1
    return status if status >= 0 else 128 - status


def main() -> int:
    """Run the module of the arguments; returns the exit status."""
    module, *arguments = sys.argv[1:]
    if address := os.environ.get(ADDRESS):
        status = ask(address, module, arguments)
        if status is not None:
            return status
    run(module, arguments)
    return 0


if __name__ == "__main__":
    sys.exit(main())
