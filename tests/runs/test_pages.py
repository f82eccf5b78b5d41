"""From executed notebooks to pages."""

from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from altlib.runs import pages
from altlib.runs.parameters import Chapter, parse_cell

CELL = "seed: int = 0  # seed of <b>everything</b>\nsteps: int = 4  # points of the integral [2, 1000]\n"
RECORD = {
    "parameters": {"seed": 0, "steps": 8},
    "seed": 0,
    "commit": "abc",
    "started": "2026-01-01T00:00:00+00:00",
    "wall_time_s": 12.0,
    "hardware": {"cores": 2, "processor": "Fast <one>"},
    "data": {"files": ["corpus/posts.parquet"], "digest": "0123456789abcdef"},
    "steps": [
        {"cell": 1, "how": "number type", "what": "float32 on cpu", "count": 1},
        {"cell": 2, "how": "read back", "what": "captions of <ours>", "count": 2},
        {"cell": 3, "how": "computed", "what": "training of ours", "count": 1},
    ],
}


@pytest.fixture
def chapter() -> Chapter:
    return Chapter("first", Path("01-first.ipynb"), "First", parse_cell(CELL, "cell"), (), ())


def shown(content: str):
    return new_output("display_data", {"text/html": content})


def staged(cells, chapter, folder) -> list:
    source = folder / "executed.ipynb"
    nbformat.write(new_notebook(cells=cells), source)
    pages.stage_notebook(source, chapter, RECORD, folder / "page.ipynb")
    return nbformat.read(folder / "page.ipynb", as_version=4).cells


def test_parameters_are_folded_with_those_marked_that_were_changed(chapter):
    table = pages.parameter_table(chapter, RECORD["parameters"])
    assert table.startswith('<details class="parameters"><summary>Parameters of this run: 1 of 2 differ')
    assert "<strong><code>8</code></strong> (changed)</td><td><code>4</code>" in table
    assert "seed of &lt;b&gt;everything&lt;/b&gt;" in table and "<b>" not in table


def test_a_chapter_without_parameters_of_its_own_has_no_table_of_them(chapter, tmp_path):
    assert pages.parameter_table(chapter, {}) == ""
    cells = [new_markdown_cell("# First"), new_code_cell(CELL, metadata={"tags": ["parameters"]})]
    source = tmp_path / "executed.ipynb"
    nbformat.write(new_notebook(cells=cells), source)
    pages.stage_notebook(source, chapter, RECORD | {"parameters": {}}, tmp_path / "page.ipynb")
    staged_cells = nbformat.read(tmp_path / "page.ipynb", as_version=4).cells
    assert [cell.cell_type for cell in staged_cells] == ["markdown", "code", "markdown"]


def test_a_page_hides_the_cell_of_defaults_and_what_was_injected(chapter, tmp_path):
    cells = [
        new_markdown_cell("# First"),
        new_code_cell(CELL, metadata={"tags": ["parameters"]}),
        new_code_cell("steps = 8", metadata={"tags": ["injected-parameters"]}),
        new_code_cell("work()", outputs=[new_output("stream", name="stderr", text="progress")]),
    ]
    title, table, defaults, work, footer = staged(cells, chapter, tmp_path)
    assert title.source == "# First" and table.source == pages.parameter_table(chapter, RECORD["parameters"])
    assert defaults.metadata["tags"] == ["parameters", "remove-cell"]
    assert work.source == "work()" and work.outputs == []
    assert footer.source.startswith("## How this page was made") and "12 s" in footer.source


