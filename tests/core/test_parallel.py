"""Jobs that run side by side."""

import multiprocessing
import os
import subprocess
import sys
import time
from functools import partial

import psutil
import pytest

from altlib.core.parallel import side_by_side

pytestmark = pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="processes are forked")
BUSY = "import time\nend = time.monotonic() + 3\nwhile time.monotonic() < end: pass"


def write(path, text="done"):
    path.write_text(text)


def hang(path):
    """Note this process and one below it, then do nothing for good."""
    below = subprocess.Popen(["sleep", "1000"])
    path.write_text(f"{os.getpid()} {below.pid}")
    time.sleep(1000)


def test_every_job_runs_though_there_are_more_than_workers(tmp_path):
    side_by_side({str(n): partial(write, tmp_path / str(n)) for n in range(5)}, "jobs", workers=2)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["0", "1", "2", "3", "4"]


def test_a_job_that_fails_does_not_stop_the_others(tmp_path, capfd):
    def fail():
        raise ValueError("broken")

    side_by_side({"bad": fail, "good": partial(write, tmp_path / "good")}, "jobs", workers=1)
    assert (tmp_path / "good").read_text() == "done"
    assert "broken" not in capfd.readouterr().err  # whoever asks for it again hears it


def test_a_hung_job_is_ended_with_all_below_it_and_the_others_go_on(tmp_path, capsys):
    jobs = {"stuck": partial(hang, tmp_path / "stuck"), "good": partial(write, tmp_path / "good")}
    side_by_side(jobs, "jobs", workers=1, silence=2.0)
    assert (tmp_path / "good").read_text() == "done"
    assert "jobs: stuck hung and was ended (2 s without processor time)" in capsys.readouterr().out
    for number in map(int, (tmp_path / "stuck").read_text().split()):
        assert not psutil.pid_exists(number) or psutil.Process(number).status() == psutil.STATUS_ZOMBIE


def test_a_job_that_works_is_not_taken_for_hung_even_where_the_work_is_done_below_it(tmp_path, capsys):
    def work_below():
        subprocess.run([sys.executable, "-c", BUSY], check=True)
        write(tmp_path / "below")

    def work_here():
        exec(BUSY)
        write(tmp_path / "here")

    side_by_side({"below": work_below, "here": work_here}, "jobs", workers=2, silence=1.5)
    assert {p.name for p in tmp_path.iterdir()} == {"below", "here"}
    assert "hung" not in capsys.readouterr().out
