"""The installer of a bundle."""

import pytest

from altlib.core.files import write_json
from altlib.runs.install_bundle import TIMES, check_machine, restore_times, this_machine


def test_wheels_for_another_python_or_system_are_refused_with_what_to_do():
    check_machine(this_machine())
    with pytest.raises(SystemExit, match=r"for Python 2\.7.*python2\.7"):
        check_machine(this_machine() | {"python": "2.7"})
    with pytest.raises(SystemExit, match="for solaris"):
        check_machine(this_machine() | {"system": "solaris"})


def test_files_get_their_times_back_to_the_nanosecond_and_missing_ones_are_skipped(tmp_path):
    (tmp_path / "a.png").write_bytes(b"picture")
    write_json(tmp_path / TIMES, {"a.png": 1_700_000_000_123_456_789, "gone.png": 1})
    assert restore_times(tmp_path) == 1
    assert (tmp_path / "a.png").stat().st_mtime_ns == 1_700_000_000_123_456_789
