"""Kernels of chapters, forked on Linux from a process that has libraries loaded.

To load torch, transformers and open_clip takes longer than the work of many a chapter: without this the smoke book
takes 1.17 times as long on two cores (``bench/kernels.py``, two turns each). Processes whose ``JUPYTER_PATH`` is
FOLDER get the kernels of ``python -m altlib.runs.kernels FOLDER``, under the name ``python3``.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import runpy
import signal
import socket
import socketserver
import sys
import threading
from pathlib import Path
from typing import Any

from altlib.core.files import write_json

LIBRARIES = (
    *("torch", "open_clip", "transformers.models.auto.modeling_auto", "transformers.models.gpt2.modeling_gpt2"),
    *("peft", "captum.attr", "scipy.stats", "matplotlib.pyplot", "ipykernel.ipkernel"),
)
# A kernel's command: asks for a kernel, and runs until that ends, or who started this command does.
ASK = """
import json, os, select, signal, socket, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
parent, server = os.getppid(), socket.socket(socket.AF_UNIX)
server.connect(sys.argv[1])
server.sendall(json.dumps([os.getcwd(), dict(os.environ), sys.argv[2:]]).encode() + b"\\n")
while os.getppid() == parent and not select.select([server], [], [], 0.5)[0]: pass
"""


def end_with(connection: socket.socket) -> None:
    """End this process, and all that it started, when who asked for a kernel does; nothing is ever sent."""
    connection.recv(1)
    os.killpg(0, signal.SIGKILL)


class KernelServer(socketserver.ForkingMixIn, socketserver.UnixStreamServer):
    """Forks a kernel for each that asks; libraries are loaded in the environment of the first."""

    def get_request(self) -> tuple[Any, Any]:
        """A connection, and the folder, environment and arguments of the kernel that is asked for."""
        connection, _ = super().get_request()
        line = connection.makefile("rb").readline()
        if not line.endswith(b"\n"):
            raise ConnectionError("who asked has ended")
        os.environ.update(json.loads(line)[1] | {"MPLBACKEND": "module://matplotlib_inline.backend_inline"})
        for library in LIBRARIES:
            with contextlib.suppress(ImportError):  # who needs it says so
                importlib.import_module(library)
        return connection, json.loads(line)

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Be a kernel, in a forked process, until that ends or who asked for it does; what it started ends, too."""
        folder, environment, arguments = client_address
        os.setsid()
        environment["JPY_PARENT_PID"] = str(os.getppid())  # this process's, not of who asked
        os.environ.clear()
        os.environ.update(environment)
        os.chdir(folder)
        sys.path[0], sys.argv[1:] = folder, arguments
        threading.Thread(target=end_with, args=[request], daemon=True).start()
        runpy.run_module("ipykernel_launcher", run_name="__main__", alter_sys=True)


def serve(folder: Path) -> None:
    """Serve the kernels of those whose ``JUPYTER_PATH`` is a folder, until this process is ended."""
    with KernelServer(str(folder / "preloaded"), socketserver.BaseRequestHandler) as server:
        command = [sys.executable, "-SIc", ASK, server.server_address, "-f", "{connection_file}"]
        spec = {"argv": command, "display_name": "Python 3", "language": "python"}
        write_json(folder / "kernels" / "python3" / "kernel.json", spec)
        server.serve_forever()


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
