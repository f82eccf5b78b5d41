"""Exercises: their headings, answers folded on the page, notebooks without answers."""

import subprocess
import sys

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from altlib.core.errors import RunError
from altlib.runs import exercises
from altlib.runs.parameters import read_chapters
from tests.conftest import ROOT

TASK = "### Exercise 1: What <leaks>? (10 minutes)\n\nPredict it."
CHAPTERS = read_chapters(ROOT / "book")


def task(source: str = TASK):
    return new_markdown_cell(source, metadata={"tags": ["exercise"]})


def solution(source: str, *outputs):
    return new_code_cell(source, metadata={"tags": ["solution"]}, outputs=list(outputs))


def cells() -> list:
    shown = new_output("display_data", {"text/html": "<p>Nothing leaks.</p>", "text/plain": "HTML"})
    said = new_output("stream", name="stdout", text="1 < 2")
    hidden = new_output("stream", name="stderr", text="progress")
    why = new_markdown_cell("Because of *this* <b>.", metadata={"tags": ["solution"]})
    return [new_markdown_cell("# First"), task(), solution("x < 1", shown, said, hidden), why, new_code_cell("after()")]


def test_an_exercise_says_its_number_title_and_minutes(tmp_path):
    nbformat.write(new_notebook(cells=cells()), tmp_path / "a.ipynb")
    assert exercises.read_exercises(tmp_path / "a.ipynb") == [exercises.Exercise(1, "What <leaks>?", 10)]
    with pytest.raises(RunError, match=r"a\.ipynb: an exercise begins with a line such as .* not “### Exercise one”"):
        exercises.exercise_of(task("### Exercise one"), "a.ipynb")


def test_an_answer_is_one_folded_cell_with_its_code_and_what_it_showed():
    first, asked, answer, after = exercises.answers_folded(cells(), "a.ipynb")
    assert (first.source, asked.source, after.source) == ("# First", TASK, "after()")
    (output,) = answer.outputs
    page = output.data["text/html"]
    assert page.startswith('<details class="answer"><summary>Answer to exercise 1</summary>')
    assert "<p>Nothing leaks.</p>" in page and "<pre>1 &lt; 2</pre>" in page and "progress" not in page
    assert "<em>this</em> &lt;b&gt;." in page and "&lt;" in page.split("Nothing leaks")[0]
    assert answer.source and answer.metadata["tags"] == ["remove-input"]


def test_an_answer_without_its_exercise_is_refused():
    with pytest.raises(RunError, match="an answer stands behind no exercise: 'x = 1'"):
        exercises.answers_folded([task(), new_code_cell("other()"), solution("x = 1")], "a.ipynb")


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.notebook.stem)
def test_a_starter_notebook_holds_the_run_s_parameters_and_no_answer(chapter):
    given = exercises.starter_notebook(chapter.notebook, {"seed": 7, "run_folder": "runs/x"})
    source = nbformat.read(chapter.notebook, as_version=4)
    tags = [tag for cell in given.cells for tag in cell.metadata.get("tags", [])]
    assert "solution" not in tags and tags.index("injected-parameters") == tags.index("parameters") + 1
    text = "\n".join(cell.source for cell in given.cells)
    assert "seed = 7" in text and 'run_folder = "runs/x"' in text
    for cell in source.cells:
        assert exercises.has_tag(cell, "solution") == (cell.source not in text)
    for number, exercise in enumerate(exercises.read_exercises(chapter.notebook), start=1):
        assert exercise.number == number and f"# Your answer to exercise {number}:" in text
    nbformat.validate(given)


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.notebook.stem)
def test_every_exercise_has_an_answer_that_the_run_computes(chapter):
    asked: list[int] = []
    answered: set[int] = set()
    for cell in nbformat.read(chapter.notebook, as_version=4).cells:
        if exercises.has_tag(cell, "exercise"):
            asked.append(exercises.exercise_of(cell, chapter.notebook.name).number)
        elif exercises.has_tag(cell, "solution") and cell.cell_type == "code":
            answered.add(asked[-1])
    assert answered == set(asked)


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.notebook.stem)
def test_no_cell_of_a_starter_notebook_needs_an_answer(chapter):
    cells = exercises.starter_notebook(chapter.notebook, {}).cells
    code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    lint = [sys.executable, "-m", "ruff", "check", "--isolated", "--select=F821", "--config=builtins=['display']", "-"]
    said = subprocess.run(lint, input=code, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stdout
    broken = subprocess.run(lint, input=code + "\nprint(answer_of_nobody)", capture_output=True, text=True, check=False)
    assert "answer_of_nobody" in broken.stdout
