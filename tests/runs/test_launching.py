"""Buttons that open chapters in Binder and Colab."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import yaml
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from altlib.core.errors import RunError
from altlib.runs import launching
from tests.conftest import ROOT

CONFIG = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
ADDRESS = "https://github.com/people/book"


@pytest.fixture(autouse=True)
def no_address_around(monkeypatch):
    monkeypatch.delenv(launching.VARIABLE, raising=False)


def test_the_environments_address_comes_before_that_of_the_configuration(monkeypatch):
    assert launching.repository_address({}) == ""
    assert launching.repository_address({"repository": {"url": ADDRESS}}) == ADDRESS
    monkeypatch.setenv(launching.VARIABLE, "https://github.com/fork/book")
    assert launching.repository_address({"repository": {"url": ADDRESS}}) == "https://github.com/fork/book"


@pytest.mark.parametrize("wrong", ["github.com/people/book", "https://github.com/people", 'https://github.com/a/"b'])
def test_an_address_that_no_service_can_open_is_refused(wrong):
    with pytest.raises(RunError, match=r"correct repository\.url in _config\.yml"):
        launching.repository_address({"repository": {"url": wrong}})


def test_without_an_address_nothing_of_the_buttons_is_configured():
    built = launching.with_launch_buttons(CONFIG, "")
    assert "launch_buttons" not in built and "repository" not in built
    assert not built["html"]["use_repository_button"]
    assert CONFIG["launch_buttons"]["binderhub_url"] and CONFIG["launch_buttons"]["colab_url"]


def rendered(folder: Path, address: str) -> str:
    """The page of a small book that is built with the project's configuration and an address."""
    folder.mkdir()
    nbformat.write(new_notebook(cells=[new_markdown_cell("# One"), new_code_cell("1")]), folder / "01-one.ipynb")
    (folder / "_toc.yml").write_text("format: jb-book\nroot: 01-one\n")
    (folder / "references.bib").write_text("")
    config = launching.with_launch_buttons(CONFIG, address)
    config["sphinx"]["extra_extensions"] = ["altlib.report.mathml"]
    (folder / "_config.yml").write_text(yaml.safe_dump(config))
    command = [str(Path(sys.executable).parent / "jupyter-book"), "build", str(folder), "--quiet"]
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    return (folder / "_build" / "html" / "01-one.html").read_text(encoding="utf-8")


def test_pages_have_buttons_with_an_address_and_none_without(tmp_path):
    page = launching.lead_to_colab_branch(rendered(tmp_path / "with", ADDRESS))
    assert "https://mybinder.org/v2/gh/people/book/main?urlpath=lab/tree/book/01-one.ipynb" in page
    assert "https://colab.research.google.com/github/people/book/blob/colab/01-one.ipynb" in page
    without = rendered(tmp_path / "without", "")
    assert "mybinder.org" not in without and "colab.research" not in without


def test_a_notebook_for_colab_begins_by_fetching_the_project(tmp_path):
    source = tmp_path / "01-one.ipynb"
    nbformat.write(new_notebook(cells=[new_markdown_cell("# One"), new_code_cell("1")]), source)
    launching.colab_notebook(source, ADDRESS, tmp_path / "colab" / "01-one.ipynb")
    title, setup, first = nbformat.read(tmp_path / "colab" / "01-one.ipynb", as_version=4).cells
    assert (title.source, first.source) == ("# One", "1")
    assert f"git clone --quiet --depth 1 {ADDRESS} /content/project\n" in setup.source
    assert "{sys.executable} -m altlib book" in setup.source


def command_after_altlib(text: str) -> list[str]:
    """The arguments of ``altlib book`` in a script."""
    return text.partition("altlib book ")[2].splitlines()[0].split()


@pytest.mark.parametrize(
    "script", [(ROOT / "postBuild").read_text(encoding="utf-8"), launching.SETUP], ids=["Binder", "Colab"]
)
def test_services_make_a_run_that_the_chapters_read_by_default(script):
    file, option, setting = command_after_altlib(script)
    assert (ROOT / file).is_file() and option == "--set" and setting == "run=workshop"


def test_binder_can_run_its_script():
    script = ROOT / "postBuild"
    assert os.access(script, os.X_OK)
    assert subprocess.run(["bash", "-n", str(script)], check=False).returncode == 0


def test_the_workflow_publishes_what_the_default_book_writes():
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "book.yml").read_text(encoding="utf-8"))
    steps = workflow["jobs"]["build"]["steps"]
    build = next(step for step in steps if step.get("run") == "make book")
    assert launching.VARIABLE in build["env"]
    assert any(step.get("with", {}).get("path") == "runs/workshop/html" for step in steps)
    assert any(step.get("working-directory") == f"runs/workshop/{launching.COLAB_BRANCH}" for step in steps)
    checks = yaml.safe_load((ROOT / ".github" / "workflows" / "checks.yml").read_text(encoding="utf-8"))
    assert any(step.get("run") == "bash .ci/run" for step in checks["jobs"]["checks"]["steps"])
