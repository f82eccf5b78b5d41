"""Execute one chapter of a plan."""

from __future__ import annotations

import contextlib
import os
import re
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from altlib.core.errors import RunError
from altlib.core.files import read_json, write_json
from altlib.core.progress import PROGRESS_FILE, WIDTH
from altlib.runs.board import SUFFIX
from altlib.runs.machine import commit_of, hardware, versions
from altlib.runs.parameters import read_chapters

def tell(text: str) -> None:
    """Say something to whoever started the run, if that is still there."""
    with contextlib.suppress(BrokenPipeError):
        print(text, file=sys.stderr, flush=True)


def execute_chapter(plan_file: Path, name: str) -> None:
    """Execute one chapter of a plan by papermill, with progress for a :class:`altlib.runs.board.Board`.

    The notebook appears under its own name when it is complete. After an error it is kept as
    ``<chapter>.failed.ipynb``, ``failure.json`` says what happened, and :class:`RunError` is raised.
    """
    import papermill

    plan = read_json(plan_file)
    root, run_folder = Path(plan["root"]), Path(plan["run_folder"])
    chapter = next(c for c in read_chapters(root / "book") if c.name == name)
    stem = chapter.notebook.stem
    values = read_json(run_folder / "parameters.json")[name]
    notebooks, logs = run_folder / "notebooks", run_folder / "logs"
    for folder in (notebooks, logs):
        folder.mkdir(exist_ok=True)
    running, failed = notebooks / f"{stem}.running.ipynb", notebooks / f"{stem}.failed.ipynb"
    progress_file = logs / f"{stem}{SUFFIX}"
    os.environ[PROGRESS_FILE] = f"{progress_file}.0"  # for the kernel's bars, below the one of its cells
    os.environ.setdefault("PYTHONHASHSEED", "0")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    started, began = datetime.now(UTC), time.monotonic()
    tell(f"{stem}: started")
    try:
        with progress_file.open("w", encoding="utf-8") as cells:
            papermill.execute_notebook(
                chapter.notebook,
                running,
                parameters=values | {"run_folder": str(run_folder)},
                cwd=str(root),
                progress_bar={"desc": stem, "unit": " cells", "file": cells, "ncols": WIDTH, "mininterval": 1.0},
                kernel_name="python3",
                request_save_on_cell_execute=True,
                kernel_manager_class="altlib.runs.processes.kernels.WarmKernelManager",
            )
    except Exception as error:
        if running.is_file():
            running.replace(failed)
        message = chapter_error(stem, error, failed)
        with contextlib.suppress(OSError):  # the disk may be full
            write_json(run_folder / "failure.json", {"chapter": stem, "message": message})
        raise RunError(message) from error
    finally:
        for path in logs.glob(f"{progress_file.name}*"):
            path.unlink()
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
    }
    for artifact in chapter.writes:
        if not (run_folder / artifact).is_file():
            raise RunError(f"{stem} declares that it writes {artifact} but did not")
        os.utime(run_folder / artifact)
    write_json(run_folder / "records" / f"{stem}.json", record)
    running.replace(notebooks / f"{stem}.ipynb")
    os.utime(notebooks / f"{stem}.ipynb")
    tell(f"{stem}: done in {record['wall_time_s']:.0f} s")


def chapter_error(stem: str, error: Exception, failed: Path) -> str:
    """Chapter, cell and cause of a failed execution, and how to go on."""
    from nbclient.exceptions import DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    kept = f"The notebook as far as it got: {failed}. What was finished is kept; run the same command again to go on."
    match error:
        case PapermillExecutionError():
            cause = re.sub(r"\x1b\[[0-9;]*m", "", f"{error.ename}: {error.evalue}")
            line = next((s for s in error.source.splitlines() if s.strip()), "")
            return f"{stem}, cell {error.exec_count} ({line.strip()[:80]}): {cause}\n{kept}"
        case DeadKernelError():
            return f"{stem}: its kernel died, most likely killed or out of memory. {kept}"
    return f"{stem}: {type(error).__name__}: {error}\n{kept}"
