"""From executed notebooks to the pages of the book.

A page begins with what its chapter asks and with the findings of this run. The parameters of the run,
how each figure and table was made, and the answers to exercises are folded away below a line that opens them.
"""

from __future__ import annotations

import html
import json
from pathlib import Path
from typing import Any

from altlib.runs.exercises import answers_folded, has_tag
from altlib.runs.parameters import Chapter
from altlib.runs.steps import in_words

FINDINGS = "findings"  # tag of the cells that are shown before all others
KEY_FIGURE = "key-figure"  # tag of the cell whose figure is also shown below the findings
DISPLAYS = "remove-input"  # tag of the cells that only show something: their code is in the figure's or table's notes
ANCHOR = "anchor-"  # before the name by which links lead to a cell, in a tag of it
WIDGET = "application/vnd.jupyter.widget-view+json"
FOLDED = "hide-input"  # tag of the cells whose code is folded away


def parameter_table(chapter: Chapter, values: dict[str, Any]) -> str:
    """The parameters of a chapter in this run, folded, with those marked that differ from their defaults.

    Args:
        chapter: With its parameters.
        values: The values in this run by name.

    Returns:
        HTML; nothing for a chapter without parameters of its own.
    """
    rows, changed = [], 0
    for name, parameter in chapter.parameters.items():
        if name not in values:
            continue
        differs = values[name] != parameter.default
        changed += differs
        shown = f"<strong>{code(values[name])}</strong> (changed)" if differs else code(values[name])
        rows.append(
            f'<tr><th scope="row"><code>{html.escape(name)}</code></th><td>{shown}</td>'
            f"<td>{code(parameter.default)}</td><td>{html.escape(parameter.meaning)}</td></tr>"
        )
    if not rows:
        return ""
    head = "".join(f'<th scope="col">{name}</th>' for name in ("parameter", "this run", "default", "meaning"))
    return (
        f'<details class="parameters"><summary>Parameters of this run: {changed} of {len(rows)} differ from '
        f'their defaults</summary>\n<div tabindex="0" role="region" aria-label="Parameters of this run" '
        f'style="overflow-x:auto"><table class="table"><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div></details>"
    )


def code(value: Any) -> str:
    """A value as HTML, as it stands in a parameter file."""
    return f"<code>{html.escape(json.dumps(value, ensure_ascii=False))}</code>"


def made_by(source: str, number: int, record: dict[str, Any]) -> str:
    """How a figure or table was made, folded: the cell's code, and what it was executed with.

    Args:
        source: Code of the cell.
        number: Of the cell among the code cells of the notebook, from 1.
        record: Of the chapter, as :func:`altlib.runs.execute.execute_chapter` wrote it.

    Returns:
        HTML.
    """
    facts = [f"Code cell {number}", f"commit {record['commit']}", f"executed {record['started']}"]
    if record["seed"] is not None:
        facts.insert(1, f"seed {record['seed']}")
    said = [f"{', '.join(facts)}{kept_since(record)}.", *data_sentence(record), *in_words(record["steps"], number)]
    paragraphs = "".join(f"<p>{html.escape(text)}</p>" for text in said)
    return (
        f'<details class="made"><summary>How cell {number} made this</summary>\n'
        f"{paragraphs}<pre>{html.escape(source)}</pre></details>"
    )


def kept_since(record: dict[str, Any]) -> str:
    """That a chapter is from before the run was last started, as words behind its time; empty if it is not."""
    planned = record.get("planned", "")
    if planned <= record["started"]:
        return ""
    return f"; kept when the run was started again ({planned}), as nothing that it depends on had changed"


def data_sentence(record: dict[str, Any]) -> list[str]:
    """Which files of other chapters a chapter read, with their fingerprint, as a sentence; none if it read nothing."""
    data = record["data"]
    return [f"Data: {', '.join(data['files'])}, fingerprint {data['digest'][:12]}."] if data["files"] else []


