"""Modules that run in processes forked from one that has libraries loaded."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from altlib.runs.processes.warm import ADDRESS, THREADS, receive, send, serving
from tests.conftest import wait_until

LIBRARY = "mailbox"  # that nothing else here loads

pytestmark = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="processes are forked on Linux only")

TELLING = f"""
import os, sys
print(sys.argv[1:], os.getcwd(), os.environ["COLOUR"], sys.stdin.read(), __name__)
print("{LIBRARY}" in sys.modules, file=sys.stderr)
sys.exit(int(sys.argv[1]))
"""

WAITING = """
import os, subprocess, sys, time
from pathlib import Path
other = subprocess.Popen(["sleep", "100"])  # which is there, and can be interrupted, once this returns
try:
    Path("processes.new").write_text(f"{os.getpid()} {other.pid}")
    os.replace("processes.new", "processes")
    time.sleep(100)
except KeyboardInterrupt:
    other.wait()
    print("interrupted")
    sys.exit(3)
"""


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("logs") / "warm.log", threads=1, libraries=[LIBRARY]) as address:
        yield address


@pytest.fixture
def environment(address):
    return {**os.environ, ADDRESS: address, THREADS: "1", "COLOUR": "mauve"}


def python(folder: Path, environment: dict, *arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=folder,
        env=environment,
        input="words",
        capture_output=True,
        text=True,
        check=False,
    )


def gone(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):  # before it was opened, or after
        return True
    return state == "Z"


def waiting_processes(folder: Path) -> list[int]:
    assert wait_until((folder / "processes").is_file)
    return [int(number) for number in (folder / "processes").read_text().split()]


@pytest.mark.parametrize("status", ["0", "7"])
def test_a_module_runs_as_by_python_but_with_the_library_loaded(tmp_path, environment, status):
    (tmp_path / "telling.py").write_text(TELLING)
    alone = python(tmp_path, environment, "telling", status, "b c")
    warm = python(tmp_path, environment, "altlib.runs.processes.warm", "telling", status, "b c")
    assert warm.stdout == alone.stdout
    assert warm.returncode == alone.returncode == int(status)
    assert (alone.stderr, warm.stderr) == ("False\n", "True\n")


@pytest.mark.parametrize(
    "changed",
    [
        {ADDRESS: ""},
        {ADDRESS: "/nobody/here"},
        {THREADS: "3"},
        {name: "long" * 30_000 for name in "ABCDEF"},  # more than a packet holds
    ],
    ids=["no address", "nobody there", "other threads", "much to say"],
)
def test_without_a_process_that_serves_these_threads_the_module_runs_by_itself(tmp_path, environment, changed):
    (tmp_path / "telling.py").write_text(TELLING)
    done = python(tmp_path, environment | changed, "altlib.runs.processes.warm", "telling", "4")
    assert done.returncode == 4
    assert done.stderr == "False\n"
    assert "mauve words __main__" in done.stdout


def test_messages_that_wait_stay_apart():
    """Of a module that ends at once, its process and its status are there before either is read."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        for message in (1234, 0, {"many": "words " * 10_000}):
            send(theirs, message)
        theirs.close()
        assert [receive(ours)[0] for _ in range(4)] == [1234, 0, {"many": "words " * 10_000}, None]


@pytest.mark.parametrize("ending", ["raise ValueError('the broken thing')", "import sys; sys.exit('the broken thing')"])
def test_an_error_is_told_and_the_status_says_so(tmp_path, environment, ending):
    (tmp_path / "failing.py").write_text(ending)
    done = python(tmp_path, environment, "altlib.runs.processes.warm", "failing")
    assert done.returncode == 1
    assert "the broken thing" in done.stderr


def test_an_interruption_reaches_the_forked_process_and_what_it_started(tmp_path, environment):
    (tmp_path / "waiting.py").write_text(WAITING)
    asking = subprocess.Popen(
        [sys.executable, "-m", "altlib.runs.processes.warm", "waiting"],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    processes = waiting_processes(tmp_path)
    asking.send_signal(signal.SIGINT)
    assert asking.communicate(timeout=20)[0] == "interrupted\n"
    assert asking.returncode == 3
    assert all(map(gone, processes))


@pytest.mark.parametrize("killed", ["who asked", "who started that"])
def test_nothing_stays_when_who_wanted_it_is_killed(tmp_path, environment, killed):
    (tmp_path / "waiting.py").write_text(WAITING)
    command = [sys.executable, "-m", "altlib.runs.processes.warm", "waiting"]
    if killed == "who started that":
        command = [sys.executable, "-c", f"import subprocess; subprocess.run({command!r})"]
    with subprocess.Popen(command, cwd=tmp_path, env=environment) as started:
        processes = waiting_processes(tmp_path)
        assert not any(map(gone, processes))
        started.kill()
    assert wait_until(lambda: all(map(gone, processes)))


def test_a_killed_process_is_reported(tmp_path, environment):
    (tmp_path / "waiting.py").write_text(WAITING)
    with subprocess.Popen(
        [sys.executable, "-m", "altlib.runs.processes.warm", "waiting"], cwd=tmp_path, env=environment
    ) as asking:
        process, other = waiting_processes(tmp_path)
        os.kill(process, signal.SIGKILL)
        assert asking.wait(20) == 128 + signal.SIGKILL
    os.kill(other, signal.SIGKILL)


def test_a_process_ends_even_if_nobody_listens_any_more(tmp_path, environment):
    (tmp_path / "talking.py").write_text("print('words ' * 100_000)")
    command = [sys.executable, "-m", "altlib.runs.processes.warm", "talking"]
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE) as asking:
        asking.stdout.close()
        assert asking.wait(20) == 1


def test_where_no_socket_can_be_nobody_serves(tmp_path, monkeypatch):
    long = tmp_path / ("x" * 100)
    long.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(long))
    with serving(tmp_path / "warm.log", threads=1, libraries=[LIBRARY]) as address:
        assert address == ""
    assert not list(long.iterdir())


def executed(code: str) -> nbformat.NotebookNode:
    """A notebook with one cell, executed as the runner does."""
    book = nbformat.v4.new_notebook()
    book.cells = [nbformat.v4.new_code_cell(code)]
    NotebookClient(book, kernel_manager_class="altlib.runs.processes.kernels.WarmKernelManager").execute()
    return book


@pytest.mark.parametrize("folder", ["short", "long" * 25])
def test_a_kernel_starts_with_the_library_loaded_and_leaves_nothing(environment, monkeypatch, folder):
    for name in (ADDRESS, THREADS):
        monkeypatch.setenv(name, environment[name])
    with tempfile.TemporaryDirectory() as parent:
        place = Path(parent) / folder
        place.mkdir()
        monkeypatch.setattr("tempfile.tempdir", str(place))
        with ThreadPoolExecutor(3) as beside:  # as chapters that start at once
            books = list(
                beside.map(executed, [f"import sys\nprint('{LIBRARY}' in sys.modules, {i})" for i in range(3)])
            )
        assert [book.cells[0].outputs[0].text for book in books] == [f"True {i}\n" for i in range(3)]
        assert not list(place.iterdir())
