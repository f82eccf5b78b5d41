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
from altlib.data.forgotten import check_forgetting_finished
from altlib.runs.board import board
from altlib.runs.parameters import Chapter, Resolved, apply_settings, read_chapters, read_yaml, resolve
from altlib.runs.plan import plan_run
from altlib.runs.positions import check_positions
from altlib.runs.project import project_root
from altlib.runs.requirements import unmet_requirements

DRY = ("-n", "--dry-run", "--dryrun")  # Snakemake's options to run nothing
WHERE_TO_RUN = ("--cores", "-c", "--jobs", "-j", "--profile", "--executor", "-e")  # its options that replace ours
SNAKEFILE = Path(__file__).resolve().parent / "workflow" / "Snakefile"


@contextlib.contextmanager
def only_run(run_folder: Path) -> Iterator[None]:
    """Hold the lock of a run's folder.

    Raises:
        RunError: another process has it.
    """
    with contextlib.ExitStack() as held:
        try:
            held.enter_context(only_one(run_folder / "lock", wait=False))
        except BlockingIOError:
            raise RunError(
                f"another process is running {run_folder.name}; wait for it or choose another name with --set run=NAME"
            ) from None
        yield


def read_parameters(root: Path, parameter_file: Path, settings: list[str]) -> tuple[list[Chapter], Resolved]:
    """The chapters of a project, and their parameters as a parameter file and settings give them.

    Raises:
        ParameterError: a parameter is unknown, of the wrong type or impossible.
    """
    chapters = read_chapters(root / "book")
    content = apply_settings(read_yaml(parameter_file), settings)
    resolved = resolve(content, chapters, parameter_file.stem)
    check_positions(resolved.chapters)
    return chapters, resolved


def root_of(parameter_file: Path) -> Path:
    """The project that a parameter file belongs to; raises as :func:`altlib.runs.project.project_root`."""
    return project_root(parameter_file.parent if parameter_file.exists() else None)


def resolve_file(parameter_file: Path, settings: list[str]) -> tuple[Path, Resolved]:
    """The folder of a parameter file's run, and its parameters; raises as :func:`read_parameters`."""
    root = root_of(parameter_file)
    _, resolved = read_parameters(root, parameter_file, settings)
    return root / "runs" / resolved.run, resolved


def run_book(parameter_file: Path, settings: list[str], snakemake: list[str], root: Path | None = None) -> Path:
    """Bring the book of a parameter file up to date.

    Args:
        parameter_file: the YAML file.
        settings: each ``section.name=value``; they override the file.
        snakemake: further arguments for Snakemake, such as an executor profile.
        root: the project's folder; by default the one that the file belongs to.

    Returns:
        The book's first page.

    Raises:
        CorpusError: posts were to be forgotten, and that was stopped before its end.
        ParameterError: a parameter is wrong; nothing has run.
        RunError: something that the run needs is missing, another process is running it, or a
            chapter failed.
    """
    root = root or root_of(parameter_file)
    os.chdir(root)  # relative paths in parameters are relative to the project, here and in the chapters
    chapters, resolved = read_parameters(root, parameter_file, settings)
    if unmet := unmet_requirements(chapters, resolved.chapters):
        raise RunError(
            f"this run cannot start; {len(unmet)} thing{'s are' if len(unmet) > 1 else ' is'} missing:\n- "
            + "\n- ".join(unmet)
        )
    run_folder = root / "runs" / resolved.run
    run_folder.mkdir(parents=True, exist_ok=True)
    index = run_folder / "html" / "index.html"
    with only_run(run_folder):
        check_forgetting_finished(run_folder / "corpus")
        plan = plan_run(root, resolved, chapters, run_folder)
        (run_folder / "failure.json").unlink(missing_ok=True)
        if any(argument in DRY for argument in snakemake):
            if subprocess.run(snakemake_command(plan, run_folder, snakemake), cwd=root, check=False).returncode:
                raise RunError("Snakemake's dry run failed; what it printed says why")
            print("Nothing was run: that is what would be.")
            return index
        started, before = time.monotonic(), finished_steps(run_folder)
        if run_snakemake(snakemake_command(plan, run_folder, snakemake), root, run_folder / "logs"):
            raise RunError(failure_message(run_folder))
        if index.is_file() and finished_steps(run_folder) == before:
            print(f"Nothing has changed. The book is at {index}")
            return index
        where = f"The book is at {index}" if index.is_file() else "The book is not rendered yet"
        print(f"Done in {time.monotonic() - started:.0f} s. {where}")
    return index


def finished_steps(run_folder: Path) -> dict[Path, float]:
    """When each chapter of a run was executed and its pages were rendered, by the file that says so."""
    files = [*run_folder.glob("records/*.json"), *run_folder.glob("html/index.html")]
    return {path: path.stat().st_mtime for path in files}


def snakemake_command(plan_file: Path, run_folder: Path, snakemake: list[str]) -> list[str]:
    """The command that has Snakemake bring a plan up to date, with further arguments for it."""
    command = [sys.executable, "-m", "snakemake"]
    command += ["--snakefile", str(SNAKEFILE), "--directory", str(run_folder), "--config", f"plan={plan_file}"]
    command += ["--rerun-triggers", "mtime", "--quiet", "all", "--rerun-incomplete", "--nolock", *snakemake]
    chosen = any(argument.startswith(WHERE_TO_RUN) for argument in snakemake)
    return command if chosen else [*command, "--cores", "all"]


def run_snakemake(command: list[str], root: Path, logs: Path) -> int:
    """Run Snakemake; shows progress bars meanwhile. On POSIX systems, a process above it ends it with this one.

    Args:
        command: what to run.
        root: the folder to run it in.
        logs: the folder of the run's log, which gets what Snakemake prints.

    Returns:
        The exit status.
    """
    logs.mkdir(exist_ok=True)
    supervise = [sys.executable, "-m", "altlib.runs.supervise"]
    with board(logs) as say, (logs / "snakemake.log").open("w") as output:
        process = subprocess.Popen(
            [*supervise, *command] if os.name == "posix" else command,
            cwd=root,
            env={**os.environ, "PYTHONHASHSEED": "0"},  # whatever it is here; chapters on a cluster set it themselves
            stdin=subprocess.PIPE,  # Snakemake and all chapters end when this process does
            stdout=output,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,  # Ctrl-C in the terminal reaches this process alone
        )
        assert process.stdin and process.stderr
        with process:
            try:
                for line in process.stderr:
                    say(line.rstrip("\n"))
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
