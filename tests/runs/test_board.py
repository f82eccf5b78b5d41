"""The terminal's view of the progress bars of all chapters."""

import io
import re

from rich.console import Console

from altlib.runs.board import board
from tests.conftest import wait_until


def test_a_terminal_shows_what_is_said_above_the_bars_that_are_left(tmp_path):
    stream = io.StringIO()
    (tmp_path / "old.progress").write_text("of a killed run")
    with board(tmp_path, Console(file=stream, force_terminal=True, width=50, height=20)) as say:
        assert not list(tmp_path.iterdir())
        say("[01]: started")
        (tmp_path / "01.progress").write_text("01: 10%")
        (tmp_path / "01.progress.000000").write_text("training: 50%")
        (tmp_path / "02.progress").write_text("02: 20%" + "x" * 1000)
        say("02: started")
        assert wait_until(lambda: "02: 20%" in stream.getvalue())
        last = stream.getvalue().rpartition("02: started")[2]
        lines = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", last).replace("\r", "").split("\n")
        bars = [line for line in lines if "%" in line]
        assert bars[:2] == ["01: 10%", "training: 50%"]
        assert bars[2] == "02: 20%" + "x" * 43  # no longer than the terminal is wide
    assert "[01]: started" in stream.getvalue()


def test_a_log_gets_the_bars_now_and_then_and_no_codes(tmp_path):
    stream = io.StringIO()
    with board(tmp_path, Console(file=stream), every=0.05) as say:
        (tmp_path / "01.progress").write_text("01: 10%")
        say("01: started")
        assert wait_until(lambda: "10%" in stream.getvalue())
    assert set(stream.getvalue().splitlines()) == {"01: started", "01: 10%"}
