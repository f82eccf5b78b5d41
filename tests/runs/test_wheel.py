"""The package as others install it, without a checkout."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
import torch

from altlib.checkpoints.miniature import MINIATURE
from altlib.models.captioner import CaptionerConfig, PrefixCaptioner
from altlib.models.clip import load_clip
from tests.conftest import ROOT, small_gpt2

NEEDED = ("altlib", "pyproject.toml", "README.md", "LICENSE")
UNSHIPPED = {"__pycache__", ".ipynb_checkpoints"}


def package_files(folder: Path) -> set[str]:
    files = (p.relative_to(folder) for p in (folder / "altlib").rglob("*") if p.is_file())
    return {p.as_posix() for p in files if not UNSHIPPED & set(p.parts)}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built offline from a copy of the project, for a build leaves files behind."""
    copy, target = tmp_path_factory.mktemp("copy"), tmp_path_factory.mktemp("wheel")
    for name in NEEDED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns(*UNSHIPPED))
        else:
            shutil.copy(ROOT / name, copy)
    command = [sys.executable, "-m", "pip", "wheel", str(copy), "--no-deps", "--no-build-isolation", "--no-index"]
    done = subprocess.run([*command, "-w", str(target)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = target.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """An environment in which pip has installed the wheel; of this environment it sees the dependencies alone."""
    folder = tmp_path_factory.mktemp("installed")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    command = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python"), "install", "--no-deps"]
    done = subprocess.run([*command, "--no-index", str(wheel)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return packages


def command(installed: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    """Run the installed ``altlib``."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        [installed.parents[2] / "bin" / "altlib", *arguments],
        cwd=folder,
        env=environment | {"HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_file_of_the_package_is_in_the_wheel_and_nothing_else(installed):
    """Checkpoints, lexicon and wording, workflow and profiles, published tables, templates."""
    assert package_files(installed) == package_files(ROOT)
    assert {p.name.split("-")[0] for p in installed.iterdir()} == {"altlib", "dependencies.pth"}
    (entries,) = installed.glob("*.dist-info/entry_points.txt")
    assert "altlib = altlib.cli.main:main" in entries.read_text()


def test_the_command_works_in_an_empty_folder(installed, tmp_path):
    done = command(installed, tmp_path, "--help")
    assert done.returncode == 0 and "caption" in done.stdout
    python, code = installed.parents[2] / "bin" / "python", "import altlib; print(altlib.__file__)"
    said = subprocess.run([python, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert Path(said.strip()) == installed / "altlib" / "__init__.py"


@pytest.mark.parametrize("arguments", [["caption", "photo.png"], ["score", "photo.png", "--text", "a cup"]])
def test_without_a_run_and_a_checkout_it_says_what_to_give(installed, tmp_path, picture, arguments):
    picture("photo.png")
    done = command(installed, tmp_path, *arguments)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "needs a checkout" in done.stderr and "--run FOLDER" in done.stderr


def test_a_picture_is_captioned_by_a_run_in_any_folder(installed, tmp_path, picture, tokenizer):
    picture("photo.png")
    clip = load_clip(MINIATURE)
    torch.manual_seed(1)
    config = CaptionerConfig("text-image", clip_width=clip.width, prefix_length=4, max_tokens=20)
    PrefixCaptioner(config, tokenizer, small_gpt2(tokenizer)).save(tmp_path / "run" / "captioners" / "text-image")
    done = command(installed, tmp_path, "caption", "photo.png", "--run", "run", "--candidates", "2")
    assert done.returncode == 0, done.stderr
    scores = [float(line.split()[0]) for line in done.stdout.splitlines() if line.strip()]
    assert scores and scores == sorted(scores, reverse=True)
