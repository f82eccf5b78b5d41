"""Bring the book of a parameter file up to date: check, plan, have Snakemake run what is stale."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from altlib.core.errors import RunError
from altlib.core.files import only_one, read_json
from altlib.runs.board import Board
from altlib.runs.parameters import Resolved, apply_settings, read_chapters, read_yaml, resolve
from altlib.runs.plan import plan_run, stale
from altlib.runs.processes.warm import ADDRESS, serving
from altlib.runs.requirements import missing

ELSEWHERE = ("--profile", "--executor", "-e")  # Snakemake's options to run chapters on other machines


WHERE_TO_RUN = ("--cores", "-c", "--jobs", "-j", *ELSEWHERE)


def project_root(start: Path | None = None) -> Path:
    """The folder that holds ``book/`` and ``_config.yml``: above ``start``, or where the package lies.

    Raises :class:`RunError` if there is none.
    """
    places = [start.resolve()] if start else []
    places += [Path.cwd().resolve(), Path(__file__).resolve().parent]
    for place in places:
        for folder in (place, *place.parents):
            if (folder / "_config.yml").is_file() and (folder / "book").is_dir():
                return folder
    raise RunError("found no project here: run inside a checkout (a folder with book/ and _config.yml)")


@contextlib.contextmanager
def only_run(run_folder: Path) -> Iterator[None]:
    """Hold the run folder's lock. Raises :class:`RunError` if another process has it."""
    with contextlib.ExitStack() as held:
        try:
            held.enter_context(only_one(run_folder / "lock", wait=False))
        except BlockingIOError:
            raise RunError(
                f"another process is running {run_folder.name}; wait for it or choose another name with --set run=NAME"
            ) from None
        yield


def resolve_file(parameter_file: Path, settings: list[str]) -> tuple[Path, Resolved]:
    """The folder of a parameter file's run, and its parameters. Raises as :func:`run_book` before anything runs."""
    root = project_root(parameter_file.parent if parameter_file.exists() else None)
    chapters = read_chapters(root / "book")
    resolved = resolve(apply_settings(read_yaml(parameter_file), settings), chapters, parameter_file.stem)
    return root / "runs" / resolved.run, resolved


def run_book(parameter_file: Path, settings: list[str], snakemake: list[str], root: Path | None = None) -> Path:
    """Bring the book of a parameter file up to date; returns its first page.

    ``settings`` are ``section.name=value``; ``snakemake`` further arguments for Snakemake, such
    as an executor profile. Raises :class:`altlib.core.errors.ParameterError` before anything
    runs, :class:`RunError` when a chapter fails.
    """
    root = root or project_root(parameter_file.parent if parameter_file.exists() else None)
    os.chdir(root)  # relative paths in parameters are relative to the project, here and in the chapters
    chapters = read_chapters(root / "book")
    resolved = resolve(apply_settings(read_yaml(parameter_file), settings), chapters, parameter_file.stem)
    if lacking := missing(resolved.chapters):
        raise RunError(
            f"this run cannot start; {len(lacking)} thing{'s are' if len(lacking) > 1 else ' is'} missing:\n- "
            + "\n- ".join(lacking)
        )
    run_folder = root / "runs" / resolved.run
    run_folder.mkdir(parents=True, exist_ok=True)
    index = run_folder / "html" / "index.html"
    with only_run(run_folder):
        plan = plan_run(root, resolved, chapters, run_folder)
        if not stale(read_json(plan), run_folder):
            print(f"Nothing has changed. The book is at {index}")
            return index
        (run_folder / "failure.json").unlink(missing_ok=True)
        started = time.monotonic()
        dry = any(argument in ("-n", "--dry-run", "--dryrun") for argument in snakemake)
        if run_plan(plan, snakemake, dry):
            raise RunError(failure_message(run_folder))
        if dry:
            print("Nothing was run: that is what would be.")
            return index
        where = f"The book is at {index}" if index.is_file() else "The book is not rendered yet"
        print(f"Done in {time.monotonic() - started:.0f} s. {where}")
    return index


def run_plan(plan_file: Path, snakemake: list[str], dry: bool) -> int:
    """Have Snakemake bring a plan up to date, with further arguments for it; its exit status.

    What it prints goes to the run's log, or to the terminal if it is to run nothing (``dry``).
    """
    plan = read_json(plan_file)
    run_folder = Path(plan["run_folder"])
    logs = run_folder / "logs"
    logs.mkdir(exist_ok=True)
    python = [sys.executable, "-m"]
    command = [
        "snakemake",
        "--snakefile",
        str(Path(__file__).resolve().parent / "workflow" / "Snakefile"),
        "--directory",
        str(run_folder),
        "--config",
        f"plan={plan_file}",
        "--rerun-triggers",
        "mtime",
        "--rerun-incomplete",
        "--nolock",
        "--quiet",
        "all",
        *snakemake,
        *([] if any(argument.startswith(WHERE_TO_RUN) for argument in snakemake) else ["--cores", "all"]),
    ]
    here = not dry and not any(argument.startswith(ELSEWHERE) for argument in snakemake)
    warm = here and any(chapter["warm"] for chapter in plan["chapters"]) and stale(plan, run_folder, pages=False)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    with contextlib.ExitStack() as held:
        address = held.enter_context(serving(logs / "warm.log", max(1, cores // 2))) if warm else ""
        environment = {**os.environ, ADDRESS: address}
        if dry:
            return subprocess.run([*python, *command], cwd=plan["root"], env=environment, check=False).returncode
        board = held.enter_context(Board(logs))
        output = held.enter_context((logs / "snakemake.log").open("w"))
        process = held.enter_context(
            subprocess.Popen(
                [*python, "altlib.runs.processes.held", *command],
                cwd=plan["root"],
                env=environment,
                stdin=subprocess.PIPE,  # Snakemake and all chapters end when this process does
                stdout=output,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
            )
        )
        assert process.stdin and process.stderr
        try:
            for line in process.stderr:
                board.say(line.rstrip("\n"))
            return process.wait()
        finally:
            process.stdin.close()
            process.wait()


def failure_message(run_folder: Path) -> str:
    """What went wrong, from the failed step's own words."""
    failure = run_folder / "failure.json"
    if failure.is_file():
        return str(read_json(failure)["message"])
    return (
        f"the run stopped without a word from a chapter (killed, or Snakemake failed): see {run_folder / 'logs'}; "
        "run the same command again to go on"
    )
