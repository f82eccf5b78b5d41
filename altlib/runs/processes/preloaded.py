"""Run Python modules in processes that have the large libraries loaded already.

To load torch, transformers and open_clip takes longer than the work of many a chapter. On Linux
one process loads them and is forked for each chapter and each kernel::

    python -m altlib.runs.processes.preloaded MODULE ARGUMENTS     does what python -m MODULE ARGUMENTS does

The process that asks stays until the forked one ends, and takes it along when it is ended itself.
Where nobody serves, the module runs in the process that asks.

The smoke book takes 98 s with it and 129 s without, on two cores.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import json
import multiprocessing
import os
import runpy
import signal
import sys
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Client, Connection, Listener, wait
from pathlib import Path
from typing import Any, NoReturn

ADDRESS = "ALTLIB_PRELOADED"  # the environment's name for the socket of the process that serves
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
PARENT_DEATH_SIGNAL = 1  # Linux's PR_SET_PDEATHSIG
LOADING = {"MPLBACKEND": "module://matplotlib_inline.backend_inline"}  # found by libraries in a kernel


@contextlib.contextmanager
def serving(folder: str, libraries: Sequence[str] = LIBRARIES) -> Iterator[dict[str, str]]:
    """Serve :func:`main` with forked processes until the end.

    Args:
        folder: for the socket and all other temporary files of who asks.
        libraries: what to load, in the environment of the first process that asks.

    Yields:
        The environment for those who ask; its :data:`ADDRESS` is empty where nobody serves: elsewhere
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
    with listener:
        server = os.fork()
        if server == 0:
            serve(listener, libraries)
        try:
            yield environment | {ADDRESS: str(listener.address)}
        finally:
            os.kill(server, signal.SIGKILL)
            os.waitpid(server, 0)


def serve(listener: Listener, libraries: Sequence[str]) -> NoReturn:
    """Fork a process for each that asks, until ended."""
    end_with_parent()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that attend
    while True:
        with contextlib.suppress(EOFError, OSError), listener.accept() as asking:
            request = json.loads(asking.recv_bytes())
            if libraries:
                os.environ.update(request["environment"] | LOADING)
                for library in libraries:
                    importlib.import_module(library)
                libraries = ()
            if os.fork() == 0:
                attend(asking, request)


def end_with_parent() -> None:
    """Have this process killed when its parent ends, however it ends."""
    ctypes.CDLL(None).prctl(PARENT_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)


def attend(asking: Connection, request: dict[str, Any]) -> NoReturn:
    """Run a module in a process of its own until it ends, or until nobody waits for it any more."""
    end_with_parent()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    process = multiprocessing.get_context("fork").Process(target=run_request, args=[request])
    process.start()
    wait([asking, process.sentinel])
    if process.is_alive():
        os.killpg(process.pid or 0, signal.SIGKILL)
    process.join()
    with contextlib.suppress(OSError):
        asking.send_bytes(str(process.exitcode).encode())
    os._exit(0)


def run_request(request: dict[str, Any]) -> None:
    """Run a module in the folder and environment of who asked."""
    end_with_parent()
    os.setsid()  # with all that it starts it can be ended as one group
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
    environment = dict(os.environ)
    request = {"module": module, "arguments": list(arguments), "folder": str(Path.cwd()), "environment": environment}
    try:
        serving = Client(address, "AF_UNIX")
        serving.send_bytes(json.dumps(request).encode())
    except OSError:
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
