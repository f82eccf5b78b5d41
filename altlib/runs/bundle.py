"""An archive of the book that installs without any network: wheels, notebooks, starter notebooks and a finished run."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from altlib.core.errors import RunError
from altlib.core.files import whole_file
from altlib.runs import install_bundle
from altlib.runs.parameters import read_chapters
from altlib.runs.starters import check_finished, write_starter_notebooks

NOT_BUILT = {"runs", "data", "build", "starters"}  # folders of a project that hold nothing of the package
FOLDER = "altlib-bundle"  # all files of the archive lie in it
LEFT_OUT = {".snakemake", "logs", "staging", ".ipynb_checkpoints", "_build", "__pycache__", "html.old"}
README = """\
Alt text for social media: the book, its library, its notebooks and a finished run, for a workshop without a network.

  python3 install.py

installs everything into .venv in this folder and says how to open the notebooks. It needs Python {python} on
{system}, and no network. Unpack the archive with a program that keeps folders; about {gigabytes:.1f} GB are needed
beside the archive, and about twice as much for what is installed.

  starters/     the chapters without the answers to their exercises; each starts alone
  book/         the chapters
  {run}/        the finished run that they read; open html/index.html for the pages
  wheels/       the packages
"""


def not_built(project: Path) -> Callable[[str, list[str]], set[str]]:
    """What :func:`shutil.copytree` leaves out of a copy of a project that is made into a wheel."""

    def left_out(folder: str, names: list[str]) -> set[str]:
        hidden = {name for name in names if name.startswith(".") or name == "__pycache__" or name.endswith(".egg-info")}
        return hidden | (NOT_BUILT & set(names) if Path(folder) == project else set())

    return left_out


def collect_wheels(project: Path, wheels: Path, indices: Sequence[str] = (), found_in: Sequence[Path] = ()) -> None:
    """Collect the wheels of a project and of all that it needs, for this Python and this system.

    Args:
        project: The folder of the project, with its constraints.
        wheels: Where they are put; what is there already is not fetched again.
        indices: Addresses of further indices of packages.
        found_in: Folders with wheels. If there are some, no index is asked.

    Raises:
        RunError: pip failed; the message has the end of what it said.
    """
    wheels.mkdir(parents=True, exist_ok=True)
    for earlier in wheels.glob("altlib-*.whl"):
        earlier.unlink()  # the project may have changed under the same version
    command = [sys.executable, "-m", "pip", "wheel", "--disable-pip-version-check", "--wheel-dir", str(wheels)]
    constraints = project / "constraints.txt"
    command += ["--constraint", str(constraints)] if constraints.is_file() else []
    command += ["--find-links", str(wheels)]
    command += [option for index in indices for option in ("--extra-index-url", index)]
    command += [option for folder in found_in for option in ("--find-links", str(folder))]
    command += ["--no-index", "--no-build-isolation"] if found_in else []
    with tempfile.TemporaryDirectory() as folder:  # a build leaves files behind, and finds those of earlier ones
        copy = Path(shutil.copytree(project, Path(folder) / "project", ignore=not_built(project)))
        done = subprocess.run([*command, str(copy)], capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stdout + done.stderr).strip()[-1200:]
        raise RunError(
            f"pip could not collect the wheels:\n{said}\nIf no index of packages can be reached, give a folder that has "
            "the wheels with --wheels FOLDER; if the disk is full, free some space and run the same command again"
        )


def files_in(folder: Path) -> Iterator[Path]:
    """The files below a folder that belong into an archive, in order."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not LEFT_OUT & set(path.relative_to(folder).parts) and path.suffix != ".lock":
            yield path


def archive(target: Path, contents: dict[str, Path], texts: dict[str, str]) -> None:
    """Write a zip file, whole or not at all.

    Args:
        target: The file.
        contents: Name in the archive -> file.
        texts: Name in the archive -> text.

    Raises:
        DiskFullError: The disk is full.
    """
    with whole_file(target) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as out:
        for name, text in texts.items():
            out.writestr(f"{FOLDER}/{name}", text)
        for name, path in contents.items():
            packed = path.suffix in (".whl", ".png", ".safetensors")
            out.write(path, f"{FOLDER}/{name}", zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED)


def write_bundle(
    root: Path, run: Path, target: Path, indices: Sequence[str] = (), found_in: Sequence[Path] = ()
) -> Path:
    """Write the archive.

    Args:
        root: The folder of the project.
        run: The folder of a finished run.
        target: The zip file. Wheels are kept beside it, for the next time.
        indices: As for :func:`collect_wheels`.
        found_in: As for :func:`collect_wheels`.

    Returns:
        ``target``.

    Raises:
        DiskFullError: The disk is full.
        RunError: The run is not finished, or pip failed.
    """
    check_finished(run, read_chapters(root / "book"))
    wheels = target.parent / "wheels"
    collect_wheels(root, wheels, indices, found_in)
    in_run = f"runs/{run.name}"
    contents = {f"wheels/{path.name}": path for path in sorted(wheels.glob("*.whl"))}
    contents["_config.yml"] = root / "_config.yml"
    for name in ("book", "params"):
        contents |= {str(path.relative_to(root)): path for path in files_in(root / name)}
    of_run = {f"{in_run}/{path.relative_to(run)}": path for path in files_in(run)}
    here = install_bundle.this_machine()
    project = next(path for name, path in contents.items() if name.startswith("wheels/altlib-"))
    made_for = here | {"requirement": f"altlib=={project.name.split('-')[1]}", "run": in_run}
    size = sum(path.stat().st_size for path in [*contents.values(), *of_run.values()]) / 1e9
    texts = {
        "README.txt": README.format(**here, gigabytes=size, run=in_run),
        "install.py": Path(install_bundle.__file__).read_text(encoding="utf-8"),
        install_bundle.MADE_FOR: json.dumps(made_for, indent=2),
        install_bundle.TIMES: json.dumps({name: path.stat().st_mtime_ns for name, path in of_run.items()}),
    }
    with tempfile.TemporaryDirectory() as folder:
        starters = write_starter_notebooks(root, run, Path(folder), run_folder=in_run)
        contents |= {f"starters/{path.name}": path for path in starters}
        archive(target, contents | of_run, texts)
    return target
