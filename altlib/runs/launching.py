"""Opening a chapter in a service: Binder and Colab, once the repository has an address."""

from __future__ import annotations

import copy
import os
import re
from pathlib import Path
from typing import Any

from altlib.core.errors import RunError

VARIABLE = "ALTLIB_REPOSITORY"  # the environment's address of the repository, which a fork's own workflow sets
COLAB_BRANCH = "colab"  # branch with the notebooks that fetch the project by themselves
SETUP = """# On Colab: fetches the project, installs it, and makes a small finished run. This takes some minutes.
!git clone --quiet --depth 1 {address} /content/project
%cd /content/project
%pip install --quiet --editable .
import sys
sys.path.insert(0, "/content/project")
!{{sys.executable}} -m altlib book params/smoke.yaml --set run=workshop"""


def repository_address(config: dict[str, Any]) -> str:
    """The address of the repository: of the environment if that has one, else of ``_config.yml``; empty if neither has.

    Args:
        config: Of Jupyter Book.

    Raises:
        RunError: It is no address that services can read.
    """
    address = os.environ.get(VARIABLE) or (config.get("repository") or {}).get("url") or ""
    if address and not re.fullmatch(r"https://[\w.-]+/[\w.-]+/[\w.-]+", address):
        raise RunError(
            f"the repository's address is {address!r}, but services open addresses such as https://github.com/OWNER/NAME: "
            f"correct repository.url in _config.yml, or the environment's {VARIABLE}"
        )
    return address


def with_launch_buttons(config: dict[str, Any], address: str) -> dict[str, Any]:
    """The configuration of a build: launch buttons lead to the repository, or there are none without its address.

    Args:
        config: Of Jupyter Book.
        address: Of the repository; may be empty.
    """
    built = copy.deepcopy(config)
    if address:
        built["repository"] = {**(built.get("repository") or {}), "url": address}
        built["html"] = {**(built.get("html") or {}), "use_repository_button": True}
    else:
        built.pop("repository", None)
        built.pop("launch_buttons", None)
    return built


def colab_notebook(source: Path, address: str, target: Path) -> None:
    """Write a notebook that begins by fetching the project and making a finished run.

    Args:
        source: A notebook of the book, without outputs.
        address: Of the repository.
        target: The file to write.
    """
    import nbformat

    notebook = nbformat.read(source, as_version=4)
    setup = nbformat.v4.new_code_cell(SETUP.format(address=address), id="colab-setup")
    notebook.cells.insert(1, setup)
    target.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, target)


def lead_to_colab_branch(page: str) -> str:
    """A page whose Colab button opens the notebook that fetches the project, rather than the one in ``book/``."""
    return re.sub(
        r"(https://colab\.research\.google\.com/github/[^/\"]+/[^/\"]+/blob/)[^\"]*?/book/", rf"\1{COLAB_BRANCH}/", page
    )
