"""What chapters depend on, and their order."""

from altlib.runs.parameters import read_chapter, read_chapters
from altlib.runs.plan import chapters_that_wait_for, dependencies, priority
from tests.conftest import ROOT


def test_a_chapter_depends_on_the_modules_it_imports_and_theirs():
    files = {p.stem for p in dependencies(read_chapter(ROOT / "book" / "04-prefix-deembedding.ipynb"), ROOT / "altlib")}
    assert {"deembedding", "captioner", "language", "files", "figures"} <= files
    assert not {"plan", "main", "scene", "duplicates", "caption_metrics"} & files


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


def test_of_chapters_that_could_start_the_long_ones_start_first_so_that_two_cores_end_together():
    chapters = read_chapters(ROOT / "book")
    order = [c.name for c in sorted(chapters, key=lambda c: priority(c, chapters), reverse=True)]
    long = [c.name for c in chapters if c.long]
    assert long == ["preference-optimisation", "clip-reward"]
    assert order[:2] == ["collection", "training"]
    first = order.index(long[0])
    assert order[first : first + 2] == long and {"people-and-judges", "prompting-vlms"} <= set(order[first:])
    assert len({priority(c, chapters) for c in chapters}) == len(chapters)
