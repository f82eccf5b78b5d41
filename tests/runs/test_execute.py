"""What is said of a chapter that failed."""

import errno

from nbclient.exceptions import DeadKernelError

from altlib.runs.execute import chapter_error


def test_an_error_that_is_not_the_chapters_is_named_too(tmp_path):
    notebook = tmp_path / "02.failed.ipynb"
    full = OSError(errno.ENOSPC, "No space left on device")
    assert "02.failed.ipynb" not in chapter_error("02-second", full, notebook)  # it is not there
    notebook.touch()
    said = chapter_error("02-second", full, notebook)
    assert said.startswith("02-second: OSError: [Errno 28] No space left on device\n")
    assert "02.failed.ipynb" in said and "run the same command again" in said
    assert "its kernel died" in chapter_error("02-second", DeadKernelError("x"), tmp_path)
