"""Kernels for executed chapters."""

from __future__ import annotations

from jupyter_client.manager import AsyncKernelManager


class WarmKernelManager(AsyncKernelManager):
    """Start kernels from a process that has the libraries loaded, if there is one (:mod:`altlib.warm`)."""

    def format_kernel_cmd(self, extra_arguments: list[str] | None = None) -> list[str]:
        """The kernel's command with ``-m altlib.warm`` before the module that it names."""
        command = super().format_kernel_cmd(extra_arguments)
        module = command.index("-m") + 1
        return [*command[:module], "altlib.warm", *command[module:]]
