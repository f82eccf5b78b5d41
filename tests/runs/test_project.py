"""Where the project lies."""

from pathlib import Path

import pytest

from altlib.core.errors import RunError
from altlib.runs.project import enter_project, project_root


def test_a_place_without_a_project_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("altlib.runs.project.__file__", str(tmp_path / "x.py"))
    with pytest.raises(RunError, match="found no project"):
        project_root()


def test_a_notebook_in_the_book_is_taken_to_the_folder_of_the_project(project, monkeypatch):
    monkeypatch.chdir(project / "book")
    enter_project()
    assert Path.cwd() == project
    enter_project()
    assert Path.cwd() == project
