"""A command that ends, with all that it started, when nobody holds its standard input any more, and kernels forked for it."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import psutil
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import DeadKernelError

from altlib.runs.execute import kernel_channels
from tests.conftest import wait_until
from tests.forked_kernels import serving

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="kernels are forked on Linux only")

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


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_everything_ends_when_it_is_terminated(supervised, name):
    process, below, folder = supervised
    while process.poll() is None:  # also if it is told so more than once
        process.send_signal(getattr(signal, name))
        time.sleep(0.01)
    assert_all_ended(process, below, folder)


@on_linux
def test_everything_ends_while_a_library_loads_that_would_catch_whatever_is_raised(tmp_path):
    (tmp_path / "catching.py").write_text(
        "import time\nfrom pathlib import Path\nPath('loading').touch()\n"
        "try:\n    time.sleep(20)\nexcept BaseException:\n    Path('caught').touch()\ntime.sleep(1.5)\n"
    )
    code = "import sys; from altlib.runs import supervise; supervise.LIBRARIES = ['catching']; supervise.main(sys.argv[1:])"
    asking = (
        "import os, sys; sys.path.insert(0, sys.argv[1]); from tests.runs.test_supervise import executed; executed('1')"
    )
    waiting = [sys.executable, "-c", asking, str(Path(__file__).parents[2])]
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}:{Path(__file__).parents[2]}"}
    command = [sys.executable, "-c", code, *waiting]
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stdin=subprocess.PIPE) as process:
        assert wait_until((tmp_path / "loading").is_file)
        below = psutil.Process(process.pid).children(recursive=True)
        process.stdin.close()
        process.wait(10)  # the library loads for twice as long
    assert not (tmp_path / "caught").exists() and not psutil.wait_procs(below, timeout=10)[1]


@on_linux
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


@pytest.fixture
def short_folder():
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def below(process: psutil.Process, folder: Path) -> bool:
    """Whether a process was started with a folder as its place for temporary files."""
    return (process.info["environ"] or {}).get("TMPDIR", "").startswith(str(folder))


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("supervise.main(['/no/such/command'])", "/no/such/command"),
        (
            "supervise.write_json = None; supervise.main([sys.executable, '-c', 'import time; time.sleep(100)'])",
            "NoneType",
        ),
    ],
)
@on_linux
def test_what_fails_leaves_nothing_behind_and_says_why(short_folder, code, reason):
    command = [sys.executable, "-c", f"import sys; from altlib.runs import supervise; {code}"]
    environment = {**os.environ, "TMPDIR": str(short_folder)}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, text=True
    ) as process:
        said = process.stderr.read()
    assert process.returncode == 1 and reason in said
    assert not list(short_folder.iterdir()) and not [
        p for p in psutil.process_iter(["environ"]) if below(p, short_folder)
    ]


LIBRARY = "mailbox"  # that nothing else here loads
TELLING = f"""import json, os, sys
print(json.dumps(["{LIBRARY}" in sys.modules, os.getcwd(), os.environ["COLOUR"], __name__]))"""

WAITING = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from tests.runs.test_supervise import executed
executed("import os, subprocess, time; child = subprocess.Popen(['sleep', '100'])\\n"
         "open('new', 'w').write(f'{{os.getpid()}} {{child.pid}}'); os.replace('new', 'processes'); time.sleep(100)")
"""


def executed(code: str, folder: Path | None = None) -> nbformat.NotebookNode:
    """A notebook with one cell, executed as the runner does."""
    book = nbformat.v4.new_notebook()
    book.cells = [nbformat.v4.new_code_cell(code)]
    resources = {"metadata": {"path": str(folder)}} if folder else {}
    NotebookClient(book, config=kernel_channels(), shutdown_kernel="immediate", resources=resources).execute()
    return book


@pytest.fixture(scope="module")
def jupyter_path():
    with serving(["not_installed", LIBRARY]) as (_, folder):
        yield str(folder)


@pytest.fixture
def served(monkeypatch, jupyter_path):
    monkeypatch.setenv("JUPYTER_PATH", jupyter_path)
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
        monkeypatch.setenv("JUPYTER_PATH", "")
    told = json.loads(executed(TELLING, tmp_path).cells[0].outputs[0].text)
    assert told == [forked, str(tmp_path), "mauve", "__main__"]


@on_linux
def test_a_forked_kernel_has_the_environment_of_who_asks_alone(served, monkeypatch):
    telling = "import os; print(os.environ.get('SHADE'), os.environ['COLOUR'])"
    monkeypatch.setenv("SHADE", "dark")
    told = [executed(telling).cells[0].outputs[0].text]
    monkeypatch.delenv("SHADE")
    told.append(executed(telling).cells[0].outputs[0].text)
    assert told == ["dark mauve\n", "None mauve\n"]


@on_linux
def test_a_forked_kernel_writes_below_the_supervised_folder_and_has_usual_signals(served, jupyter_path):
    telling = (
        "import signal, tempfile; print(tempfile.gettempdir(), signal.getsignal(signal.SIGTERM) is signal.SIG_DFL)"
    )
    assert executed(telling).cells[0].outputs[0].text == f"{jupyter_path} True\n"


@on_linux
def test_a_forked_kernel_that_is_killed_is_reported(served):
    with pytest.raises(DeadKernelError):
        executed("import os; os.kill(os.getpid(), 9)")


@on_linux
def test_a_forked_kernel_that_is_killed_is_reported_before_what_it_forked_ends(served, tmp_path):
    code = "import os, time\nif child := os.fork(): open('child', 'w').write(str(child)); os.kill(os.getpid(), 9)\n"
    with pytest.raises(DeadKernelError):
        executed(f"{code}time.sleep(30); os._exit(0)", tmp_path)
    child = psutil.Process(int((tmp_path / "child").read_text()))
    assert child.status() == psutil.STATUS_SLEEPING
    child.kill()


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


@on_linux
def test_who_asks_and_is_gone_at_once_stops_nobody(tmp_path):
    connection = {"key": "", "ip": str(tmp_path / "k"), "transport": "ipc", "signature_scheme": "hmac-sha256"}
    ports = {f"{channel}_port": n for n, channel in enumerate(["shell", "iopub", "stdin", "control", "hb"], 1)}
    (tmp_path / "connection.json").write_text(json.dumps(connection | ports))
    with serving([LIBRARY]) as (server, folder):
        command = json.loads((folder / "kernels" / "python3" / "kernel.json").read_text())["argv"]
        (waiting,) = server.children()
        for sent in (b"", b"no number"):
            with socket.socket(socket.AF_UNIX) as asking:
                asking.connect(str(folder / "preloaded"))
                asking.sendall(sent)
        with subprocess.Popen(["true"]) as gone:
            gone.wait()
        with socket.socket(socket.AF_UNIX) as asking:
            asking.connect(str(folder / "preloaded"))
            asking.sendall(b"%d" % gone.pid)
        silent = socket.socket(socket.AF_UNIX)  # is open for as long as the others wait
        silent.connect(str(folder / "preloaded"))
        with silent, subprocess.Popen([*command[:-1], str(tmp_path / "connection.json")]) as asking:  # gets its kernel
            assert wait_until((tmp_path / "k-1").exists)
            asking.kill()
        assert wait_until(lambda: all(p.status() == psutil.STATUS_ZOMBIE for p in server.children() if p != waiting))
        assert waiting.is_running()
