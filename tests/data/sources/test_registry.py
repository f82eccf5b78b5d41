import subprocess
import sys

import pytest
from conftest import ROOT

from altlib.core.errors import CorpusError
from altlib.data.sources import registry
from altlib.data.sources.registry import SOURCES, Needs, collect
from altlib.runs.parameters import read_chapter


@pytest.mark.parametrize(
    "source,path,words",
    [
        ("jsonl", "", "set collection.source_path"),
        ("jsonl", "nowhere", "does not exist"),
        ("concadia", "nowhere", "does not exist"),
        ("nowhere", "", "unknown source"),
        ("x", "", "a folder that `altlib collect x` made"),
        ("bluesky", "", "needs a folder to collect into"),
    ],
)
def test_a_missing_source_is_named(tmp_path, source, path, words):
    with pytest.raises(CorpusError, match=words):
        collect(source, tmp_path, path=path)


def test_an_empty_source_is_an_error(tmp_path):
    (tmp_path / "p.jsonl").write_text("\n")
    with pytest.raises(CorpusError, match="holds no posts"):
        collect("jsonl", tmp_path, path=str(tmp_path / "p.jsonl"))


def test_the_notebook_offers_the_registered_sources():
    choices = read_chapter(ROOT / "book" / "01-collection.ipynb").parameters["source"].choices
    assert sorted(choices) == sorted(SOURCES)


def test_what_is_wrong_with_a_path_is_told_before_anything_is_read(tmp_path):
    for source in SOURCES.values():
        if source.needs is Needs.NOTHING:
            assert source.path_problem("") == ""
            continue
        assert "set collection.source_path" in source.path_problem("") and source.path_is in source.path_problem("")
        assert source.path_problem(str(tmp_path)) == ""
        missing = source.path_problem(str(tmp_path / "nowhere"))
        assert ("does not exist" in missing) == (source.needs is Needs.EXISTING_PATH)


def test_every_source_says_where_its_posts_come_from():
    assert all(len(source.origin) > 50 for source in SOURCES.values())


def test_knowing_the_sources_loads_none_of_them():
    code = "import sys, altlib.data.sources.registry; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"pandas", "numpy", "torch", "httpx", "websockets", "datasets", "PIL"} & set(loaded)


def test_at_most_some_thousand_posts_are_in_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "FRAME_ROWS", 4)
    frames = list(registry.stream("miniworld", tmp_path, [], posts=9, seed=1))
    assert len(frames) > 1 and all(len(frame) <= 4 for frame in frames)
