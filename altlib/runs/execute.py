"""Execute one chapter of a plan."""

from __future__ import annotations

import contextlib
import os
import re
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from traitlets.config import Config

from altlib.core import provenance
from altlib.core.errors import RunError
from altlib.core.files import LONGEST_FOLDER, read_json, write_json
from altlib.core.progress import PROGRESS_FILE, WIDTH, BarStream
from altlib.runs.board import BARS
from altlib.runs.machine import commit_of, hardware, versions
from altlib.runs.parameters import Chapter, read_chapters
from altlib.runs.plan import digest_files
from altlib.runs.steps import steps_by_cell

NOTES = ".provenance.jsonl"  # what the names of files with notes on steps end with


def tell(text: str) -> None:
    """Say something to whoever started the run, if that is still there."""
    with contextlib.suppress(BrokenPipeError):
        print(text, file=sys.stderr, flush=True)


def execute_chapter(plan_file: Path, name: str) -> None:
    """Execute one chapter of a plan by papermill.

    The notebook appears under its own name when it is complete. After an error it is kept as
    ``<chapter>.failed.ipynb``, and ``failure.json`` in the run's folder says what happened.

    Args:
        plan_file: what :func:`altlib.runs.plan.plan_run` wrote.
        name: the chapter's name.

    Raises:
        RunError: a cell failed, the kernel died, or an artifact that the chapter declares is missing.
    """
    plan = read_json(plan_file)
    root, run_folder = Path(plan["root"]), Path(plan["run_folder"])
    chapter = next(c for c in read_chapters(root / "book") if c.name == name)
    stem = chapter.notebook.stem
    values = read_json(run_folder / "parameters.json")[name]
    notebooks = run_folder / "notebooks"
    notebooks.mkdir(exist_ok=True)
    running, failed = notebooks / f"{stem}.running.ipynb", notebooks / f"{stem}.failed.ipynb"
    data = digest_files([run_folder / path for path in chapter.reads if (run_folder / path).is_file()])
    started, began = datetime.now(UTC), time.monotonic()
    tell(f"{stem}: started")
    try:
        execute_notebook(chapter.notebook, running, values | {"run_folder": str(run_folder)}, root, run_folder / "logs")
    except Exception as error:
        kept = failed
        try:
            running.replace(failed)
        except OSError:  # it is not there, or nothing can be written to the folder
            kept = running
        message = chapter_error(stem, error, kept)
        with contextlib.suppress(OSError):  # the disk may be full
            write_json(run_folder / "failure.json", {"chapter": stem, "message": message})
        raise RunError(message) from error
    failed.unlink(missing_ok=True)
    record = {
        "chapter": stem,
        "title": chapter.title,
        "parameters": values,
        "seed": values.get("seed"),
        "started": started.isoformat(timespec="seconds"),
        "wall_time_s": round(time.monotonic() - began, 1),
        "commit": commit_of(root),
        "versions": versions(),
        "hardware": hardware(),
        "data": {"files": list(chapter.reads), "digest": data},
        "steps": steps_of(running, run_folder / "logs" / f"{stem}{NOTES}"),
    }
    finish(chapter, record, running, run_folder)
    tell(f"{stem}: done in {record['wall_time_s']:.0f} s")


def execute_notebook(source: Path, target: Path, values: dict[str, Any], folder: Path, logs: Path) -> None:
    """Execute a notebook with a kernel in ``folder`` and save it after each cell; its progress bars are files in ``logs``."""
    import papermill

    logs.mkdir(exist_ok=True)
    bars = logs / f"{source.stem}{BARS}"
    os.environ[PROGRESS_FILE] = str(bars)  # for the kernel's bars
    notes = logs / f"{source.stem}{NOTES}"
    notes.unlink(missing_ok=True)
    os.environ[provenance.FILE] = str(notes)  # for its notes
    os.environ.setdefault("PYTHONHASHSEED", "0")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    cells = {"desc": source.stem, "unit": " cells", "file": BarStream(bars), "ncols": WIDTH, "mininterval": 1.0}
    try:
        papermill.execute_notebook(
            source,
            target,
            parameters=values,
            cwd=str(folder),
            progress_bar=cells,
            kernel_name="python3",
            request_save_on_cell_execute=True,
            config=kernel_channels(),
            shutdown_kernel="immediate",  # everything that its cells made is in files already
        )
    finally:
        for path in logs.glob(f"{bars.name}*"):
            path.unlink()


def kernel_channels() -> Config:
    """How a kernel is spoken to: through files with names that no other kernel has, or ports where files cannot be.

    Other users cannot open such files, and several kernels that start at once cannot get the same ones, as
    happens with the ports of a network.
    """
    folder = tempfile.gettempdir()
    if os.name != "posix" or len(os.fsencode(folder)) > LONGEST_FOLDER:
        return Config()
    return Config(KernelManager={"transport": "ipc", "ip": str(Path(folder) / f"k{uuid4().hex[:12]}")})


def steps_of(notebook: Path, notes: Path) -> list[dict[str, Any]]:
    """The kept steps of an executed notebook by cell (:func:`altlib.runs.steps.steps_by_cell`); the notes are removed."""
    import nbformat

    steps = steps_by_cell(provenance.read_notes(notes), nbformat.read(notebook, as_version=4).cells)
    notes.unlink(missing_ok=True)
    return steps


def finish(chapter: Chapter, record: dict[str, Any], running: Path, run_folder: Path) -> None:
    """Write a chapter's record and give its notebook its name, now that all it declares is there.

    Raises:
        RunError: an artifact that the chapter declares is missing.
    """
    for artifact in chapter.writes:
        if not (run_folder / artifact).is_file():
            raise RunError(f"{record['chapter']} declares that it writes {artifact} but did not")
        os.utime(run_folder / artifact)  # newer than the chapter's inputs, though it may not have changed
    write_json(run_folder / "records" / f"{record['chapter']}.json", record)
    notebook = running.with_name(f"{record['chapter']}.ipynb")
    running.replace(notebook)
    os.utime(notebook)


def chapter_error(stem: str, error: Exception, notebook: Path) -> str:
    """Chapter, cell and cause of a failed execution, and how to go on."""
    from nbclient.exceptions import DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    kept = f"The notebook as far as it got: {notebook}. " if notebook.is_file() else ""
    kept += "What was finished is kept; run the same command again to go on."
    match error:
        case PapermillExecutionError():
            cause = re.sub(r"\x1b\[[0-9;]*m", "", f"{error.ename}: {error.evalue}")
            line = next((s for s in error.source.splitlines() if s.strip()), "")
            return f"{stem}, cell {error.exec_count} ({line.strip()[:80]}): {cause}\n{kept}"
        case DeadKernelError():
            return f"{stem}: its kernel died, most likely killed or out of memory. {kept}"
    return f"{stem}: {type(error).__name__}: {error}\n{kept}"
