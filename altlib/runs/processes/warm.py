"""Start Python modules in processes that have the large libraries loaded already.

Every chapter has a process and a kernel of its own, and to load torch, transformers and
open_clip in each takes longer than many a chapter's work. Here one process loads them once
(:func:`serving`), and is forked for whoever asks::

    python -m altlib.runs.processes.warm MODULE ARGUMENTS     does what python -m MODULE ARGUMENTS does

The process that asks stays, hands on signals and the exit status, and takes the forked one with
it when it ends, however it ends. Where nobody serves, or serves with other threads, the module
runs in the process that asks.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

ADDRESS = "ALTLIB_WARM"  # the environment's name for the socket of the process that serves


THREADS = "OMP_NUM_THREADS"  # read by libraries when they are loaded, so it must be the same for who asks


PACKET = 1 << 22  # bytes that a message is read with, more than a packet holds


INLINE = "module://matplotlib_inline.backend_inline"  # what kernels show figures with


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


@contextlib.contextmanager
def serving(log: Path, threads: int, libraries: Sequence[str] = LIBRARIES) -> Iterator[str]:
    """Have a process load ``libraries`` and be forked until the end; yields its address, for :data:`ADDRESS`.

    ``threads`` is the value of ``OMP_NUM_THREADS`` that its libraries are loaded with; what it
    has to say goes to the file ``log``. Yields an empty address where that cannot be: without
    Linux 5.3 or newer, or with a folder for temporary files whose name is too long for a socket's.
    """
    with tempfile.TemporaryDirectory(prefix="altlib-") as folder, log.open("wb") as output:
        address = str(Path(folder) / "warm")
        try:
            listener = listening(address)  # before anyone can ask
        except (AttributeError, OSError):
            yield ""
            return
        with listener:
            process = subprocess.Popen(
                [sys.executable, "-m", "altlib.runs.processes.warm", f"--serve={listener.fileno()}", *libraries],
                stdin=subprocess.PIPE,  # it ends when this process does
                stdout=output,
                stderr=output,
                env={"PYTHONHASHSEED": "0", **os.environ, THREADS: str(threads), "MPLBACKEND": INLINE},
                pass_fds=[listener.fileno()],
                start_new_session=True,  # Ctrl-C in the terminal goes to those who ask
            )
        try:
            yield address
        finally:
            process.kill()
            process.communicate()


def listening(address: str) -> socket.socket:
    """A socket that others can connect to.

    Raises:
        AttributeError: the system cannot do what this module needs.
        OSError: its kernel cannot, or no socket can be at this address.
    """
    os.close(os.pidfd_open(os.getpid()))
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        listener.bind(address)
        listener.listen(64)
    except OSError:
        listener.close()
        raise
    return listener


def serve(listener: socket.socket, libraries: Sequence[str]) -> dict[str, Any] | None:
    """Load libraries and fork for everyone who asks; returns ``None`` when standard input ends.

    Returns also in every process that was forked to run a module, with what was asked.
    """
    for library in libraries:
        importlib.import_module(library)
    while listener.fileno() in select.select([listener.fileno(), 0], [], [])[0]:
        asking, _ = listener.accept()
        if not os.fork():
            listener.close()
            return attend(asking)
        asking.close()
    return None


def attend(asking: socket.socket) -> dict[str, Any]:
    """Fork to run a module, and stay between that process and who asked until one of them ends.

    Returns what was asked in the forked process, and never in this one.
    """
    request, streams = receive(asking)
    if request is None or request["environment"].get(THREADS) != os.environ.get(THREADS):
        os._exit(0)
    process = os.fork()
    os.setpgid(process, process)  # by both, as either may come first
    if not process:
        asking.close()
        take_over(request, streams)
        return request
    for stream in streams:
        os.close(stream)
    send(asking, process)
    ends = os.pidfd_open(process)
    if ends not in select.select([asking.fileno(), ends], [], [])[0]:  # who asked is gone
        signal_group(process, signal.SIGKILL)
    send(asking, os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]))
    os._exit(0)


def take_over(request: dict[str, Any], streams: Sequence[int]) -> None:
    """In a forked process: take the streams, folder and environment of who asked."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(request["folder"])
    sys.path[0] = request["folder"]
    os.environ.clear()
    os.environ.update(request["environment"])


def run(module: str, arguments: Sequence[str]) -> None:
    """Run a module as ``python -m`` does."""
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def run_and_leave(module: str, arguments: Sequence[str]) -> NoReturn:
    """In a forked process: run a module, and end without taking down object by object what all of them share."""
    status: Any = 1
    try:
        run(module, arguments)
        status = 0
    except SystemExit as leaving:
        status = leaving.code or 0
        if not isinstance(status, int):
            print(status, file=sys.stderr)
            status = 1
    except BaseException:
        traceback.print_exc()
    finally:
        threading._shutdown()  # type: ignore[attr-defined]  # as multiprocessing ends the processes that it forks
        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(BrokenPipeError):  # nobody listens any more
                stream.flush()
        os._exit(status)


def ask(address: str, module: str, arguments: Sequence[str]) -> int | None:
    """Have a module run in a process forked from the one that serves; its exit status, or ``None`` if nobody serves."""
    parent = os.getppid()
    request = {
        "module": module,
        "arguments": list(arguments),
        "folder": str(Path.cwd()),
        "environment": dict(os.environ),
    }
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as asking:
        signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        signal.pthread_sigmask(signal.SIG_BLOCK, signals)  # until there is somebody to hand them on to
        try:
            asking.connect(address)
            send(asking, request, streams=(0, 1, 2))
            process, _ = receive(asking)
            if process is None:
                return None
            for number in signals:
                signal.signal(number, lambda number, _: signal_group(process, number))
        except OSError:
            return None
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)
        asking.settimeout(1.0)
        while True:
            try:
                status, _ = receive(asking)
            except TimeoutError:
                if os.getppid() != parent:  # whoever wanted this was killed
                    return 1
                continue
            if status is None:
                signal_group(process, signal.SIGKILL)
                return 1
            return status if status >= 0 else 128 - status


def signal_group(process: int, number: int) -> None:
    """Send a signal to a forked process and all that it started, if it is still there."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process, number)


def send(connection: socket.socket, message: Any, streams: Sequence[int] = ()) -> None:
    """Send a message, and open files beside it; nothing happens if the other side is gone.

    Raises:
        OSError: the message is too long for a packet (on Linux some 200 kB).
    """
    with contextlib.suppress(ConnectionError):
        socket.send_fds(connection, [json.dumps(message).encode()], streams)


def receive(connection: socket.socket) -> tuple[Any, list[int]]:
    """The next message and the files beside it; ``None`` if the other side is gone."""
    try:
        content, streams, _, _ = socket.recv_fds(connection, PACKET, 3)
    except ConnectionError:
        return None, []
    return (json.loads(content) if content else None), streams


def main() -> int:
    """Serve, or run a module; returns the exit status."""
    module, *arguments = sys.argv[1:]
    if module.startswith("--serve="):
        with socket.socket(fileno=int(module.partition("=")[2])) as listener:
            request = serve(listener, arguments)
        if request is None:
            return 0
        run_and_leave(request["module"], request["arguments"])
    if address := os.environ.get(ADDRESS):
        status = ask(address, module, arguments)
        if status is not None:
            return status
    run(module, arguments)
    return 0


if __name__ == "__main__":
    sys.exit(main())
