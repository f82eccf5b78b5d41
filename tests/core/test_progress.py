"""Progress bars of processes that the runner started."""

import os
import subprocess
import sys
from pathlib import Path

import huggingface_hub
import transformers

from altlib.core.parallel import side_by_side
from altlib.core.progress import PROGRESS_FILE, BarStream, hide_bars_of_loading, progress_bar


def shown(folder: Path) -> list[str]:
    """What the files in a folder say of their bars, without the bars themselves."""
    return [path.read_text(encoding="utf-8").split("|")[0] for path in sorted(folder.iterdir())]


def test_every_bar_is_a_file_as_long_as_it_is_there(tmp_path, monkeypatch):
    monkeypatch.setenv(PROGRESS_FILE, str(tmp_path / "03.progress"))
    with progress_bar(total=4, desc="épochs") as outer:
        outer.update(1)
        outer.refresh()
        with progress_bar(total=10, desc="batches") as inner:
            inner.update(5)
            inner.refresh()
            assert shown(tmp_path) == ["épochs:  25%", "batches:  50%"]
        assert shown(tmp_path) == ["épochs:  25%"]
    assert shown(tmp_path) == []


def test_a_bar_that_cannot_be_written_stops_nothing(tmp_path):
    stream = BarStream(tmp_path / "missing" / "03.progress")
    assert stream.write("\rcells: 1%") == len("\rcells: 1%")
    assert stream.write("\r    ") and not list(tmp_path.iterdir())


def test_a_process_of_its_own_has_a_file_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setenv(PROGRESS_FILE, str(tmp_path / "03.progress.0"))

    def job():
        with progress_bar(total=2, desc="decoding") as bar:
            bar.update(1)
            bar.refresh()
            (tmp_path / f"seen-{os.environ[PROGRESS_FILE].rpartition('.')[2]}").touch()

    side_by_side({"a": job, "b": job}, "systems", workers=2)
    assert {p.name for p in tmp_path.iterdir()} == {"seen-1", "seen-2"}


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


def test_weights_are_loaded_without_a_bar_and_files_are_downloaded_with_one():
    hide_bars_of_loading()
    assert not transformers.utils.logging.is_progress_bar_enabled()
    assert not huggingface_hub.utils.are_progress_bars_disabled()
