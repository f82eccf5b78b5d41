from pathlib import Path

from altlib.data.sources.registry import collect


def test_the_miniature_world_is_collected_once_and_the_same(tmp_path):
    first, _ = collect("miniworld", tmp_path / "a", posts=20, seed=4)
    again, _ = collect("miniworld", tmp_path / "a", posts=20, seed=4)
    other, _ = collect("miniworld", tmp_path / "b", posts=20, seed=4)
    assert first.equals(again)
    for one, two in zip(first["image"], other["image"], strict=True):
        assert Path(one).read_bytes() == Path(two).read_bytes()
