"""Where the project lies: the checkout with the notebooks, and its runs."""

from __future__ import annotations

import os
from pathlib import Path

from altlib.core.errors import RunError


def project_root(start: Path | None = None) -> Path:
    """The folder that holds ``book/`` and ``_config.yml``.

    It is looked for above ``start``, above the current folder, and above the installed package.

    Raises:
        RunError: there is none, as where the package is installed without a checkout.
    """
    places = [start.resolve()] if start else []
    places += [Path.cwd().resolve(), Path(__file__).resolve().parent]
    for place in places:
        for folder in (place, *place.parents):
            if (folder / "_config.yml").is_file() and (folder / "book").is_dir():
                return folder
    raise RunError(
        "found no project here: this needs a checkout of the project (a folder with book/ and _config.yml), so run it "
        "inside one. Without a checkout, `altlib caption` and `altlib score` work with --run FOLDER, the folder of a run"
    )


def default_run() -> Path:
    """The folder of the default book's run, ``runs/workshop``; raises as :func:`project_root`."""
    return project_root() / "runs" / "workshop"


def enter_project() -> None:
    """Make the project's folder the current one, as ``altlib book`` does before it executes a chapter.

    JupyterLab starts a notebook in the notebook's own folder, where relative paths in parameters
    would mean something else; raises as :func:`project_root`.
    """
    os.chdir(project_root())
