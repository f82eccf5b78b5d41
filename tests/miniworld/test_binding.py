"""What belongs to what in a text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from altlib.miniworld.binding import is_coloured, number_of
from altlib.miniworld.reading import read_text


def things(text: str):
    found = read_text(text)
    return found, [m for m in found.mentions if m.fact == "thing"]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("A dog in a field.", "one"),
        ("Two small dogs in a field.", "two"),
        ("A pair of dogs.", "two"),
        ("A trio of dogs.", "three"),
        ("Rex and Luna the dogs.", "two"),
        ("My dog at the beach.", "one"),
        ("There are dogs here.", ""),
        ("Four. Dogs again.", ""),
        ("Four people with dogs.", ""),
    ],
)
def test_a_number_belongs_to_the_noun_that_follows_in_its_clause(text, number):
    found, (dog, *_) = things(text)
    assert dog.value == "dog" and number_of(found.words, dog) == number


@pytest.mark.parametrize(
    ("text", "colours"),
    [
        ("A red bus in a street.", {"red"}),
        ("The bus is blue.", {"blue"}),
        ("A bus beside a red crate.", set()),
        ("A red and white bus.", {"red", "white"}),
        ("It was red. A bus stands there.", set()),
    ],
)
def test_a_colour_belongs_to_the_noun_that_follows_or_that_it_is_said_of(text, colours):
    found, nouns = things(text)
    (bus,) = [m for m in nouns if m.value == "bus"]
    assert is_coloured(found.words, bus, found.mentions) == colours


@given(st.lists(st.sampled_from("two red dogs the of pair and a , bus his Biscuit trio".split()), max_size=12))
def test_any_order_of_words_can_be_bound(words):
    found, nouns = things(" ".join(words))
    for noun in nouns:
        assert number_of(found.words, noun) in ("", "one", "two", "three")
        assert is_coloured(found.words, noun, found.mentions) <= {"red"}