def shows(cell: Any) -> bool:
    """Whether a cell's output holds a figure, a picture or a table."""
    pages = [output.get("data", {}).get("text/html", "") for output in cell.outputs]
    return any(element in page for page in pages for element in ("<figure", "<img", "<table"))


def joined(cells: list[Any]) -> list[Any]:
    """The cells, with folded ones that follow each other and show nothing joined into one."""
    kept: list[Any] = []
    for cell in cells:
        silent = cell.cell_type == "code" and has_tag(cell, FOLDED) and not cell.outputs
        before = kept[-1] if kept else None
        if (
            silent
            and before is not None
            and before.cell_type == "code"
            and has_tag(before, FOLDED)
            and not before.outputs
        ):
            before.source = f"{before.source}\n\n{cell.source}"
        else:
            kept.append(cell)
    return kept


def findings_first(cells: list[Any]) -> list[Any]:
    """The cells, with the findings moved to below the first one, which says what the chapter asks.

    The key figure follows the findings, and stays where it is explained.
    """
    import nbformat

    first = [cell for cell in cells if has_tag(cell, FINDINGS)]
    rest = [cell for cell in cells if not has_tag(cell, FINDINGS)]
    if first:
        for cell in (c for c in rest if has_tag(c, KEY_FIGURE)):
            copy = nbformat.v4.new_code_cell(cell.source, metadata={"tags": [DISPLAYS]}, outputs=cell.outputs[:1])
            first.append(copy)
    return rest[:1] + first + rest[1:]


def with_anchors(cells: list[Any]) -> list[Any]:
    """The cells, with a target of links before each that has a name for it."""
    import nbformat

    placed: list[Any] = []
    for cell in cells:
        for tag in cell.metadata.get("tags", []):
            if tag.startswith(ANCHOR):
                name = html.escape(tag.removeprefix(ANCHOR))
                placed.append(nbformat.v4.new_markdown_cell(f'<span id="{name}"></span>'))
        placed.append(cell)
    return placed


def footer(record: dict[str, Any]) -> str:
    """What a chapter's page says of how it was made, as Markdown."""
    machine = record["hardware"]
    seed = "" if record["seed"] is None else f"Seed {record['seed']}, "
    return (
        f"## How this page was made\n\n{seed}commit `{record['commit']}`, {record['wall_time_s']:.0f} s of "
        f"wall time on {machine['cores']} cores ({machine['processor']}), {record['started']}{kept_since(record)}.\n"
    )


def stage_notebook(source: Path, chapter: Chapter, record: dict[str, Any], target: Path) -> None:
    """Turn an executed notebook into the source of its page.

    What the runner injected, and what the terminal was told, is left out.

    Args:
        source: The executed notebook.
        chapter: Its chapter.
        record: Of the chapter.
        target: The notebook that Jupyter Book reads.
    """
    import nbformat

    notebook = nbformat.read(source, as_version=4)
    cells = [cell for cell in notebook.cells if not has_tag(cell, "injected-parameters")]
    for number, cell in enumerate((c for c in cells if c.cell_type == "code"), start=1):
        cell.outputs = [o for o in cell.outputs if not (o.output_type == "stream" and o.name == "stderr")]
        for output in cell.outputs:
            output.get("data", {}).pop(
                WIDGET, None
            )  # a page has no kernel: what the widget is shown as elsewhere stays
        if has_tag(cell, DISPLAYS) and shows(cell):
            notes = nbformat.v4.new_output("display_data", {"text/html": made_by(cell.source, number, record)})
            cell.outputs.append(notes)
        if has_tag(cell, "parameters"):
            cell.metadata["tags"].append("remove-cell")
    table = parameter_table(chapter, record["parameters"])
    cells = with_anchors(findings_first(joined(answers_folded(cells, source.name))))
    place = next((i for i, cell in enumerate(cells) if has_tag(cell, "parameters")), 1)
    if table:
        cells.insert(place, nbformat.v4.new_markdown_cell(table))
    notebook.cells = [*cells, nbformat.v4.new_markdown_cell(footer(record))]
    notebook.metadata.pop("widgets", None)
    nbformat.write(notebook, target)
