"""What a run records of machine and code."""

import subprocess

from altlib.runs.machine import commit_of, hardware, versions


def git(folder, *arguments):
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    return subprocess.run(
        ["git", *identity, "-C", folder, *arguments], check=True, capture_output=True, text=True
    ).stdout


def test_the_commit_says_whether_the_files_are_those_of_the_commit(tmp_path):
    assert commit_of(tmp_path) == "unknown"
    git(tmp_path, "init", "-q")
    (tmp_path / "a.py").write_text("1")
    git(tmp_path, "add", "a.py")
    git(tmp_path, "commit", "-qm", "first")
    commit = git(tmp_path, "rev-parse", "--short=12", "HEAD").strip()
    (tmp_path / "untracked").write_text("x")
    assert commit_of(tmp_path) == commit
    (tmp_path / "a.py").write_text("2")
    assert commit_of(tmp_path) == f"{commit} + changes"


def test_machine_and_packages_are_described():
    found = hardware()
    assert found["cores"] >= 1 and found["memory_gib"] > 0 and found["processor"]
    assert {"torch", "transformers", "open_clip_torch"} <= set(versions())
