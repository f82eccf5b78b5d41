"""Posts forgotten from the command line."""

from altlib.cli.main import main


def test_it_asks_what_to_forget(tmp_path, capsys):
    assert main(["forget", str(tmp_path)]) == 1
    assert "say what to forget: --post ADDRESS or --author ACCOUNT" in capsys.readouterr().err
