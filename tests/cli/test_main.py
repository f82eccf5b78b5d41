"""The command as a whole."""

import errno
import subprocess
import sys

import pytest

from altlib.cli import check
from altlib.cli.main import main
from tests.conftest import ROOT


def test_the_command_loads_no_model_library_to_check_a_file():
    """Each chapter starts a command of its own, so what it imports counts many times."""
    code = "import sys; from altlib.cli.main import main; main(sys.argv[1:]); print(sorted({'torch', 'pandas'} & set(sys.modules)))"
    command = [sys.executable, "-c", code, "check", str(ROOT / "params" / "smoke.yaml")]
    said = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert "valid" in said and said.endswith("[]\n")


@pytest.mark.parametrize(
    "arguments,words",
    [
        (["caption", "nowhere.jpg"], "image file is missing"),
        (["book", "nowhere.yaml"], "no parameter file"),
        (["check", str(ROOT / "params" / "smoke.yaml"), "--set", "training.epoch=1"], "did you mean 'epochs'"),
    ],
)
def test_errors_are_one_clear_line(arguments, words, capsys):
    assert main(arguments) == 1
    error = capsys.readouterr().err
    assert words in error and "Traceback" not in error


def test_an_error_of_the_system_is_one_clear_line_too(monkeypatch, capsys):
    def refused(options):
        raise PermissionError(errno.EACCES, "Permission denied", "runs/smoke")

    monkeypatch.setattr(check, "check_file", refused)
    assert main(["check", "params/smoke.yaml"]) == 1
    assert (
        capsys.readouterr().err == "altlib: runs/smoke: Permission denied; mend this and run the same command again\n"
    )
