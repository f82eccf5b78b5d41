"""Classification tasks of the miniature world."""

from pathlib import Path

import pytest

from altlib.miniworld import tasks
from altlib.miniworld.lexicon import places, things


def test_the_tasks_of_the_miniature_world_differ_in_domain_and_have_at_most_forty_classes():
    classes = tasks.miniworld_classes()
    assert list(classes) == ["Places", "Food", "Main things"]
    assert all(20 <= len(c) <= 40 for c in classes.values())
    assert {things()[glyph].group for glyph in classes["Food"].values()} == set(tasks.FOOD)
    assert not {things()[glyph].group for glyph in classes["Main things"].values()} & set(tasks.FOOD)


@pytest.mark.parametrize("task", ["Places", "Food", "Main things"])
def test_a_picture_of_a_class_shows_it_at_a_place_where_it_may_be(task):
    for shown in tasks.miniworld_classes()[task].values():
        scene = tasks.scene_of_class(task, shown, "seed")
        assert shown in (scene.place, scene.thing) and scene.form == "photo"
        assert bool(scene.weather) == places()[scene.place].outdoors
        assert scene == tasks.scene_of_class(task, shown, "seed")


@pytest.fixture
def two_places(monkeypatch):
    monkeypatch.setattr(tasks, "miniworld_classes", lambda: {"Places": {"beach": "beach", "park": "park"}})


def test_what_is_drawn_is_kept_and_another_seed_draws_other_pictures(two_places, tmp_path):
    (first,) = tasks.draw_tasks(tmp_path, 2, seed=0)
    times = {path: Path(path).stat().st_mtime_ns for path in first.paths}
    (other,) = tasks.draw_tasks(tmp_path, 2, seed=1)
    assert tasks.draw_tasks(tmp_path, 2, seed=0) == [first]
    assert {path: Path(path).stat().st_mtime_ns for path in first.paths} == times
    assert Path(first.paths[0]).read_bytes() != Path(other.paths[0]).read_bytes()


def test_pictures_of_another_renderer_are_not_taken_for_its_own(two_places, tmp_path, monkeypatch):
    (first,) = tasks.draw_tasks(tmp_path, 2, seed=0)
    for path in first.paths:
        Path(path).write_bytes(b"drawn by the code as it was")
    monkeypatch.setattr(tasks, "CODE", "0123456789abcdef")
    (again,) = tasks.draw_tasks(tmp_path, 2, seed=0)
    assert not set(first.paths) & set(again.paths)
    assert all(Path(path).read_bytes().startswith(b"\x89PNG") for path in again.paths)


def test_one_picture_per_class_is_too_few(tmp_path):
    with pytest.raises(ValueError, match="at least two pictures per class"):
        tasks.draw_tasks(tmp_path, 1, seed=0)
