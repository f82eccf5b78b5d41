"""Kernels for executed chapters."""

from __future__ import annotations

import os
import tempfile
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from pathlib import Path
from traitlets import default
from uuid import uuid4
from altlib.runs.processes.warm import ADDRESS

LONGEST = 60  # bytes of a folder's name that leave room for a socket's in it


class WarmKernelManager(AsyncKernelManager):
    """Start kernels from a process that has the libraries loaded, if there is one (:mod:`altlib.runs.processes.warm`).

    They are spoken to through sockets in the file system, which other users cannot open, rather
    than through the network.
    """

    @property
    def kernel_spec(self) -> KernelSpec | None:
        """How kernels are started; they are interrupted by a message, which cannot overtake the one to shut down."""
        spec = super().kernel_spec
        if spec is not None:
            spec.interrupt_mode = "message"
        return spec

    @default("transport")
    def no_network(self) -> str:
        """TCP only where such sockets cannot be."""
        return "ipc" if os.name == "posix" and len(os.fsencode(tempfile.gettempdir())) <= LONGEST else "tcp"

    @default("ip")
    def own_sockets(self) -> str:
        """How their names begin: like no other kernel's, as several start at once, in the run's temporary folder."""
        if self.transport != "ipc":
            return super()._ip_default()
        served = os.environ.get(ADDRESS)
        folder = Path(served).parent if served else Path(tempfile.gettempdir())
        return str(folder / f"altlib-{uuid4().hex[:16]}")

    def format_kernel_cmd(self, extra_arguments: list[str] | None = None) -> list[str]:
        """The kernel's command with ``-m altlib.runs.processes.warm`` before the module that it names."""
        command = super().format_kernel_cmd(extra_arguments)
        module = command.index("-m") + 1
        return [*command[:module], "altlib.runs.processes.warm", *command[module:]]
