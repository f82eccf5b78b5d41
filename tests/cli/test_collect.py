"""Collections from the command line."""

from altlib.cli.collect import print_collection
from altlib.cli.main import main
from altlib.data.collect.store import Collection


def test_collecting_from_x_asks_for_the_ids(tmp_path, capsys):
    assert main(["collect", "x", str(tmp_path / "x")]) == 1
    assert "add --ids FILE" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


def test_what_was_taken_and_what_was_not_is_printed(tmp_path, capsys):
    print_collection(tmp_path)
    assert capsys.readouterr().out == ""
    with Collection(tmp_path) as collection:
        collection.count_excluded({"alt text too short": 3})
    print_collection(tmp_path)
    assert "0 kept" in (said := capsys.readouterr().out) and "not taken: 3 alt text too short" in said
