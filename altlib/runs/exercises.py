"""Exercises of the chapters: what they ask, their answers folded away on the page, and notebooks without the answers.

In a notebook, an exercise is a Markdown cell with the tag ``exercise``; the cells behind it with the
tag ``solution`` are its answer, which the run computes.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from altlib.core.errors import RunError

EXERCISE, SOLUTION = "exercise", "solution"  # tags
HEADING = re.compile(r"### Exercise (?P<number>\d+): (?P<title>.+) \((?P<minutes>\d+) minutes\)")


@dataclass(frozen=True)
class Exercise:
    """What the heading of an exercise says.

    Attributes:
        number: In its chapter, from 1.
        title: What it asks, in a few words.
        minutes: That it takes.
    """

    number: int
    title: str
    minutes: int


def has_tag(cell: Any, tag: str) -> bool:
    """Whether a cell of a notebook has a tag."""
    return tag in cell.metadata.get("tags", [])


def exercise_of(cell: Any, where: str) -> Exercise:
    """What the heading of an exercise's cell says.

    Args:
        cell: With the tag ``exercise``.
        where: How an error calls the notebook.

    Raises:
        RunError: The first line is no such heading.
    """
    first = cell.source.partition("\n")[0]
    found = HEADING.fullmatch(first)
    if not found:
        raise RunError(
            f"{where}: an exercise begins with a line such as “### Exercise 2: What leaks? (10 minutes)”, not “{first}”"
        )
    return Exercise(int(found["number"]), found["title"], int(found["minutes"]))


def read_exercises(notebook: Path) -> list[Exercise]:
    """The exercises of a notebook, in order.

    Raises:
        RunError: One has no heading that says its number, title and minutes.
    """
    import nbformat

    cells = nbformat.read(notebook, as_version=4).cells
    return [exercise_of(cell, notebook.name) for cell in cells if has_tag(cell, EXERCISE)]


def shown_output(output: Any) -> str:
    """What a code cell shows, as HTML; what it tells the terminal alone is left out."""
    if output.output_type == "stream":
        return f"<pre>{html.escape(output.text)}</pre>" if output.name == "stdout" else ""
    data = output.get("data", {})
    if "text/html" in data:
        return str(data["text/html"])
    return f"<pre>{html.escape(data['text/plain'])}</pre>" if "text/plain" in data else ""


def shown_cell(cell: Any) -> str:
    """A cell of an answer as HTML: its text, or its code and what that showed."""
    if cell.cell_type == "markdown":
        from markdown_it import MarkdownIt

        return str(MarkdownIt("commonmark", {"html": False}).render(cell.source))
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import PythonLexer

    code = highlight(cell.source, PythonLexer(), HtmlFormatter(cssclass="highlight"))
    return str(code) + "".join(map(shown_output, cell.outputs))


def answers_folded(cells: Sequence[Any], where: str) -> list[Any]:
    """The cells of an executed notebook, with the answer of each exercise as one cell that a line opens.

    Args:
        cells: Of the notebook.
        where: How an error calls the notebook.

    Raises:
        RunError: An answer stands behind no exercise, or an exercise has no proper heading.
    """
    import nbformat

    kept: list[Any] = []
    number, parts = 0, list[str]()

    def close() -> None:
        if parts:
            answer = (
                f'<details class="answer"><summary>Answer to exercise {number}</summary>\n{"".join(parts)}</details>'
            )
            output = nbformat.v4.new_output("display_data", {"text/html": answer})
            source = f"# Answer to exercise {number}"  # Jupyter Book leaves out what an empty cell shows
            kept.append(nbformat.v4.new_code_cell(source, metadata={"tags": ["remove-input"]}, outputs=[output]))
            parts.clear()

    for cell in cells:
        if has_tag(cell, SOLUTION):
            if not number:
                raise RunError(f"{where}: an answer stands behind no exercise: {cell.source[:60]!r}")
            parts.append(shown_cell(cell))
            continue
        close()
        number = exercise_of(cell, where).number if has_tag(cell, EXERCISE) else 0
        kept.append(cell)
    close()
    return kept


def without_answers(cells: Sequence[Any], where: str) -> list[Any]:
    """The cells of a notebook, with an empty one for one's own answer in the place of each answer; raises as above."""
    import nbformat

    kept: list[Any] = []
    for cell in cells:
        if has_tag(cell, SOLUTION):
            continue
        kept.append(cell)
        if has_tag(cell, EXERCISE):
            number = exercise_of(cell, where).number
            prompt = f"# Your answer to exercise {number}: write code or notes here. Shift+Enter runs a cell.\n"
            kept.append(nbformat.v4.new_code_cell(prompt))
    return kept


def starter_notebook(notebook: Path, values: dict[str, Any]) -> Any:
    """A chapter without its answers, with the parameters of a run, so that JupyterLab reads that run back.

    Args:
        notebook: The chapter's.
        values: Parameters by name, with the folder of the run.

    Returns:
        The notebook, without outputs.

    Raises:
        RunError: An exercise has no heading that says its number.
    """
    import nbformat
    from papermill.parameterize import parameterize_notebook

    content = nbformat.read(notebook, as_version=4)
    content.cells = without_answers(content.cells, notebook.name)
    content.metadata["papermill"] = {}  # where papermill notes what it has set
    for cell in content.cells:
        cell.metadata.setdefault("tags", [])  # papermill looks for its place by tags
    given = parameterize_notebook(content, values, comment="Parameters of the finished run")
    del given.metadata["papermill"]
    return given
