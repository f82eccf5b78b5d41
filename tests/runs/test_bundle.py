"""A bundle of a small project with a small package, installed with the network off."""

import os
import shutil
import subprocess
import sys
import zipfile

import pytest

from altlib.core.errors import RunError
from altlib.core.files import write_json
from altlib.runs.bundle import FOLDER, collect_wheels, write_bundle

PROJECT = """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
[project]
name = "altlib"
version = "0.1"
dependencies = ["tinypart"]
[tool.setuptools]
py-modules = ["tinybook"]
"""


def tiny_wheel(folder, name: str) -> None:
    """A wheel of one module, written by hand."""
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{name}.py", "answer = 42\n")
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")


@pytest.fixture
def finished(project):
    """The small project as a package, with a finished run and a folder of wheels."""
    (project / "pyproject.toml").write_text(PROJECT)
    (project / "tinybook.py").write_text("import tinypart\nanswer = tinypart.answer\n")
    (project / "params").mkdir()
    (project / "wheelhouse").mkdir()
    tiny_wheel(project / "wheelhouse", "tinypart")
    run = project / "runs" / "r"
    write_json(run / "parameters.json", {"first": {"n": 4}, "second": {}})
    for stem in ("01-first", "02-second"):
        write_json(run / "records" / f"{stem}.json", {})
    (run / "logs").mkdir()
    (run / "logs" / "snakemake.log").write_text("private")
    os.utime(run / "parameters.json", ns=(0, 1_700_000_000_123_456_789))
    return project


def without_network(command: list[str]) -> list[str]:
    """The command in a namespace without any network where the system allows it."""
    isolated = ["unshare", "--map-root-user", "--net"]
    allowed = (
        shutil.which("unshare") and not subprocess.run([*isolated, "true"], capture_output=True, check=False).returncode
    )
    return [*isolated, *command] if allowed else command


def test_a_bundle_installs_without_a_network_and_keeps_the_times_of_its_run(finished, tmp_path):
    target = write_bundle(
        finished, finished / "runs" / "r", tmp_path / "out" / "b.zip", found_in=[finished / "wheelhouse"]
    )
    with zipfile.ZipFile(target) as packed:
        packed.extractall(tmp_path / "desk")
    desk = tmp_path / "desk" / FOLDER
    environment = os.environ | {"PIP_INDEX_URL": "http://127.0.0.1:9/", "PIP_NO_CACHE_DIR": "1"}
    done = subprocess.run(
        without_network([sys.executable, str(desk / "install.py")]), capture_output=True, text=True, env=environment, check=False
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    code = [str(desk / ".venv" / "bin" / "python"), "-c", "import tinybook; print(tinybook.answer)"]
    assert subprocess.run(code, capture_output=True, text=True, check=True).stdout == "42\n"
    assert (desk / "runs" / "r" / "parameters.json").stat().st_mtime_ns == 1_700_000_000_123_456_789
    assert 'run_folder = "runs/r"' in (desk / "starters" / "01-first.ipynb").read_text().replace('\\"', '"')
    assert (desk / "book" / "02-second.ipynb").is_file() and not (desk / "runs" / "r" / "logs").exists()
    assert f"Python {sys.version_info.major}.{sys.version_info.minor}" in (desk / "README.txt").read_text()


def test_a_package_that_is_nowhere_is_said_with_the_way_out(finished, tmp_path):
    (finished / "wheelhouse" / "tinypart-1.0-py3-none-any.whl").unlink()
    with pytest.raises(RunError, match=r"(?s)could not collect.*tinypart.*--wheels FOLDER"):
        collect_wheels(finished, tmp_path / "wheels", found_in=[finished / "wheelhouse"])


def test_without_a_finished_run_nothing_is_collected(finished, tmp_path):
    with pytest.raises(RunError, match="no finished run in"):
        write_bundle(finished, finished / "runs" / "other", tmp_path / "out" / "b.zip")
    assert not (tmp_path / "out").exists()
