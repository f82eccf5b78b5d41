"""Starter notebooks from the command line."""

from altlib.cli.main import main


def test_a_missing_run_is_said_without_a_traceback(capsys, tmp_path):
    assert main(["starter", "03", "--run", str(tmp_path), "--output", str(tmp_path / "out")]) == 1
    said = capsys.readouterr().err
    assert "no finished run" in said and "--run FOLDER" in said
    assert not (tmp_path / "out").exists()
