"""Kernels of chapters."""

import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

MANAGER = "altlib.runs.processes.kernels.ChapterKernelManager"


def executed(code: str) -> nbformat.NotebookNode:
    """A notebook with one cell, executed as the runner does."""
    book = nbformat.v4.new_notebook()
    book.cells = [nbformat.v4.new_code_cell(code)]
    NotebookClient(book, kernel_manager_class=MANAGER).execute()
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
