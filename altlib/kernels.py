"""Kernels for executed chapters."""

from __future__ import annotations

import os
import tempfile

from jupyter_client.manager import AsyncKernelManager
from traitlets import default

LONGEST = 80  # bytes of a folder's name that leave room for a socket's


class WarmKernelManager(AsyncKernelManager):
    """Start kernels from a process that has the libraries loaded, if there is one (:mod:`altlib.warm`).

    They are spoken to through sockets in the file system, which other users cannot open, rather
    than through the network.
    """

    @default("transport")
    def no_network(self) -> str:
        """TCP only where such sockets cannot be."""
        return "ipc" if os.name == "posix" and len(os.fsencode(tempfile.gettempdir())) <= LONGEST else "tcp"

    def format_kernel_cmd(self, extra_arguments: list[str] | None = None) -> list[str]:
        """The kernel's command with ``-m altlib.warm`` before the module that it names."""
        command = super().format_kernel_cmd(extra_arguments)
        module = command.index("-m") + 1
        return [*command[:module], "altlib.warm", *command[module:]]
