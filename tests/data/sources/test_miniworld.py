from pathlib import Path

from altlib.data.sources import miniworld
from altlib.data.sources.registry import collect


def test_the_miniature_world_is_collected_once_and_the_same(tmp_path):
    first, _ = collect("miniworld", tmp_path / "a", posts=20, seed=4)
    again, _ = collect("miniworld", tmp_path / "a", posts=20, seed=4)
    other, _ = collect("miniworld", tmp_path / "b", posts=20, seed=4)
    assert first.equals(again)
    for one, two in zip(first["image"], other["image"], strict=True):
        assert Path(one).read_bytes() == Path(two).read_bytes()


def test_pictures_of_another_renderer_are_not_taken_for_its_own(tmp_path, monkeypatch):
    first, _ = collect("miniworld", tmp_path, posts=3, seed=4)
    for path in first["image"]:
        Path(path).write_bytes(b"drawn by the code as it was")
    monkeypatch.setattr(miniworld, "CODE", "0123456789abcdef")
    again, _ = collect("miniworld", tmp_path, posts=3, seed=4)
    assert not set(first["image"]) & set(again["image"])
    assert all(Path(path).read_bytes().startswith(b"\x89PNG") for path in again["image"])
