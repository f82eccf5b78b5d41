"""Starter notebooks: the chapters of a finished run without the answers to their exercises."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from altlib.core.errors import RunError
from altlib.core.files import read_json, whole_file
from altlib.runs.exercises import starter_notebook
from altlib.runs.parameters import Chapter, nearest, read_chapters


def chosen_chapters(chapters: Sequence[Chapter], names: Sequence[str]) -> list[Chapter]:
    """The chapters that are named by number, file or name; all of them without any names.

    Raises:
        RunError: There is no such chapter; the message names the nearest one.
    """
    known = {key: c for c in chapters for key in (c.notebook.stem.split("-")[0], c.notebook.stem, c.name)}
    for name in names:
        if name not in known:
            raise RunError(f"there is no chapter {name!r}{nearest(name, known)}; such as 03, or {chapters[0].name}")
    wanted = {known[name].name for name in names}
    return [chapter for chapter in chapters if not names or chapter.name in wanted]


def check_finished(run: Path, chapters: Sequence[Chapter]) -> None:
    """Check that a run has been finished, so that chapters start from it.

    Raises:
        RunError: It is not there, or a chapter of it has not been executed.
    """
    if not (run / "parameters.json").is_file():
        raise RunError(
            f"there is no finished run in {run}: make one first (altlib book params/workshop.yaml), or name another "
            "one with --run FOLDER"
        )
    lacking = [c.notebook.stem for c in chapters if not (run / "records" / f"{c.notebook.stem}.json").is_file()]
    if lacking:
        raise RunError(
            f"the run in {run} is not finished: {', '.join(lacking)} {'has' if len(lacking) == 1 else 'have'} not been "
            "executed; run `altlib book` with its parameter file to go on"
        )


def run_as_seen_from(root: Path, run: Path) -> str:
    """The folder of a run as a parameter names it: relative to the project where it lies inside."""
    run = run.resolve()
    return str(run.relative_to(root)) if run.is_relative_to(root) else str(run)


def write_starter_notebooks(
    root: Path, run: Path, folder: Path, names: Sequence[str] = (), run_folder: str = ""
) -> list[Path]:
    """Write chapters without their answers and with the parameters of a finished run.

    Args:
        root: The project's folder.
        run: The folder of the run.
        folder: Where the notebooks are written.
        names: Of the chapters, as for :func:`chosen_chapters`.
        run_folder: Where the notebooks find the run; by default where it is.

    Returns:
        The notebooks.

    Raises:
        RunError: There is no such chapter or no finished run, or a notebook is there already.
    """
    import nbformat

    chapters = read_chapters(root / "book")
    chosen = chosen_chapters(chapters, names)
    check_finished(run, chapters)
    targets = [folder / chapter.notebook.name for chapter in chosen]
    if there := [str(target) for target in targets if target.exists()]:
        raise RunError(
            f"{', '.join(there)} would be overwritten, and somebody's answers may be in it: move it away, or choose "
            "another folder with --output"
        )
    values = read_json(run / "parameters.json")
    for chapter, target in zip(chosen, targets, strict=True):
        given = values.get(chapter.name, {}) | {"run_folder": run_folder or run_as_seen_from(root.resolve(), run)}
        notebook = starter_notebook(chapter.notebook, {k: v for k, v in given.items() if k in chapter.parameters})
        with whole_file(target) as part:
            nbformat.write(notebook, part)
    return targets
