"""Kernels of executed chapters."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from uuid import uuid4

from jupyter_client.manager import AsyncKernelManager
from traitlets import default

LONGEST = 80  # bytes of the name of the folder of sockets, so that those of the sockets in it are short enough


class ChapterKernelManager(AsyncKernelManager):
    """Starts kernels by :mod:`altlib.runs.processes.preloaded`, and speaks to them through files.

    Sockets in the file system cannot be opened by other users, and several kernels that start
    at once cannot get the same ones, as happens with the ports of a network.
    """

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

    def format_kernel_cmd(self, extra_arguments: list[str] | None = None) -> list[str]:
        """The kernel's command, with the module that starts it before the one that it is."""
        command = super().format_kernel_cmd(extra_arguments)
        module = command.index("-m") + 1
        return [*command[:module], "altlib.runs.processes.preloaded", *command[module:]]
