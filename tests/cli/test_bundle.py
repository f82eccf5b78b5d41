"""Bundles from the command line."""

from altlib.cli.main import main


def test_a_missing_run_is_said_before_anything_is_collected(capsys, tmp_path):
    assert main(["bundle", "--run", str(tmp_path / "none"), "--output", str(tmp_path / "out" / "b.zip")]) == 1
    assert "no finished run" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
