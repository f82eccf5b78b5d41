"""The runner on a project of two small chapters."""

import json
import os
import signal
import subprocess
import sys

import nbformat
import psutil
import pytest

from altlib.cli.main import main
from altlib.core.errors import ParameterError, RunError
from altlib.runs.book import run_book
from tests.conftest import wait_until


def times_run(project) -> int:
    return len((project / "runs" / "r" / "first.log").read_text())


def test_a_run_is_complete_then_idle_then_redone_where_something_changed(project, capsys):
    index = run_book(project / "p.yaml", [], [])
    run = project / "runs" / "r"
    assert index.is_file() and json.loads((run / "b.json").read_text()) == [0, 1]
    record = json.loads((run / "records" / "02-second.json").read_text())
    assert record["wall_time_s"] > 0 and record["versions"]["torch"] and record["hardware"]["cores"] == os.cpu_count()
    page = (run / "html" / "01-first.html").read_text()
    assert "How this page was made" in page and "<script>alert(1)" not in page and "&lt;script&gt;alert(1)" in page

    answer = page.partition("<summary>Answer to exercise 1</summary>")[2].partition("</details>")[0]
    assert "<pre>42" in answer

    before = index.stat().st_mtime_ns
    run_book(project / "p.yaml", [], [])
    assert "Nothing has changed" in capsys.readouterr().out and index.stat().st_mtime_ns == before

    run_book(project / "p.yaml", ["second.wait=0.1"], [])
    assert times_run(project) == 1  # only the second chapter ran again
    run_book(project / "p.yaml", ["second.wait=0.1", "first.n=3"], [])
    assert times_run(project) == 2 and json.loads((run / "b.json").read_text()) == [0, 1, 2]


def test_a_dry_run_says_what_would_be_run_and_runs_nothing(project, capfd):
    assert main(["book", str(project / "p.yaml"), "--", "--dry-run"]) == 0
    said = capfd.readouterr().out
    assert "first" in said and "second" in said and "Nothing was run" in said
    assert not (project / "runs" / "r" / "a.json").exists()


def test_a_part_of_a_run_can_be_named_to_snakemake(project, capsys):
    assert main(["book", str(project / "p.yaml"), "--", "notebooks/01-first.ipynb"]) == 0
    assert "The book is not rendered yet" in capsys.readouterr().out
    assert (project / "runs" / "r" / "a.json").is_file() and not (project / "runs" / "r" / "b.json").exists()


def test_an_error_names_chapter_cell_and_cause_and_keeps_what_was_finished(project):
    with pytest.raises(RunError, match=r"02-second, cell \d+ .*: ValueError: the broken thing") as caught:
        run_book(project / "p.yaml", ["second.bad=true"], [])
    run = project / "runs" / "r"
    failed = run / "notebooks" / "02-second.failed.ipynb"
    assert str(failed) in str(caught.value)
    assert any("42" in str(c.get("outputs")) for c in nbformat.read(failed, as_version=4).cells)
    assert (run / "notebooks" / "01-first.ipynb").is_file() and not (run / "b.json").exists()
    run_book(project / "p.yaml", [], [])
    assert times_run(project) == 1 and not failed.exists()


@pytest.mark.parametrize(
    ("reaches", "number"),
    [("all processes", signal.SIGKILL), ("the command", signal.SIGKILL), ("the command", signal.SIGINT)],
)
def test_a_killed_run_leaves_no_process_and_goes_on(project, reaches, number):
    command = [sys.executable, "-m", "altlib", "book", str(project / "p.yaml"), "--set", "second.wait=60"]
    process = subprocess.Popen(
        command, cwd=project, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    run = project / "runs" / "r"
    assert wait_until((run / "waiting").exists, 120)
    with pytest.raises(RunError, match="another process is running r"):
        run_book(project / "p.yaml", [], [])
    below = psutil.Process(process.pid).children(recursive=True)
    assert len(below) >= 3  # Snakemake, the chapter, its kernel
    if reaches == "all processes":
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)
    process.wait()
    _, alive = psutil.wait_procs(below, timeout=30)
    assert not alive
    assert not (run / "b.json").exists()
    assert run_book(project / "p.yaml", [], []).is_file()
    assert times_run(project) == 1


def test_a_wrong_parameter_stops_before_anything_runs(project):
    with pytest.raises(ParameterError, match=r"first\.m: unknown parameter"):
        run_book(project / "p.yaml", ["first.m=3"], [])
    assert not (project / "runs").exists()