def test_a_figure_says_how_it_was_made(chapter, tmp_path):
    cells = [
        new_markdown_cell("# First"),
        new_code_cell("x = 1"),
        new_code_cell("table('<a>')", metadata={"tags": ["remove-input"]}, outputs=[shown("<table></table>")]),
        new_code_cell("print()", metadata={"tags": ["remove-input"]}),
    ]
    *_, figure, silent, _ = staged(cells, chapter, tmp_path)
    notes = figure.outputs[-1].data["text/html"]
    assert "How cell 2 made this" in notes and "<pre>table(&#x27;&lt;a&gt;&#x27;)</pre>" in notes
    assert "Code cell 2, seed 0, commit abc, executed 2026-01-01T00:00:00+00:00." in notes
    assert "Data: corpus/posts.parquet, fingerprint 0123456789ab." in notes
    assert "Models computed in float32 on cpu." in notes
    assert "Read back from an earlier execution: captions of &lt;ours&gt; (2 times)." in notes
    assert "training of ours" not in notes
    assert silent.outputs == []


def test_a_page_shows_the_still_of_a_widget_that_only_a_kernel_can_run(chapter, tmp_path):
    panel = new_output("display_data", {pages.WIDGET: {"model_id": "a"}, "text/html": "<p>Still</p>"})
    cells = [new_markdown_cell("# First"), new_code_cell("panel", outputs=[panel, new_output("stream", text="x")])]
    shown_cell = staged(cells, chapter, tmp_path)[2]
    assert dict(shown_cell.outputs[0].data) == {"text/html": "<p>Still</p>"}


def test_folded_cells_that_follow_each_other_become_one():
    folded = {"tags": ["hide-input"]}
    cells = [
        new_code_cell("import a", metadata=dict(folded)),
        new_code_cell("import b", metadata=dict(folded)),
        new_code_cell("note()", metadata=dict(folded), outputs=[shown("<p></p>")]),
        new_code_cell("import c", metadata=dict(folded)),
    ]
    assert [cell.source for cell in pages.joined(cells)] == ["import a\n\nimport b", "note()", "import c"]


def test_findings_stand_below_what_the_chapter_asks():
    cells = [
        new_markdown_cell("# First"),
        new_code_cell("work()"),
        new_code_cell("findings()", metadata={"tags": ["findings", "remove-input"]}),
    ]
    assert [cell.source for cell in pages.findings_first(cells)] == ["# First", "findings()", "work()"]


def test_the_key_figure_is_shown_below_the_findings_too():
    figure = new_code_cell("plot()", metadata={"tags": ["key-figure"]}, outputs=[shown("<img>"), shown("notes")])
    finding = new_markdown_cell("## Findings", metadata={"tags": ["findings"]})
    first, found, copy, again = pages.findings_first([new_markdown_cell("# First"), figure, finding])
    assert (first.source, found.source, again) == ("# First", "## Findings", figure)
    assert [o.data["text/html"] for o in copy.outputs] == ["<img>"] and "key-figure" not in copy.metadata["tags"]
    assert pages.findings_first([new_markdown_cell("# First"), figure])[1:] == [figure]


def test_links_lead_to_the_named_cell_and_only_once():
    figure = new_code_cell("plot()", metadata={"tags": ["anchor-main-table", "key-figure"]}, outputs=[shown("<img>")])
    finding = new_markdown_cell("## Findings", metadata={"tags": ["findings"]})
    placed = pages.with_anchors(pages.findings_first([new_markdown_cell("# First"), figure, finding]))
    assert [c.source for c in placed] == [
        "# First", "## Findings", "plot()", '<span id="main-table"></span>', "plot()"
    ]  # fmt: skip


def test_a_chapter_without_chance_names_no_seed():
    assert "Seed" not in pages.footer(RECORD | {"seed": None}) and "Seed 0, commit" in pages.footer(RECORD)


def test_a_chapter_that_was_kept_says_so():
    kept = pages.made_by("x", 1, RECORD | {"planned": "2026-01-02T00:00:00+00:00"})
    assert "kept when the run was started again (2026-01-02T00:00:00+00:00)" in kept
    assert "kept" not in pages.made_by("x", 1, RECORD | {"planned": "2025-12-31T00:00:00+00:00"})
    assert "Data:" not in pages.made_by("x", 1, RECORD | {"data": {"files": [], "digest": "e3b0"}})
