"""The notebooks in JupyterLab, whose kernels start in the folder of the notebooks."""

import shutil

import nbformat
import papermill
import pytest

from altlib.core.files import read_json, write_json
from altlib.runs.exercises import has_tag
from altlib.runs.parameters import read_chapters
from altlib.runs.starters import write_starter_notebooks


@pytest.fixture
def project(tmp_path, book):
    """The project with its finished run in another place, with a file of norms in the project's folder."""
    root = tmp_path / "moved"
    shutil.copytree(book.parents[1], root, ignore=shutil.ignore_patterns(".snakemake", "html", "_build"))
    words = "a the red blue cup dog tree house hat cat boat bird cake shoe chair car ball street garden table"
    (root / "norms.csv").write_text(
        "word,IMAG\n" + "".join(f"{word},{number}\n" for number, word in enumerate(words.split()))
    )
    values = read_json(root / "runs" / "smoke" / "parameters.json")
    values["mediated-integrated-gradients"]["norms_path"] = "norms.csv"  # relative to the project, as everywhere
    write_json(root / "runs" / "smoke" / "parameters.json", values)
    return root


def test_every_chapter_starts_alone_in_the_folder_of_the_notebooks_from_a_finished_run_that_was_moved(
    project, monkeypatch
):
    """The last one first, so none finds more than the run; what was trained is read back, not trained again."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    run, book = project / "runs" / "smoke", project / "book"
    before = {path: path.read_bytes() for path in book.rglob("*") if path.is_file()}
    folders = [run / "captioners" / "text-image", run / "tuned-clip", run / "preference"]
    trained = {path: path.stat().st_mtime_ns for folder in folders for path in folder.rglob("*.safetensors")}
    values = read_json(run / "parameters.json")
    (project / "executed").mkdir()
    for chapter in reversed(read_chapters(book)):
        assert chapter.parameters["run_folder"].default == "runs/workshop"
        given = values[chapter.name] | {"run_folder": "runs/smoke"}  # from the project's folder, as the default is
        target = project / "executed" / chapter.notebook.name
        papermill.execute_notebook(chapter.notebook, target, given, cwd=str(book), progress_bar=False)
        assert all((run / artifact).is_file() for artifact in chapter.writes)
    assert {path: path.read_bytes() for path in book.rglob("*") if path.is_file()} == before
    assert trained and {path: path.stat().st_mtime_ns for path in trained} == trained
    assert "imageability" in (project / "executed" / "07-mediated-integrated-gradients.ipynb").read_text()


def test_a_starter_notebook_runs_where_it_was_written_and_shows_no_answers(project, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    (starter,) = write_starter_notebooks(project, project / "runs" / "smoke", project / "starters", ["04"])
    papermill.execute_notebook(starter, project / "executed.ipynb", cwd=str(starter.parent), progress_bar=False)
    assert not any(has_tag(cell, "solution") for cell in nbformat.read(project / "executed.ipynb", as_version=4).cells)
