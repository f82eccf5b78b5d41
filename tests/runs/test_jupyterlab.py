"""The notebooks in JupyterLab, whose kernels start in the folder of the notebooks."""

import shutil

import papermill
import pytest

from altlib.runs.parameters import read_chapters, read_yaml, resolve
from altlib.runs.plan import chapters_that_wait_for
from tests.conftest import ROOT


@pytest.fixture
def project(tmp_path):
    """A copy of the notebooks, and a file of norms in the project's folder."""
    skipped = shutil.ignore_patterns(".ipynb_checkpoints", "_build")
    shutil.copytree(ROOT / "book", tmp_path / "book", ignore=skipped)
    shutil.copy(ROOT / "_config.yml", tmp_path)
    words = "a the red blue cup dog tree house hat cat boat bird cake shoe chair car ball street garden table"
    (tmp_path / "norms.csv").write_text(
        "word,IMAG\n" + "".join(f"{word},{number}\n" for number, word in enumerate(words.split()))
    )
    return tmp_path


def test_the_notebooks_run_in_their_own_folder_as_they_do_in_a_run(project, monkeypatch):
    """In order and from nothing, with the smoke book's sizes, for the defaults take minutes."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    chapters = read_chapters(project / "book")
    small = resolve(read_yaml(ROOT / "params" / "smoke.yaml"), chapters, "workshop").chapters
    small["mediated-integrated-gradients"]["norms_path"] = "norms.csv"  # relative to the project, as everywhere
    before = {path: path.read_bytes() for path in (project / "book").rglob("*") if path.is_file()}
    (project / "executed").mkdir()
    run = project / "runs" / "workshop"
    # A chapter follows those that write what it reads, whatever its number.
    for chapter in sorted(chapters, key=lambda c: -len(chapters_that_wait_for(c, chapters))):
        assert chapter.parameters["run_folder"].default == "runs/workshop"
        target = project / "executed" / chapter.notebook.name
        papermill.execute_notebook(
            chapter.notebook, target, small[chapter.name], cwd=str(project / "book"), progress_bar=False
        )
        assert all((run / artifact).is_file() for artifact in chapter.writes)
    assert {path: path.read_bytes() for path in (project / "book").rglob("*") if path.is_file()} == before
    assert "imageability" in (project / "executed" / "07-mediated-integrated-gradients.ipynb").read_text()
