import pytest

from altlib.miniworld import realism
from altlib.miniworld.checks import patterns
from altlib.miniworld.lexicon import authors, lexicon, people, places, setups, things
from tests.conftest import ROOT

PAGE = ROOT / "book" / "appendix-miniature-world.md"


def test_a_skeleton_keeps_what_is_not_of_the_lexicon():
    assert realism.skeleton("Two red Fairlane guitars on a mat.") == "# <colour> <thing> on * <support> ."
    same = realism.skeleton("Three blue Bluebell banjos on the rug.")
    assert same == realism.skeleton("Two red Fairlane guitars on a mat.")
    assert realism.skeleton("Greetings from Hartwick Green, Rosa!") == "greetings from · , · !"


def test_the_commonest_skeleton_has_a_share():
    assert realism.commonest_skeleton(["A red apple.", "A green pear.", "No fruit at all."])[1] == pytest.approx(2 / 3)


def test_reading_ease_is_flesch_s_formula():
    # 6 words of 6 syllables in one sentence
    assert realism.reading_ease(["The cat sat on the mat."]) == pytest.approx(206.835 - 1.015 * 6 - 84.6)
    assert realism.syllables("table") == 2 and realism.syllables("make") == 1 and realism.syllables("the") == 1


def test_shares_of_words_and_names():
    assert realism.held_by_post(["two Bramley apples"], ["Bramley time"]) == pytest.approx(1 / 3)
    assert realism.share_of_names(["We met Rosa in Hartwick. She left."]) == pytest.approx(2 / 7)
    assert realism.type_token_ratio(["a b a c"]) == pytest.approx(3 / 4)
    assert realism.openings(["one two three four", "one two three five"]) == pytest.approx(1 / 2)


def test_a_table_has_a_column_for_each_corpus():
    table = realism.realism_table({"alt text": (["A red apple."], ["apple"]), "post": (["Hello."], None)})
    assert list(table.columns) == ["alt text", "post"] and table.loc["characters", "alt text"] == 12


def test_the_page_shows_what_the_texts_measure():
    assert realism.markdown(realism.world_table()) in PAGE.read_text("utf-8")


def test_the_page_counts_what_the_files_hold():
    page = PAGE.read_text("utf-8")
    assert f"There are {len(setups())} kinds of scenes." in page
    assert f"They use {len(things())} things and {len(people())} kinds of people" in page
    assert f"in {len(places())} kinds of places with six kinds of weather" in page and len(lexicon()["weather"]) == 6
    assert "Thirty-one authors" in page and len(authors()) == 31
    assert "over a thousand patterns" in page and 1000 < len(list(patterns())) < 2000
