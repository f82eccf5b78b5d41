import errno
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from altlib.core.errors import DiskFullError
from altlib.core.files import first_copies, only_one, read_json, whole_file, write_json


def test_a_file_appears_only_when_it_is_complete(tmp_path):
    path = tmp_path / "deep" / "x.txt"
    with whole_file(path) as part:
        part.write_text("half")
        assert not path.exists()
        part.write_text("whole")
    assert path.read_text() == "whole"
    assert [p.name for p in path.parent.iterdir()] == ["x.txt"]


def test_an_error_leaves_the_old_file_and_no_litter(tmp_path):
    path = tmp_path / "x.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError), whole_file(path) as part:
        part.write_text("new")
        raise RuntimeError
    assert path.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_full_disk_is_named_with_the_way_out(tmp_path, monkeypatch):
    def full(fd):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DiskFullError, match=r"x\.json.*free some space"):
        write_json(tmp_path / "x.json", {"a": 1})
    assert not list(tmp_path.iterdir())


def test_broken_json_is_named(tmp_path):
    (tmp_path / "x.json").write_text("{")
    with pytest.raises(ValueError, match=r"x\.json is not valid JSON"):
        read_json(tmp_path / "x.json")


def test_one_process_at_a_time_holds_a_lock(tmp_path):
    lock = tmp_path / "deep" / "lock"
    with only_one(lock), pytest.raises(BlockingIOError, match=r"holds the lock.*lock"), only_one(lock, wait=False):
        pass
    with only_one(lock, wait=False):
        pass


def test_who_waits_for_a_lock_gets_it_when_it_is_free(tmp_path):
    order = []

    def wait():
        with only_one(tmp_path / "lock"):
            order.append("second")

    with only_one(tmp_path / "lock"):
        waiting = threading.Thread(target=wait)
        waiting.start()
        waiting.join(0.2)
        order.append("first")
    waiting.join(10)
    assert order == ["first", "second"]


def test_a_killed_process_leaves_no_lock_behind(tmp_path):
    code = (
        "import sys, time; from pathlib import Path; from altlib.core.files import only_one\n"
        "with only_one(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "lock")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "held\n"
        with pytest.raises(BlockingIOError), only_one(tmp_path / "lock", wait=False):
            pass
        process.kill()
    with only_one(tmp_path / "lock", wait=False):
        pass


def test_the_first_of_several_copies_stands_for_all(tmp_path):
    for name, text in {"a": "x", "b": "y", "c": "x", "d": "longer"}.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "e").symlink_to(tmp_path / "d")
    paths = [str(tmp_path / name) for name in "abcdef"]  # there is no f
    found = first_copies([*paths, paths[2]])
    assert {Path(path).name: Path(first).name for path, first in found.items()} == dict(
        zip("abcdef", "abaddf", strict=True)
    )
