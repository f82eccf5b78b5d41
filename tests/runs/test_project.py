"""Where the project lies."""

import pytest

from altlib.core.errors import RunError
from altlib.runs.project import project_root


def test_a_place_without_a_project_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("altlib.runs.project.__file__", str(tmp_path / "x.py"))
    with pytest.raises(RunError, match="found no project"):
        project_root()
