"""Kernels of chapters."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import psutil
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import DeadKernelError

from altlib.runs.processes.kernels import ADDRESS, serving
from tests.conftest import wait_until

MANAGER = "altlib.runs.processes.kernels.ChapterKernelManager"
LIBRARY = "mailbox"  # that nothing else here loads
TELLING = f"""import json, os, sys
print(json.dumps(["{LIBRARY}" in sys.modules, os.getcwd(), os.environ["COLOUR"], __name__]))"""

SERVER = f"""
import sys, tempfile
from altlib.runs.processes.kernels import ADDRESS, serving
with tempfile.TemporaryDirectory() as folder, serving(folder, ["{LIBRARY}"]) as environment:
    print(environment[ADDRESS], flush=True)
    sys.stdin.read()
"""

WAITING = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parents[3])!r})
from tests.runs.processes.test_kernels import executed
executed("import os, subprocess, time; child = subprocess.Popen(['sleep', '100'])\\n"
         "open('new', 'w').write(f'{{os.getpid()}} {{child.pid}}'); os.replace('new', 'processes'); time.sleep(100)")
"""

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="kernels are forked on Linux only")


def executed(code: str, folder: Path | None = None) -> nbformat.NotebookNode:
    """A notebook with one cell, executed as the runner does."""
    book = nbformat.v4.new_notebook()
    book.cells = [nbformat.v4.new_code_cell(code)]
    resources = {"metadata": {"path": str(folder)}} if folder else {}
    NotebookClient(book, kernel_manager_class=MANAGER, resources=resources).execute()
    return book


@pytest.fixture(scope="module")
def address():
    with subprocess.Popen([sys.executable, "-c", SERVER], stdin=-1, stdout=-1, text=True) as server:
        yield server.stdout.readline().strip()
        server.stdin.close()


@pytest.fixture
def served(monkeypatch, address):
    monkeypatch.setenv(ADDRESS, address)
    monkeypatch.setenv("COLOUR", "mauve")


@pytest.mark.parametrize("folder", ["short", "long" * 25])
def test_kernels_that_start_at_once_keep_apart_and_leave_nothing(monkeypatch, folder):
    with tempfile.TemporaryDirectory() as parent:
        place = Path(parent) / folder
        place.mkdir()
        monkeypatch.setattr("tempfile.tempdir", str(place))
        with ThreadPoolExecutor(3) as beside:  # as chapters that start at once
            books = list(beside.map(executed, [f"print({i})" for i in range(3)]))
        assert [book.cells[0].outputs[0].text for book in books] == [f"{i}\n" for i in range(3)]
        assert not list(place.iterdir())


@on_linux
@pytest.mark.parametrize("forked", [True, False])
def test_a_forked_kernel_is_like_another_but_has_the_library_loaded(tmp_path, served, monkeypatch, forked):
    if not forked:
        monkeypatch.setenv(ADDRESS, "")
    told = json.loads(executed(TELLING, tmp_path).cells[0].outputs[0].text)
    assert told == [forked, str(tmp_path), "mauve", "__main__"]


@on_linux
def test_a_forked_kernel_that_is_killed_is_reported(served):
    with pytest.raises(DeadKernelError):
        executed("import os; os.kill(os.getpid(), 9)")


@on_linux
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_forked_kernel_ends_with_all_that_it_started_when_who_asked_for_it_ends(tmp_path, served, number):
    with subprocess.Popen([sys.executable, "-c", WAITING], cwd=tmp_path) as asking:
        assert wait_until((tmp_path / "processes").is_file)
        kernel, child = map(int, (tmp_path / "processes").read_text().split())
        assert psutil.pid_exists(kernel) and psutil.pid_exists(child)
        asking.send_signal(number)
    assert wait_until(lambda: not psutil.pid_exists(kernel))
    assert wait_until(lambda: not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE)


@pytest.mark.parametrize("system", ["linux", "darwin", "win32"])
def test_where_no_socket_can_be_nobody_serves(tmp_path, monkeypatch, system):
    folder = tmp_path / ("x" * 100 if system == "linux" else "x")
    folder.mkdir()
    monkeypatch.setattr("sys.platform", system)
    with serving(str(folder), [LIBRARY]) as environment:
        assert environment[ADDRESS] == "" and environment["TMPDIR"] == str(folder)
    assert not list(folder.iterdir())


@on_linux
def test_the_process_that_is_forked_ends_with_its_folder():
    with tempfile.TemporaryDirectory(dir="/tmp") as folder, serving(folder, [LIBRARY]) as environment:
        assert Path(environment[ADDRESS]).is_socket()
        (server,) = [p for p in psutil.Process(os.getpid()).children() if p.cmdline() == psutil.Process().cmdline()]
    assert not server.is_running()
