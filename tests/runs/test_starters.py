"""Starter notebooks of a finished run."""

import nbformat
import pytest

from altlib.core.errors import RunError
from altlib.core.files import write_json
from altlib.runs.parameters import read_chapters
from altlib.runs.starters import chosen_chapters, run_as_seen_from, write_starter_notebooks


@pytest.fixture
def run(project):
    """A finished run of the project's two chapters."""
    folder = project / "runs" / "r"
    write_json(folder / "parameters.json", {"first": {"n": 4, "seed": 0, "gone": 1}, "second": {"wait": 0.5}})
    for stem in ("01-first", "02-second"):
        write_json(folder / "records" / f"{stem}.json", {})
    return folder


def test_a_starter_notebook_has_the_parameters_of_the_run(project, run, tmp_path):
    (starter,) = write_starter_notebooks(project, run, tmp_path / "out", ["01"])
    given = nbformat.read(starter, as_version=4).cells[2].source
    assert "n = 4" in given and 'run_folder = "runs/r"' in given and "gone" not in given


def test_all_chapters_are_written_unless_some_are_named(project, run, tmp_path):
    names = [path.name for path in write_starter_notebooks(project, run, tmp_path / "out")]
    assert names == ["01-first.ipynb", "02-second.ipynb"]
    chapters = read_chapters(project / "book")
    assert [c.name for c in chosen_chapters(chapters, ["second", "02-second"])] == ["second"]
    with pytest.raises(RunError, match="no chapter 'secnd'; did you mean 'second'"):
        chosen_chapters(chapters, ["secnd"])


def test_what_somebody_has_written_into_is_not_overwritten(project, run, tmp_path):
    (starter,) = write_starter_notebooks(project, run, tmp_path / "out", ["01"])
    starter.write_text("answers")
    with pytest.raises(RunError, match="01-first.ipynb would be overwritten.*--output"):
        write_starter_notebooks(project, run, tmp_path / "out")
    assert starter.read_text() == "answers" and not (tmp_path / "out" / "02-second.ipynb").exists()


def test_a_run_that_is_missing_or_not_finished_is_named_with_the_way_out(project, run, tmp_path):
    with pytest.raises(RunError, match="no finished run in .*other.*altlib book"):
        write_starter_notebooks(project, project / "runs" / "other", tmp_path / "out")
    (run / "records" / "02-second.json").unlink()
    with pytest.raises(RunError, match="not finished: 02-second has not been executed"):
        write_starter_notebooks(project, run, tmp_path / "out", ["01"])


def test_a_run_outside_the_project_is_named_by_its_whole_path(tmp_path):
    assert run_as_seen_from(tmp_path / "a", tmp_path / "a" / "runs" / "r") == "runs/r"
    assert run_as_seen_from(tmp_path / "a", tmp_path / "b") == str(tmp_path / "b")
