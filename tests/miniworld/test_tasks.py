"""Classification tasks of the miniature world."""

from pathlib import Path

import pytest

from altlib.miniworld import tasks


def test_the_tasks_of_the_miniature_world_differ_in_size_and_domain():
    classes = tasks.miniworld_classes()
    sizes = [len(c) for c in classes.values()]
    assert len(sizes) == 3 and min(sizes) == 15 and max(sizes) > 130
    assert all(len({label for _, label in c}) == len(c) for c in classes.values())


@pytest.fixture
def two_settings(monkeypatch):
    classes = [({"setting": "beach"}, "beach"), ({"setting": "snow"}, "snow")]
    monkeypatch.setattr(tasks, "miniworld_classes", lambda: {"Settings": classes})


def test_what_is_drawn_is_kept_and_another_seed_draws_other_pictures(two_settings, tmp_path):
    (first,) = tasks.draw_tasks(tmp_path, 2, seed=0)
    times = {path: Path(path).stat().st_mtime_ns for path in first.paths}
    (other,) = tasks.draw_tasks(tmp_path, 2, seed=1)
    assert tasks.draw_tasks(tmp_path, 2, seed=0) == [first]
    assert {path: Path(path).stat().st_mtime_ns for path in first.paths} == times
    assert Path(first.paths[0]).read_bytes() != Path(other.paths[0]).read_bytes()


def test_pictures_of_another_renderer_are_not_taken_for_its_own(two_settings, tmp_path, monkeypatch):
    (first,) = tasks.draw_tasks(tmp_path, 2, seed=0)
    for path in first.paths:
        Path(path).write_bytes(b"drawn by the code as it was")
    monkeypatch.setattr(tasks, "CODE", "0123456789abcdef")
    (again,) = tasks.draw_tasks(tmp_path, 2, seed=0)
    assert not set(first.paths) & set(again.paths)
    assert all(Path(path).read_bytes().startswith(b"\x89PNG") for path in again.paths)
