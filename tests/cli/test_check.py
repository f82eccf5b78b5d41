"""Parameter files checked from the command line."""

from altlib.cli.main import main
from tests.conftest import ROOT


def test_a_valid_file_is_said_to_be_valid_with_its_run(capsys):
    assert main(["check", str(ROOT / "params" / "smoke.yaml"), "--set", "run=mine"]) == 0
    assert "valid; run mine" in capsys.readouterr().out


def test_a_value_of_another_type_is_named(capsys):
    assert main(["check", str(ROOT / "params" / "smoke.yaml"), "--set", "training.epochs=many"]) == 1
    assert "epochs" in capsys.readouterr().err
