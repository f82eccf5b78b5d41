import shutil
from importlib.resources import files
from pathlib import Path

import pytest

from altlib.core.errors import CorpusError
from altlib.miniworld import checks, lexicon, names

CACHES = [getattr(lexicon, name) for name in ("read", "lexicon", "things", "people", "places", "setups", "authors")]
CACHES.append(checks.check_world)


@pytest.fixture
def changed_words(tmp_path, monkeypatch):
    """A function that changes a file of words and returns the line number of what it wrote."""
    for file in Path(str(files("altlib.miniworld"))).glob("*.toml"):
        shutil.copy(file, tmp_path / file.name)
    monkeypatch.setattr(lexicon, "files", lambda package: tmp_path)

    def change(file: str, old: str, new: str) -> int:
        path = tmp_path / file
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), "utf-8")
        for cached in CACHES:
            cached.cache_clear()
        return text[: text.index(old)].count("\n") + 1

    checks.drawable()  # reads the font, which is not of this package
    yield change
    monkeypatch.undo()
    for cached in CACHES:
        cached.cache_clear()


def test_the_words_of_the_miniature_world_fit_together():
    checks.check_world()
    assert len(lexicon.setups()) > 45 and len(lexicon.authors()) >= 24
    assert len({glyph for setup in lexicon.setups().values() for glyph in setup.main}) > 120


def test_a_glyph_has_one_noun_wherever_it_is_used():
    nouns = [thing.nouns[0] for thing in lexicon.things().values()]
    assert len(set(nouns)) == len(nouns)


def test_every_sort_of_invented_name_is_known():
    told = [n for s in lexicon.setups().values() for given in s.main.values() for n in given if n.startswith("@")]
    assert set(told) <= set(names.SORTS)


@pytest.mark.parametrize(
    ("file", "old", "new", "what"),
    [
        ("lexicon.toml", "🍎 apple", "\U00050000 apple", "no glyph"),
        ("lexicon.toml", "🍎 apple", "🍎", "has no noun"),
        ("lexicon.toml", 'mechanic = ["🧑‍🔧', 'mechanic = ["🧑‍🧑', "no glyph"),
        ("scenes.toml", 'places = ["gallery"]', 'places = ["ballroom"]', "unknown places: 'ballroom'"),
        ("scenes.toml", 'form = "poster"', 'form = "hologram"', "unknown form: 'hologram'"),
        ("scenes.toml", 'people = ["cook"', 'people = ["astronaut"', "unknown people: 'astronaut'"),
        ("scenes.toml", "🧺 ⚖", "🛸 ⚖", "unknown companions: '🛸'"),
        ("scenes.toml", "@title", "@titel", "unknown sort of name: '@titel'"),
        ("posts.toml", "{items} [and a flask", "{itmes} [and a flask", "unknown slot {itmes}"),
        ("posts.toml", "[Busy|Slow|Good] morning", "[Busy|Slow|Good morning", "not closed"),
        ("posts.toml", '"[Cleaned|Polished|Unpacked] {the}, ', '"[Cleaned|Polished|Unpacked] it, ', "tells no name"),
        ("alt.toml", "There {are} {subject}", "There {are} {subjekt}", "unknown slot {subjekt}"),
        ("captions.toml", "{Main} at {event}", "{Main} at {evnt}", "unknown slot {evnt}"),
        ("authors.toml", "orders = [0, 5, 7]", "orders = [0, 5, 70]", "no order 70"),
    ],
)
def test_a_mistake_in_a_file_is_named_with_its_line(changed_words, file, old, new, what):
    line = changed_words(file, old, new)
    with pytest.raises(CorpusError) as caught:
        checks.check_world()
    message = str(caught.value)
    assert f"{file}, line " in message and what in message
    said = int(message.split("line ")[1].split(":")[0])
    assert 0 <= line - said < 20  # the line itself, or the head of its table


def test_a_file_that_is_no_toml_is_named(changed_words):
    changed_words("scenes.toml", "[market]", "[market")
    with pytest.raises(CorpusError, match="scenes.toml"):
        lexicon.setups()
