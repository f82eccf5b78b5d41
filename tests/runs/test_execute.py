"""The kernels of chapters, and what is said of a chapter that failed."""

import errno
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import DeadKernelError

from altlib.runs.execute import chapter_error, kernel_channels


def test_an_error_that_is_not_the_chapters_is_named_too(tmp_path):
    notebook = tmp_path / "02.failed.ipynb"
    full = OSError(errno.ENOSPC, "No space left on device")
    assert "02.failed.ipynb" not in chapter_error("02-second", full, notebook)  # it is not there
    notebook.touch()
    said = chapter_error("02-second", full, notebook)
    assert said.startswith("02-second: OSError: [Errno 28] No space left on device\n")
    assert "02.failed.ipynb" in said and "run the same command again" in said
    assert "its kernel died" in chapter_error("02-second", DeadKernelError("x"), tmp_path)


def executed(code: str) -> nbformat.NotebookNode:
    """A notebook with one cell, executed as chapters are."""
    book = nbformat.v4.new_notebook()
    book.cells = [nbformat.v4.new_code_cell(code)]
    NotebookClient(book, config=kernel_channels(), shutdown_kernel="immediate").execute()
    return book


@pytest.mark.parametrize("folder", ["short", "long" * 25])
def test_kernels_that_start_at_once_keep_apart_and_leave_nothing(monkeypatch, folder):
    with tempfile.TemporaryDirectory() as parent:
        place = Path(parent) / folder
        place.mkdir()
        monkeypatch.setattr("tempfile.tempdir", str(place))
        with ThreadPoolExecutor(3) as beside:  # as chapters that start at once
            books = list(beside.map(executed, [f"print({i})" for i in range(3)]))
        assert [book.cells[0].outputs[0].text for book in books] == [f"{i}\n" for i in range(3)]
        assert not list(place.iterdir())
