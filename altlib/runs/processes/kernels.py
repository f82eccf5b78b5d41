"""Kernels of executed chapters: reached through files, and on Linux forked from a process that has libraries loaded.

To load torch, transformers and open_clip takes longer than the work of many a chapter. The smoke book
takes 113 s with forked kernels and 153 s without (two runs each, alternating, on two busy cores).
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import runpy
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path
from typing import Any, NoReturn
from uuid import uuid4

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning import LocalProvisioner
from traitlets import default

ADDRESS = "ALTLIB_PRELOADED"  # the environment's name for the socket of the process that is forked
LIBRARIES = (
    *("torch", "open_clip", "transformers.models.auto.modeling_auto", "transformers.models.gpt2.modeling_gpt2"),
    *("peft", "captum.attr", "scipy.stats", "matplotlib.pyplot", "ipykernel.ipkernel"),
)
LOADING = {"MPLBACKEND": "module://matplotlib_inline.backend_inline"}  # found by libraries in a kernel
LONGEST = 80  # bytes of the name of the folder of sockets, so that those of the sockets in it are short enough


@contextlib.contextmanager
def serving(folder: str, libraries: Sequence[str] = LIBRARIES) -> Iterator[dict[str, str]]:
    """Fork kernels until the end; yields the environment for those who ask, with an :data:`ADDRESS` on Linux."""
    environment = {**os.environ, "TMPDIR": folder, ADDRESS: ""}
    if sys.platform != "linux" or len(os.fsencode(folder)) > LONGEST:
        yield environment
        return
    with Listener(str(Path(folder) / "preloaded"), "AF_UNIX", backlog=64) as listener:
        server = os.fork()
        if server == 0:
            serve(listener, libraries)
        try:
            yield environment | {ADDRESS: str(listener.address)}
        finally:
            os.kill(server, signal.SIGKILL)
            os.waitpid(server, 0)


def serve(listener: Listener, libraries: Sequence[str]) -> NoReturn:
    """Fork a process for each that asks; libraries are loaded in the environment of the first."""
    os.setsid()  # Ctrl-C in the terminal reaches the command alone
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the forked ones
    while True:
        with contextlib.suppress(EOFError, OSError), listener.accept() as asking:
            request = json.loads(asking.recv_bytes())
            for library in libraries:
                os.environ.update(request["environment"] | LOADING)
                importlib.import_module(library)
            libraries = ()
            if os.fork() == 0:
                run(asking, request)


def run(asking: Connection, request: dict[str, Any]) -> NoReturn:
    """Run a module as ``python -m`` does, in the folder and environment of who asked, and end with that one."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    sys.path[0] = request["folder"]
    _, module, *sys.argv[1:] = request["command"]
    asking.send_bytes(str(os.getpid()).encode())

    def end_with_asking() -> None:
        asking.poll(None)
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=end_with_asking, daemon=True).start()
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    finally:
        sys.stdout.flush()
        os._exit(0)


class ForkedKernel:
    """A kernel's process, with what provisioners ask of a process; its connection closes when it ends."""

    stdin = stdout = stderr = None

    def __init__(self, command: list[str], environment: dict[str, str], folder: str) -> None:
        self.connection = Client(os.environ[ADDRESS], "AF_UNIX")
        request = {"command": command[command.index("-m") :], "environment": environment, "folder": folder}
        self.connection.send_bytes(json.dumps(request).encode())
        self.pid = int(self.connection.recv_bytes())

    def poll(self) -> int | None:
        """Nothing while the process runs."""
        return 1 if self.connection.poll() else None

    def wait(self) -> None:
        """Wait until the process has ended."""
        self.connection.poll(None)
        self.connection.close()


class ForkingProvisioner(LocalProvisioner):
    """Forks a kernel where somebody serves, and starts it otherwise."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Launch a kernel; returns how to reach it."""
        if not os.environ.get(ADDRESS):
            return await super().launch_kernel(cmd, **kwargs)
        kernel = ForkedKernel(cmd, kwargs["env"], kwargs.get("cwd") or str(Path.cwd()))
        self.process, self.pid, self.pgid = kernel, kernel.pid, kernel.pid  # type: ignore[assignment]
        return self.connection_info


class ChapterKernelManager(AsyncKernelManager):
    """Starts kernels as :class:`ForkingProvisioner` does, and speaks to them through files.

    Sockets in the file system cannot be opened by other users, and several kernels that start
    at once cannot get the same ones, as happens with the ports of a network.
    """

    async def start_kernel(self, **kwargs: Any) -> None:  # type: ignore[override]
        """Start a kernel."""
        self.provisioner = ForkingProvisioner(kernel_id="", kernel_spec=self.kernel_spec, parent=self)
        await super().start_kernel(**kwargs)

    async def shutdown_kernel(  # type: ignore[override]  # KernelManager types the blocking form
        self, now: bool = False, restart: bool = False
    ) -> None:
        """End the kernel at once: everything that its cells made is in files already."""
        await super().shutdown_kernel(now=True, restart=restart)

    @default("transport")
    def sockets_or_ports(self) -> str:
        """Ports only where such sockets cannot be."""
        return "ipc" if os.name == "posix" and len(os.fsencode(tempfile.gettempdir())) <= LONGEST else "tcp"

    @default("ip")
    def beginning_of_sockets(self) -> str:
        """What the names of this kernel's sockets begin with, like those of no other."""
        if self.transport != "ipc":
            return super()._ip_default()
        return str(Path(tempfile.gettempdir()) / f"k{uuid4().hex[:12]}")
