"""What each chapter of a run depends on, and in which order chapters start."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from altlib.core.code_imports import PACKAGE, data_files, imported_modules, module_files, with_imports
from altlib.core.files import write_json, write_text
from altlib.runs.machine import accelerators, commit_of, hardware, versions
from altlib.runs.parameters import Chapter, Resolved
from altlib.runs.requirements import names_only_small_models


def code_of(chapter: Chapter) -> str:
    """The Python of a chapter's cells."""
    cells = json.loads(chapter.notebook.read_text(encoding="utf-8"))["cells"]
    code = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "code")
    return "\n".join(line for line in code.splitlines() if not line.lstrip().startswith(("%", "!")))


def dependencies(chapter: Chapter, package: Path) -> list[Path]:
    """The library files that a chapter's code imports, directly or not, and the data files beside them.

    Args:
        chapter: the chapter.
        package: the library's folder.
    """
    known = module_files(package)
    names = imported_modules(code_of(chapter), "", True, known)
    files = [known[name] for name in sorted(with_imports(names, known))]
    return files + sorted({path for file in files for path in data_files(file)})


def digest_files(paths: list[Path]) -> str:
    """One hash of the contents of files."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def notebook_content(path: Path) -> str:
    """A notebook's cells and declarations without outputs, counts and ids."""
    content = json.loads(path.read_text(encoding="utf-8"))
    cells = [[c["cell_type"], "".join(c["source"]), c.get("metadata", {}).get("tags", [])] for c in content["cells"]]
    return json.dumps([cells, content["metadata"].get("altlib", {})])


def write_if_changed(path: Path, value: Any) -> None:
    """Write JSON only if it differs from what is there, so that the file's time means a change."""
    text = json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True) + "\n"
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        write_text(path, text)


def shares_cores(chapter: Chapter, values: dict[str, Any]) -> bool:
    """Whether a chapter runs with half of the cores, beside another: small models alone, and no accelerator.

    Their steps are too little work for several cores, so two such chapters side by side take
    less time than one after the other.
    """
    on_processor = values.get("device", "auto") in ("auto", "cpu") and not accelerators()
    return on_processor and names_only_small_models(chapter, values)


def chapters_that_wait_for(chapter: Chapter, chapters: list[Chapter]) -> set[str]:
    """The chapters that cannot start before ``chapter`` is done, by what they read and write."""
    found: set[str] = set()
    written = set(chapter.writes)
    while later := {c.name for c in chapters if c.name not in found and written & set(c.reads)}:
        found |= later
        written |= {path for c in chapters if c.name in later for path in c.writes}
    return found


def priority(chapter: Chapter, chapters: list[Chapter]) -> int:
    """Which chapter starts first, the higher the earlier: what most others wait for, then what is long, then as in the book."""
    waiting = len(chapters_that_wait_for(chapter, chapters))
    return len(chapters) * (2 * (1 + waiting) + chapter.long) - chapters.index(chapter)


def page_files(root: Path) -> list[Path]:
    """The files beside the notebooks that the rendered pages depend on.

    All of the library is among them, as the reference shows its docstrings and source.
    """
    kinds = (".md", ".toml", ".yml", ".bib", ".css", ".png", ".svg")
    folders = [root / "book", root / "book" / "_static"]
    pages = sorted(p for folder in folders if folder.is_dir() for p in folder.iterdir() if p.suffix in kinds)
    cards = sorted((PACKAGE / "checkpoints").rglob("*.md"))
    templates = sorted((PACKAGE / "runs").glob("*.jinja"))
    return [*pages, root / "_config.yml", *cards, *templates, *sorted(module_files(PACKAGE).values())]


def plan_chapter(chapter: Chapter, chapters: list[Chapter], values: dict[str, Any], run_folder: Path) -> dict[str, Any]:
    """A chapter as the Snakefile reads it; writes its fingerprint, which Snakemake compares by time."""
    fingerprint = {
        "parameters": values,
        "notebook": notebook_content(chapter.notebook),
        "library": digest_files(dependencies(chapter, PACKAGE)),
    }
    write_if_changed(run_folder / "plan" / f"{chapter.name}.json", fingerprint)
    stem = chapter.notebook.stem
    return {
        "name": chapter.name,
        "inputs": [f"plan/{chapter.name}.json", *chapter.reads],
        "outputs": [f"notebooks/{stem}.ipynb", f"records/{stem}.json", *chapter.writes],
        "shares_cores": shares_cores(chapter, values),
        "priority": priority(chapter, chapters),
    }


def plan_run(root: Path, resolved: Resolved, chapters: list[Chapter], run_folder: Path) -> Path:
    """Write a run's parameters, its record and its plan.

    Files are written only where they change, so that their times mean a change.

    Args:
        root: the project's folder.
        resolved: the run's parameters.
        chapters: all chapters of the book.
        run_folder: the folder of the run.

    Returns:
        The path of the plan, which the Snakefile reads.
    """
    write_if_changed(run_folder / "plan" / "pages.json", digest_files(page_files(root)))
    write_if_changed(run_folder / "parameters.json", resolved.chapters)
    plan = {
        "root": str(root),
        "run": resolved.run,
        "run_folder": str(run_folder),
        "chapters": [plan_chapter(c, chapters, resolved.chapters[c.name], run_folder) for c in chapters],
        "pages": ["plan/pages.json", *(f"notebooks/{c.notebook.stem}.ipynb" for c in chapters)],
    }
    path = run_folder / "plan" / "plan.json"
    write_if_changed(path, plan)
    record = {
        "run": resolved.run,
        "commit": commit_of(root),
        "versions": versions(),
        "hardware": hardware(),
        "planned": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    write_json(run_folder / "run.json", record)
    return path
