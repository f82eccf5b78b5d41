"""Runs compared from the command line."""

from altlib.cli.main import main
from tests.finished_runs import finished_run


def test_the_page_goes_into_a_folder_and_its_findings_to_the_terminal(tmp_path, capsys):
    first, second = (
        finished_run(tmp_path / "first"),
        finished_run(tmp_path / "second", ids="1", parameters={"epochs": 4}),
    )
    assert main(["compare", str(first), str(second), "--output", str(tmp_path / "page")]) == 0
    assert "Parameters of chapters that differ: 1." in capsys.readouterr().out
    assert "<h1>Comparison of first, second</h1>" in (tmp_path / "page" / "comparison.html").read_text()


def test_what_cannot_be_compared_is_explained(tmp_path, capsys):
    first = finished_run(tmp_path / "first")
    for arguments, message in {
        (str(first),): "there is one run alone",
        (str(first), str(first)): "first is named twice",
        (str(first), str(tmp_path)): "plan/plan.json is missing. Is it the folder of a run",
        (str(first), str(first), "--pictures", "-1"): "must be 0 or more",
    }.items():
        assert main(["compare", *arguments]) == 1
        assert message in capsys.readouterr().err
