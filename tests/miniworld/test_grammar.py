from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from altlib.miniworld.grammar import (
    counted,
    expand,
    join_clauses,
    modified,
    parsed,
    plural,
    slots_of,
    tidy,
    with_article,
)
from altlib.miniworld.lexicon import people, things


@pytest.mark.parametrize(
    ("one", "many"),
    [
        ("pair of gloves", "pairs of gloves"),
        ("loaf of bread", "loaves of bread"),
        ("snowman", "snowmen"),
        ("knife and fork", "knives and forks"),
        ("rum and raisin ice cream", "rum and raisin ice creams"),
        ("person in a wheelchair", "people in a wheelchair"),
        ("cherry", "cherries"),
        ("brush", "brushes"),
        ("Swaledale sheep", "Swaledale sheep"),
    ],
)
def test_plurals_change_the_head_of_a_phrase(one, many):
    assert plural(one) == many


def test_modifiers_stand_before_what_is_measured():
    assert modified("pair of socks", "blue Fair Isle") == "pair of blue Fair Isle socks"
    assert modified("cup of coffee", "") == "cup of coffee"
    assert modified("guitar", "red Fairlane") == "red Fairlane guitar"
    assert modified("student in cap and gown", "Hartwick College") == "Hartwick College student in cap and gown"


def test_articles_follow_the_sound():
    assert with_article("orange cloth") == "an orange cloth"
    assert with_article("unicorn") == "a unicorn"
    assert with_article("broccoli") == "some broccoli"
    assert counted(1, "apple") == "an apple" and counted(3, "apple") == "three apples"


def test_no_noun_of_the_lexicon_loses_its_head_in_the_plural():
    nouns = [n for t in things().values() for n in t.nouns] + [n for p in people().values() for n in p.nouns]
    assert all(plural(noun)[0] == noun[0] for noun in nouns)
    assert not any("mans" in plural(noun).split() for noun in nouns)


def test_choices_may_hold_choices_and_slots():
    seen = {expand("[a|b[c|{x}]] {y}.", {"x": "1", "y": "2"}, Random(i)) for i in range(60)}
    assert seen == {"a 2.", "bc 2.", "b1 2."}
    assert slots_of("[a|{x}] {y}") == {"x", "y"}


@pytest.mark.parametrize("broken", ["[a|b", "a]", "{x", "x}"])
def test_brackets_without_their_partner_are_refused(broken):
    with pytest.raises(ValueError, match="not closed|without its partner"):
        parsed(broken)


def test_empty_slots_leave_no_marks_behind():
    assert tidy("two cups , held by a cook,  .") == "two cups, held by a cook."
    assert join_clauses(["a", "b", "c"]) == "a, b and c" and join_clauses([]) == ""


@given(st.text(alphabet=" ab,.!?", max_size=30))
def test_tidying_twice_is_tidying_once_in_its_spaces(text):
    once = tidy(text)
    assert "  " not in once and once == once.strip()
