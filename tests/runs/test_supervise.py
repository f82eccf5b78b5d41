"""A command that ends, with all that it started, when nobody holds its standard input any more."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.conftest import wait_until

pytestmark = pytest.mark.skipif(os.name != "posix", reason="on POSIX systems only")

# Starts a process that starts another and ends, so that the last one has lost its parent.
STARTING = """
import json, os, subprocess, sys, tempfile, time
from pathlib import Path
middle = subprocess.Popen(
    [sys.executable, "-c", "import subprocess; print(subprocess.Popen(['sleep', '100'], stdout=-3).pid)"], stdout=subprocess.PIPE
)
orphan = int(middle.communicate()[0])
Path("started.new").write_text(json.dumps([os.getpid(), orphan, tempfile.gettempdir()]))
os.replace("started.new", "started")
time.sleep(100)
"""


@pytest.fixture
def supervised(tmp_path):
    """A supervised command that waits: the process that supervises, those below it, and their temporary folder."""
    command = [sys.executable, "-m", "altlib.runs.supervise", sys.executable, "-c", STARTING]
    with subprocess.Popen(command, cwd=tmp_path, stdin=subprocess.PIPE, start_new_session=True) as process:
        assert wait_until((tmp_path / "started").is_file)
        *below, folder = json.loads((tmp_path / "started").read_text())
        yield process, [psutil.Process(number) for number in below], Path(folder)


def assert_all_ended(process: subprocess.Popen, below: list[psutil.Process], folder: Path) -> None:
    process.wait(20)
    _, alive = psutil.wait_procs(below, timeout=20)
    assert not alive and not folder.exists()


def test_everything_ends_when_its_standard_input_is_closed(supervised):
    process, below, folder = supervised
    assert folder.is_dir() and all(p.is_running() for p in below)
    process.stdin.close()
    assert_all_ended(process, below, folder)


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_everything_ends_when_it_is_terminated(supervised, name):
    process, below, folder = supervised
    while process.poll() is None:  # also if it is told so more than once
        process.send_signal(getattr(signal, name))
        time.sleep(0.01)
    assert_all_ended(process, below, folder)


def test_its_status_is_that_of_a_shell_if_the_command_is_killed():
    command = [
        sys.executable,
        "-m",
        "altlib.runs.supervise",
        sys.executable,
        "-c",
        "import os; os.kill(os.getpid(), 9)",
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        assert process.wait(20) == 128 + 9


@pytest.mark.parametrize("status", [0, 3])
def test_its_status_is_that_of_the_command(status):
    command = [sys.executable, "-m", "altlib.runs.supervise"]
    command += [sys.executable, "-c", f"raise SystemExit({status})"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        assert process.wait(20) == status


def test_nothing_is_left_of_a_command_that_nobody_waits_for_from_the_beginning(tmp_path):
    command = [sys.executable, "-m", "altlib.runs.supervise", sys.executable, "-c", "import time; time.sleep(100)"]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    for _ in range(5):
        done = subprocess.run(command, stdin=subprocess.DEVNULL, env=environment, timeout=50)
        assert done.returncode == 128 + signal.SIGTERM
    assert not list(tmp_path.iterdir()) and not [p for p in psutil.process_iter(["environ"]) if below(p, tmp_path)]


def below(process: psutil.Process, folder: Path) -> bool:
    """Whether a process was started with a folder as its place for temporary files."""
    return (process.info["environ"] or {}).get("TMPDIR", "").startswith(str(folder))


def test_a_command_that_cannot_be_started_leaves_nothing_behind_and_is_named(tmp_path):
    command = [sys.executable, "-m", "altlib.runs.supervise", "/no/such/command"]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, text=True
    ) as process:
        said = process.stderr.read()
    assert process.returncode == 1 and "/no/such/command" in said
    assert not list(tmp_path.iterdir())
