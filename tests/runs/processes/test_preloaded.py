"""Modules that run in processes forked from one that has libraries loaded."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from altlib.runs.processes.preloaded import ADDRESS, serving
from tests.conftest import wait_until

LIBRARY = "mailbox"  # that nothing else here loads

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are forked on Linux only")

TELLING = f"""
import json, os, sys
from pathlib import Path
told = [sys.argv[1:], os.getcwd(), os.environ["COLOUR"], __name__]
Path("told").write_text(json.dumps([told, "{LIBRARY}" in sys.modules]))
sys.exit(int(sys.argv[1]))
"""

WAITING = """
import os, subprocess, time
from pathlib import Path
other = subprocess.Popen(["sleep", "100"])
Path("processes.new").write_text(f"{os.getpid()} {other.pid}")
os.replace("processes.new", "processes")
time.sleep(100)
"""

SERVER = f"""
import json, sys, tempfile
from altlib.runs.processes.preloaded import serving
with tempfile.TemporaryDirectory() as folder, serving(folder, ["{LIBRARY}"]) as environment:
    print(json.dumps(environment["ALTLIB_PRELOADED"]), flush=True)
    sys.stdin.read()
"""


@pytest.fixture(scope="module")
def address():
    with subprocess.Popen([sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        yield json.loads(server.stdout.readline())
        server.stdin.close()


@pytest.fixture
def environment(address):
    return {**os.environ, ADDRESS: address, "COLOUR": "mauve"}


def python(folder: Path, environment: dict, *arguments: str) -> int:
    return subprocess.run([sys.executable, "-m", *arguments], cwd=folder, env=environment, check=False).returncode


def gone(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):  # before it was opened, or after
        return True
    return state == "Z"


def waiting_processes(folder: Path) -> list[int]:
    assert wait_until((folder / "processes").is_file)
    return [int(number) for number in (folder / "processes").read_text().split()]


@pytest.mark.parametrize("status", [0, 7])
def test_a_module_runs_as_by_python_but_with_the_library_loaded(tmp_path, environment, status):
    (tmp_path / "telling.py").write_text(TELLING)
    assert python(tmp_path, environment, "telling", str(status), "b c") == status
    told, loaded = json.loads((tmp_path / "told").read_text())
    assert not loaded and told == [[str(status), "b c"], str(tmp_path), "mauve", "__main__"]
    (tmp_path / "told").unlink()
    assert python(tmp_path, environment, "altlib.runs.processes.preloaded", "telling", str(status), "b c") == status
    assert json.loads((tmp_path / "told").read_text()) == [told, True]


@pytest.mark.parametrize(
    "changed",
    [{ADDRESS: ""}, {ADDRESS: "/nobody/here"}],
    ids=["no address", "nobody there"],
)
def test_without_a_process_that_serves_the_module_runs_by_itself(tmp_path, environment, changed):
    (tmp_path / "telling.py").write_text(TELLING)
    assert python(tmp_path, environment, "altlib.runs.processes.preloaded", "telling", "0") == 0
    assert json.loads((tmp_path / "told").read_text())[1]
    assert python(tmp_path, environment | changed, "altlib.runs.processes.preloaded", "telling", "4") == 4
    assert json.loads((tmp_path / "told").read_text()) == [[["4"], str(tmp_path), "mauve", "__main__"], False]


@pytest.mark.parametrize("ending", ["raise ValueError('broken')", "import sys; sys.exit('broken')"])
def test_the_status_says_that_a_module_failed(tmp_path, environment, ending):
    (tmp_path / "failing.py").write_text(ending)
    assert python(tmp_path, environment, "altlib.runs.processes.preloaded", "failing") == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("reaches", ["who asked", "who started that"])
def test_what_was_started_ends_with_who_wanted_it(tmp_path, environment, reaches, number):
    (tmp_path / "waiting.py").write_text(WAITING)
    command = [sys.executable, "-m", "altlib.runs.processes.preloaded", "waiting"]
    if reaches == "who started that":
        command = [sys.executable, "-c", f"import subprocess; subprocess.run({command!r})"]
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL) as started:
        processes = waiting_processes(tmp_path)
        assert not any(map(gone, processes))
        started.send_signal(number)
    assert wait_until(lambda: all(map(gone, processes)))


def test_a_killed_process_is_reported(tmp_path, environment):
    (tmp_path / "waiting.py").write_text(WAITING)
    with subprocess.Popen(
        [sys.executable, "-m", "altlib.runs.processes.preloaded", "waiting"], cwd=tmp_path, env=environment
    ) as asking:
        process, other = waiting_processes(tmp_path)
        os.kill(process, signal.SIGKILL)
        assert asking.wait(20) == 128 + signal.SIGKILL
    os.kill(other, signal.SIGKILL)


def test_many_that_end_at_once_each_get_their_own_status(tmp_path, environment):
    (tmp_path / "ending.py").write_text("import sys; sys.exit(int(sys.argv[1]))")
    command = [sys.executable, "-m", "altlib.runs.processes.preloaded", "ending"]
    asking = [subprocess.Popen([*command, str(n)], cwd=tmp_path, env=environment) for n in range(12)]
    assert [process.wait() for process in asking] == list(range(12))


@pytest.mark.parametrize("system", ["linux", "darwin", "win32"])
def test_where_no_socket_can_be_nobody_serves(tmp_path, monkeypatch, system):
    folder = tmp_path / ("x" * 100 if system == "linux" else "x")
    folder.mkdir()
    monkeypatch.setattr("sys.platform", system)
    with serving(str(folder), [LIBRARY]) as environment:
        assert environment[ADDRESS] == "" and environment["TMPDIR"] == str(folder)
    assert not list(folder.iterdir())
