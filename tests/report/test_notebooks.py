"""The notebooks tell and show; what is worth a test is in the library."""

import ast
import json
from pathlib import Path

import pytest

from tests.conftest import ROOT

NOTEBOOKS = sorted((ROOT / "book").glob("*.ipynb"))


def code_cells(notebook: Path) -> list[str]:
    """The code of a notebook's cells but that of its parameters."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return [
        "".join(cell["source"])
        for cell in cells
        if cell["cell_type"] == "code" and "parameters" not in cell["metadata"].get("tags", [])
    ]


def is_import(node: ast.AST) -> bool:
    return isinstance(node, ast.Import | ast.ImportFrom)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_imports_stand_in_cells_of_their_own_before_all_others(notebook):
    only_imports = [{is_import(node) for node in ast.parse(code).body} for code in code_cells(notebook)]
    first_other = only_imports.index({False})
    assert first_other >= 1
    assert only_imports == [{True}] * first_other + [{False}] * (len(only_imports) - first_other)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_cell_has_at_most_15_lines(notebook):
    for code in code_cells(notebook):
        assert code.count("\n") < 15, code


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_plots_are_drawn_by_the_library(notebook):
    assert not any("pyplot" in code for code in code_cells(notebook))
