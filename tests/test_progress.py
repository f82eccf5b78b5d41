"""Progress bars of processes that the runner started, and the terminal's view of them."""

import io
import os
import re
import subprocess
import sys

from tqdm import tqdm

from altlib.core.parallel import side_by_side
from altlib.core.progress import PROGRESS_FILE, progress_bar
from altlib.runs.board import BarFile, Board
from tests.conftest import wait_until


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True

    def screen(self) -> list[str]:
        """What a reader sees in the end."""
        lines = [""]
        for part in re.split(r"(\x1b\[\d+F\x1b\[J|\n)", self.getvalue()):
            if part == "\n":
                lines.append("")
            elif part.startswith("\x1b"):
                up = int(re.search(r"\d+", part)[0])
                del lines[len(lines) - 1 - up :]
                lines.append("")
            else:
                lines[-1] += part
        return lines[:-1]


def test_nested_bars_are_read_as_a_terminal_shows_them(tmp_path):
    path = tmp_path / "a.progress"
    shown = BarFile(path)
    assert shown.bars() == []
    with path.open("a", encoding="utf-8") as file:
        options = {"file": file, "leave": False, "mininterval": 0, "ncols": 60}
        with tqdm(total=4, desc="épochs", **options) as outer:
            outer.update(1)
            with tqdm(total=10, desc="batches", **options) as inner:
                inner.update(5)
                assert [bar.split("|")[0] for bar in shown.bars()] == ["épochs:  25%", "batches:  50%"]
            assert [bar.split(":")[0] for bar in shown.bars()] == ["épochs"]
        assert shown.bars() == []


def test_a_file_that_began_anew_is_read_from_its_beginning(tmp_path):
    path = tmp_path / "a.progress"
    shown = BarFile(path)
    path.write_text("\rcells: 100% of a long bar")
    assert shown.bars() == ["cells: 100% of a long bar"]
    path.write_text("\rcells: 1%")
    assert shown.bars() == ["cells: 1%"]
    path.unlink()
    assert shown.bars() == []


def test_a_terminal_shows_what_is_said_above_the_bars_that_are_left(tmp_path):
    stream = Terminal()
    (tmp_path / "old.progress").write_text("\rof a killed run")
    with Board(tmp_path, stream, wait=0.01) as board:
        board.say("01: started")
        (tmp_path / "01.progress").write_text("\r01: 10%")
        (tmp_path / "01.progress.0").write_text("\rtraining: 50%")
        (tmp_path / "02.progress").write_text("\r02: 20%" + "x" * 1000)
        assert wait_until(lambda: board.drawn == 3)
        board.say("02: started")
        with board.lock:
            screen = stream.screen()
        assert screen[:4] == ["01: started", "02: started", "01: 10%", "training: 50%"]
        assert screen[4].startswith("02: 20%xxx") and len(screen[4]) < 500  # no longer than the terminal is wide
        for path in tmp_path.glob("01.progress*"):
            path.unlink()
        assert wait_until(lambda: board.drawn == 1)
    assert stream.screen() == ["01: started", "02: started"]


def test_a_log_gets_the_bars_now_and_then_and_no_codes(tmp_path):
    stream = io.StringIO()
    with Board(tmp_path, stream, every=0.05, wait=0.01) as board:
        (tmp_path / "01.progress").write_text("\r01: 10%")
        board.say("01: started")
        assert wait_until(lambda: "10%" in stream.getvalue())
    assert set(stream.getvalue().splitlines()) == {"01: started", "01: 10%"}


def test_a_process_of_its_own_has_a_file_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setenv(PROGRESS_FILE, str(tmp_path / "03.progress.0"))

    def job():
        with progress_bar(total=2, desc="decoding") as bar:
            bar.update(1)
            bar.refresh()
            (tmp_path / f"seen-{os.environ[PROGRESS_FILE].rpartition('.')[2]}").touch()

    side_by_side({"a": job, "b": job}, "systems", workers=2)
    assert {p.name for p in tmp_path.iterdir()} == {
        *("03.progress.0", "03.progress.0.1", "03.progress.0.2", "seen-1", "seen-2")
    }
    assert "decoding:  50%" in (tmp_path / "03.progress.0.2").read_text(encoding="utf-8")


def test_without_the_runner_a_process_of_its_own_shows_nothing(tmp_path):
    code = (
        "from altlib.core.parallel import side_by_side\nfrom altlib.core.progress import progress_bar\n"
        "side_by_side({'a': lambda: list(progress_bar(range(3), desc='quiet'))}, 'runs')"
    )
    environment = {name: value for name, value in os.environ.items() if name != PROGRESS_FILE}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert "quiet" not in done.stdout + done.stderr
    assert not list(tmp_path.iterdir())
