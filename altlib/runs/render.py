"""Render the pages of a run."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from altlib.core.code_imports import PACKAGE, imported_modules, module_files
from altlib.core.errors import RunError
from altlib.core.files import read_json, write_json, write_text
from altlib.report.api_reference import listed_in, reference_pages
from altlib.runs.execute import tell
from altlib.runs.launching import (
    COLAB_BRANCH,
    colab_notebook,
    lead_to_colab_branch,
    repository_address,
    with_launch_buttons,
)
from altlib.runs.pages import stage_notebook
from altlib.runs.parameters import Chapter, Parameter, read_chapters
from altlib.runs.plan import code_of
from altlib.runs.teaching import NOTES, teaching_page


def parameters_page(chapters: list[Chapter], values: dict[str, dict]) -> str:
    """The appendix that lists every parameter, as Markdown."""

    def allowed(p: Parameter) -> str:
        return ", ".join(p.choices) or p.range or (p.names.in_words if p.names else "any")

    lines = [
        "# Parameters",
        "",
        "Every parameter of every chapter: its default in the notebook, its value in this run, what it means and "
        "what is allowed. Set them in a file in `params/` or by `altlib book FILE --set section.name=value`.",
        "",
    ]
    for chapter in chapters:
        lines += [
            f"## {chapter.name}",
            "",
            f"```{{table}} Parameters of {chapter.name}",
            "| name | type | default | this run | meaning | allowed |",
            "|---|---|---|---|---|---|",
        ]
        for p in chapter.parameters.values():
            if p.name in values[chapter.name]:
                row = [
                    f"`{p.name}`",
                    p.kind,
                    f"`{json.dumps(p.default)}`",
                    f"`{json.dumps(values[chapter.name][p.name])}`",
                    p.meaning,
                    allowed(p),
                ]
                lines.append("| " + " | ".join(x.replace("|", "\\|") for x in row) + " |")
        lines += ["```", ""]
    return "\n".join(lines)


def write_teaching_page(staging: Path, chapters: list[Chapter], run_folder: Path) -> None:
    """Write the page for teachers, if the book has notes for them; raises as :func:`altlib.runs.teaching.teaching_page`."""
    if not (staging / NOTES).is_file():
        return
    titles = {chapter.notebook.stem: chapter.title for chapter in chapters}
    records = {stem: read_json(run_folder / "records" / f"{stem}.json") for stem in titles}
    page = teaching_page(chapters[0].notebook.parent, titles, records, run_folder.name)
    write_text(staging / "teaching.md", page)


def write_model_cards(staging: Path) -> None:
    """Write a page from the card of each shipped model, without its metadata."""
    for card in sorted((PACKAGE / "checkpoints").glob("*/README.md")):
        text = re.sub(r"\A---\n.*?\n---\n", "", card.read_text(encoding="utf-8"), flags=re.DOTALL)
        write_text(staging / f"model-card-{card.parent.name}.md", text)


def write_reference(staging: Path, chapters: list[Chapter]) -> None:
    """Write the pages of the library reference, if the table of contents has a place for them."""
    contents = yaml.safe_load((staging / "_toc.yml").read_text(encoding="utf-8"))
    if listed_in(contents):
        write_text(staging / "_toc.yml", yaml.safe_dump(contents, sort_keys=False))
        known = module_files(PACKAGE)
        imported = {name for c in chapters for name in imported_modules(code_of(c), "", True, known)}
        for name, text in reference_pages(imported).items():
            write_text(staging / f"{name}.rst", text)


def write_launched(built: Path, chapters: list[Chapter], address: str, folder: Path) -> None:
    """Write the notebooks for Colab into ``folder``, and let the buttons of the built pages open them."""
    for chapter in chapters:
        colab_notebook(chapter.notebook, address, folder / chapter.notebook.name)
        page = built / f"{chapter.notebook.stem}.html"
        write_text(page, lead_to_colab_branch(page.read_text(encoding="utf-8")))


def build_html(staging: Path, run_folder: Path) -> Path:
    """Let Jupyter Book configure Sphinx, and Sphinx build the pages, on Linux in several processes.

    Args:
        staging: The folder with the sources of all pages, ``_toc.yml`` and ``_config.yml``.
        run_folder: Where the log goes.

    Returns:
        The folder of the built pages.

    Raises:
        RunError: Jupyter Book or Sphinx failed; the message has the end of its log.
    """
    built = staging / "_build" / "html"
    configure = [str(Path(sys.executable).parent / "jupyter-book"), "config", "sphinx", str(staging)]
    configure += ["--config", str(staging / "_config.yml"), "--toc", str(staging / "_toc.yml")]
    jobs = "auto" if sys.platform == "linux" else "1"  # macOS may stop a forked process that has loaded torch
    build = [sys.executable, "-m", "sphinx", "--builder", "html", "--jobs", jobs, "--quiet", "--show-traceback"]
    build += ["--doctree-dir", str(staging / "_build" / ".doctrees"), str(staging), str(built)]
    log = ""
    for command in (configure, build):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        log += done.stdout + done.stderr
        if done.returncode:
            break
    (run_folder / "logs").mkdir(exist_ok=True)
    write_text(run_folder / "logs" / "jupyter-book.log", log)
    if done.returncode or not (built / "index.html").is_file():
        message = f"rendering failed; the end of {run_folder / 'logs' / 'jupyter-book.log'}:\n{log[-1500:]}"
        write_json(run_folder / "failure.json", {"chapter": "render", "message": message})
        raise RunError(message)
    return built


def render_book(plan_file: Path) -> None:
    """Build the HTML of a run from its executed notebooks; it replaces the old one when complete.

    Args:
        plan_file: what :func:`altlib.runs.plan.plan_run` wrote.

    Raises:
        RunError: Jupyter Book or Sphinx failed; the message has the end of its log.
    """
    plan = read_json(plan_file)
    root, run_folder = Path(plan["root"]), Path(plan["run_folder"])
    staging = run_folder / "staging"
    shutil.rmtree(staging, ignore_errors=True)
    shutil.copytree(root / "book", staging, ignore=shutil.ignore_patterns("*.ipynb", ".ipynb_checkpoints", "_build"))
    chapters = read_chapters(root / "book")
    planned = read_json(run_folder / "run.json")["planned"]
    for chapter in chapters:
        stem = chapter.notebook.stem
        stage_notebook(
            run_folder / "notebooks" / f"{stem}.ipynb",
            chapter,
            read_json(run_folder / "records" / f"{stem}.json") | {"planned": planned},
            staging / f"{stem}.ipynb",
        )
    write_text(staging / "parameters.md", parameters_page(chapters, read_json(run_folder / "parameters.json")))
    write_teaching_page(staging, chapters, run_folder)
    write_model_cards(staging)
    write_reference(staging, chapters)
    config = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    address = repository_address(config)
    write_text(staging / "_config.yml", yaml.safe_dump(with_launch_buttons(config, address), sort_keys=False))
    tell("rendering the book")
    built = build_html(staging, run_folder)
    if address:
        write_launched(built, chapters, address, run_folder / COLAB_BRANCH)
    html = run_folder / "html"
    old = run_folder / "html.old"
    shutil.rmtree(old, ignore_errors=True)
    if html.exists():
        html.rename(old)
    built.rename(html)
    os.utime(html / "index.html")
    shutil.rmtree(old, ignore_errors=True)
    shutil.rmtree(staging, ignore_errors=True)
