"""Install a bundle of the book without any network; it goes into the bundle as ``install.py`` and needs Python alone."""

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

MADE_FOR = "bundle.json"  # for which Python and system, and what to install
TIMES = "times.json"  # when each file of the run was changed, which archives keep only roughly


def this_machine() -> dict[str, str]:
    """The Python and the system for which wheels must be made."""
    return {"python": f"{sys.version_info.major}.{sys.version_info.minor}", "system": sysconfig.get_platform()}


def check_machine(made_for: dict[str, str]) -> None:
    """Check that the bundle's wheels are for this Python and this system.

    Args:
        made_for: What the bundle says.

    Raises:
        SystemExit: They are for others; the message says what to do.
    """
    here = this_machine()
    if here["python"] != made_for["python"]:
        sys.exit(
            f"This bundle is for Python {made_for['python']}, and this is Python {here['python']}: "
            f"run it with python{made_for['python']}, or ask for a bundle that was made with {here['python']}."
        )
    if here["system"] != made_for["system"]:
        sys.exit(
            f"This bundle is for {made_for['system']}, and this is {here['system']}: ask for one that was made here."
        )


def restore_times(folder: Path) -> int:
    """Give the files of the run the times that they had, so that what was computed is read back.

    Args:
        folder: Of the bundle.

    Returns:
        How many files were there.
    """
    times = json.loads((folder / TIMES).read_text(encoding="utf-8"))
    found = 0
    for name, changed in times.items():
        path = folder / name
        if path.is_file():
            os.utime(path, ns=(changed, changed))
            found += 1
    return found


def install(folder: Path) -> None:
    """Install the bundle's packages into ``.venv`` in its folder, and restore the times of the run.

    Args:
        folder: Of the bundle.

    Raises:
        SystemExit: The bundle is for another machine, or pip failed; the message says what to do.
    """
    made_for = json.loads((folder / MADE_FOR).read_text(encoding="utf-8"))
    check_machine(made_for)
    environment = folder / ".venv"
    python = environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if subprocess.run([sys.executable, "-m", "venv", str(environment)], check=False).returncode:
        sys.exit("Python could not make .venv here: on Debian and Ubuntu, the package python3-venv is missing.")
    # Isolated: neither packages that PYTHONPATH names nor settings of pip on this machine count.
    command = [str(python), "-I", "-m", "pip", "--isolated", "install", "--disable-pip-version-check", "--no-index"]
    command += ["--find-links", str(folder / "wheels"), made_for["requirement"]]
    if subprocess.run(command, check=False).returncode:
        sys.exit("pip failed; what it printed says why. If the disk is full, free some space and run this again.")
    found = restore_times(folder)
    print(f"Installed; {found} files of the finished run are in place. Open the notebooks with:")
    print(f"  {python.parent / 'jupyter'} lab {folder / 'starters'}")
    print(f"The book itself: {folder / made_for['run'] / 'html' / 'index.html'}")


if __name__ == "__main__":
    install(Path(__file__).resolve().parent)
