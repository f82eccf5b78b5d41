"""What chapters depend on, and their order."""

from altlib.runs.parameters import read_chapter, read_chapters
from altlib.runs.plan import chapters_that_wait_for, dependencies, loads_torch
from tests.conftest import ROOT


def test_a_chapter_depends_on_the_modules_it_imports_and_theirs():
    files = {p.stem for p in dependencies(read_chapter(ROOT / "book" / "04-prefix-deembedding.ipynb"), ROOT / "altlib")}
    assert {"deembedding", "captioner", "language", "files", "figures"} <= files
    assert not {"plan", "main", "scene", "duplicates", "caption_metrics"} & files


def test_all_chapters_that_compute_load_torch_at_once():
    chapters = read_chapters(ROOT / "book")
    assert [c.name for c in chapters if not loads_torch(c, ROOT / "altlib")] == ["collection", "scoreboard"]


def test_what_most_chapters_wait_for_comes_first():
    chapters = read_chapters(ROOT / "book")
    by_name = {c.name: chapters_that_wait_for(c, chapters) for c in chapters}
    assert by_name["training"] == {
        "results-and-decoding",
        "prefix-deembedding",
        "people-and-judges",
        "preference-optimisation",
        "clip-reward",
        "prompting-vlms",
        "scoreboard",
    }
    assert by_name["collection"] > by_name["training"] | by_name["clip-prefers-descriptions"]
    assert by_name["pretraining"] == set()
