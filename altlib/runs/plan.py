"""What each chapter of a run depends on, and in which order chapters start."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from altlib.core.code_imports import PACKAGE, data_files, imported_modules, module_files, with_imports
from altlib.core.files import write_json, write_text
from altlib.runs.machine import accelerators, commit_of, hardware, versions
from altlib.runs.parameters import Chapter, Resolved
from altlib.runs.requirements import small

def code_of(chapter: Chapter) -> str:
    """The Python of a chapter's cells."""
    cells = json.loads(chapter.notebook.read_text(encoding="utf-8"))["cells"]
    code = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "code")
    return "\n".join(line for line in code.splitlines() if not line.lstrip().startswith(("%", "!")))


def dependencies(chapter: Chapter, package: Path, everywhere: bool = True) -> list[Path]:
    """The library files that a chapter's code imports, directly or not, and the data files beside them; if not ``everywhere``, when it is loaded."""
    known = module_files(package)
    names = imported_modules(code_of(chapter), "", True, known, everywhere)
    files = [known[name] for name in sorted(with_imports(names, known, everywhere))]
    return files + sorted({path for file in files for path in data_files(file)})


def loads_torch(chapter: Chapter, package: Path) -> bool:
    """Whether torch is loaded with a chapter's first lines, not only where some setting asks for it."""
    files = [path for path in dependencies(chapter, package, everywhere=False) if path.suffix == ".py"]
    sources = [path.read_text(encoding="utf-8") for path in files]
    return any(re.search(r"^(?:import|from) torch\b", source, re.MULTILINE) for source in [code_of(chapter), *sources])


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


def shares_cores(values: dict[str, Any]) -> bool:
    """Whether a chapter runs with half of the cores, beside another: small models alone, and no accelerator.

    Their steps are too little work for several cores, so two such chapters side by side take
    less time than one after the other.
    """
    return small(values) and values.get("device", "auto") in ("auto", "cpu") and not accelerators()


def waiting(chapter: Chapter, chapters: list[Chapter]) -> set[str]:
    """The chapters that cannot start before ``chapter`` is done, by what they read and write."""
    found: set[str] = set()
    written = set(chapter.writes)
    while later := {c.name for c in chapters if c.name not in found and written & set(c.reads)}:
        found |= later
        written |= {path for c in chapters if c.name in later for path in c.writes}
    return found


def plan_run(root: Path, resolved: Resolved, chapters: list[Chapter], run_folder: Path) -> Path:
    """Write the run's parameters, records and plan; returns the plan's path."""
    package = PACKAGE
    plan_folder = run_folder / "plan"
    pages = sorted(
        p
        for p in (root / "book").iterdir()
        if p.is_file() and p.suffix in (".md", ".yml", ".bib", ".css", ".png", ".svg")
    )
    write_if_changed(
        plan_folder / "pages.json",
        digest_files(
            [
                *pages,
                root / "_config.yml",
                *sorted((package / "checkpoints").rglob("*.md")),
                package / "runs" / "render.py",
                package / "runs" / "parameters.py",
            ]
        ),
    )
    write_if_changed(run_folder / "parameters.json", resolved.chapters)
    entries: list[dict[str, Any]] = []
    for chapter in chapters:
        fingerprint = plan_folder / f"{chapter.name}.json"
        write_if_changed(
            fingerprint,
            {
                "parameters": resolved.chapters[chapter.name],
                "notebook": notebook_content(chapter.notebook),
                "library": digest_files(dependencies(chapter, package)),
            },
        )
        stem = chapter.notebook.stem
        shares = shares_cores(resolved.chapters[chapter.name])
        entries.append(
            {
                "name": chapter.name,
                "inputs": [f"plan/{chapter.name}.json", *chapter.reads],
                "outputs": [f"notebooks/{stem}.ipynb", f"records/{stem}.json", *chapter.writes],
                "shares_cores": shares,
                "warm": shares and loads_torch(chapter, package),
                "priority": len(chapters) * (1 + len(waiting(chapter, chapters))) - len(entries),
            }
        )
    plan = plan_folder / "plan.json"
    write_if_changed(
        plan,
        {
            "root": str(root),
            "run": resolved.run,
            "run_folder": str(run_folder),
            "chapters": entries,
            "pages": ["plan/pages.json", *(f"notebooks/{c.notebook.stem}.ipynb" for c in chapters)],
        },
    )
    write_json(
        run_folder / "run.json",
        {
            "run": resolved.run,
            "commit": commit_of(root),
            "versions": versions(),
            "hardware": hardware(),
            "planned": datetime.now(UTC).isoformat(timespec="seconds"),
        },
    )
    return plan


def stale(plan: dict, run_folder: Path, pages: bool = True) -> bool:
    """Whether anything, the rendered ``pages`` included, is missing or older than what it depends on."""

    def time_of(name: str) -> float:
        path = run_folder / name
        return path.stat().st_mtime if path.is_file() else float("inf")

    steps = [(c["inputs"], c["outputs"]) for c in plan["chapters"]]
    if pages:
        steps.append((plan["pages"], ["html/index.html"]))
    return any(
        not (run_folder / o).is_file() or max(map(time_of, inputs)) > time_of(o)
        for inputs, outputs in steps
        for o in outputs
    )
