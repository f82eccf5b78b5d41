"""A project of two small chapters."""

from pathlib import Path

import nbformat
import pytest

FIRST = [
    'n: int = 2  # how many [1, 9]\nrun_folder: str = "x"  # folder\nseed: int = 0  # seed',
    "from pathlib import Path\nfrom altlib.core.files import write_json\nwrite_json(Path(run_folder) / 'a.json', list(range(n)))",
    "with open(Path(run_folder) / 'first.log', 'a') as f:\n    f.write('x')\nprint('<script>alert(1)</script>')",
]


SECOND = [
    'bad: bool = False  # fail\nwait: float = 0.0  # seconds [0, 100]\nrun_folder: str = "x"  # folder\nseed: int = 0  # seed',
    "import time\nfrom pathlib import Path\nfrom altlib.core.files import read_json, write_json\nkept = 41 + 1\nprint(kept)",
    "Path(run_folder, 'waiting').touch()\ntime.sleep(wait)\nif bad:\n    raise ValueError('the broken thing')",
    "write_json(Path(run_folder) / 'b.json', read_json(Path(run_folder) / 'a.json'))",
]


def notebook(path: Path, title: str, cells: list[str], reads: list[str], writes: list[str]) -> None:
    book = nbformat.v4.new_notebook()
    book.metadata.update(
        {
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
            "altlib": {"reads": reads, "writes": writes},
        }
    )
    book.cells = [nbformat.v4.new_markdown_cell(f"# {title}"), *map(nbformat.v4.new_code_cell, cells)]
    book.cells[1].metadata["tags"] = ["parameters"]
    nbformat.write(book, path)


@pytest.fixture
def project(tmp_path):
    (tmp_path / "book").mkdir()
    notebook(tmp_path / "book" / "01-first.ipynb", "First", FIRST, [], ["a.json"])
    first = nbformat.read(tmp_path / "book" / "01-first.ipynb", as_version=4)
    first.cells += [
        nbformat.v4.new_markdown_cell("### Exercise 1: How many? (5 minutes)", metadata={"tags": ["exercise"]}),
        nbformat.v4.new_code_cell("print(n + 40)", metadata={"tags": ["solution"]}),
    ]
    nbformat.write(first, tmp_path / "book" / "01-first.ipynb")
    notebook(tmp_path / "book" / "02-second.ipynb", "Second", SECOND, ["a.json"], ["b.json"])
    (tmp_path / "book" / "intro.md").write_text("# Hello\n")
    (tmp_path / "book" / "_toc.yml").write_text(
        "format: jb-book\nroot: intro\nchapters:\n  - file: 01-first\n  - file: 02-second\n"
    )
    (tmp_path / "_config.yml").write_text(
        "title: T\nexecute:\n  execute_notebooks: 'off'\nhtml:\n  use_repository_button: false\n"
    )
    (tmp_path / "p.yaml").write_text("run: r\n")
    return tmp_path
