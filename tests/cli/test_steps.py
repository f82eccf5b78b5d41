"""The steps that Snakemake runs."""

from pathlib import Path

import pytest

from altlib.cli.main import main


@pytest.mark.parametrize(
    ("command", "target", "expected"),
    [
        (["execute", "plan.json", "training"], "altlib.runs.execute.execute_chapter", (Path("plan.json"), "training")),
        (["render", "plan.json"], "altlib.runs.render.render_book", (Path("plan.json"),)),
    ],
)
def test_a_step_gets_its_plan(command, target, expected, monkeypatch):
    called = []
    monkeypatch.setattr(target, lambda *arguments: called.append(arguments))
    assert main(command) == 0 and called == [expected]
