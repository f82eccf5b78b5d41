from dataclasses import replace
from random import Random

import pytest

from altlib.miniworld.lexicon import setups
from altlib.miniworld.phrases import habitual, named, pronouns, relation_phrase, where_phrase
from altlib.miniworld.scene import sample_scene


@pytest.fixture(scope="module")
def apples():
    scene = sample_scene(replace(setups()["market"], main={"🍎": ("Bramley",)}), Random(0))
    return replace(scene, count=2, place="market")


def test_numbers_colours_names_and_nouns_stand_in_their_order(apples):
    rng = Random(0)
    assert named(apples, "apple", "red", "Bramley", rng) in ("two red Bramley apples", "a pair of red Bramley apples")
    assert named(replace(apples, count=1), "apple", "", "", rng) == "an apple"
    assert named(replace(apples, named_the=True), "dog", "", "Clover and Bean", rng) == "Clover and Bean the dogs"


def test_pronouns_agree_and_people_are_not_things(apples):
    assert pronouns(apples)["them"] == "them" and pronouns(replace(apples, count=1))["them"] == "it"
    assert pronouns(replace(apples, thing="🏃", count=1))["their"] == "the runner's"


def test_a_place_has_the_preposition_that_it_needs(apples):
    assert where_phrase(apples, 0, Random(1), "Hartwick") in (
        "at the market in Hartwick",
        "at the street market in Hartwick",
    )
    boat = replace(apples, thing="⛵", place="lake", person="", companion="🦆")
    assert any(where_phrase(boat, 0, Random(i)) == "on the lake" for i in range(9))
    assert where_phrase(replace(apples, place="kitchen"), 0, Random(0), "Hartwick") == "in a kitchen in Hartwick"
    swimmer = replace(boat, thing="🏊")
    assert any(where_phrase(swimmer, 0, Random(i)) == "in the lake" for i in range(9))
    crowded = replace(boat, companion="🪣")  # a bucket is not on the water
    assert not any(where_phrase(crowded, 0, Random(i)) == "on the lake" for i in range(9))


def test_an_event_follows_its_place(apples):
    assert (
        where_phrase(apples, 0, Random(0), "Hartwick", "Hartwick Open Day")
        == "at the market during the Hartwick Open Day"
    )
    hall = where_phrase(replace(apples, place="hall"), 0, Random(0), "Hartwick", "Hartwick Open Day")
    assert hall.endswith("hall at the Hartwick Open Day")


def test_relations_speak_of_the_main_thing(apples):
    assert relation_phrase("beside", apples, 0, Random(0)) in ("beside them", "next to them", "at their side")
    assert relation_phrase("in front of", apples, 0, Random(0)).startswith(
        ("in front", "in the foreground", "right in front")
    )


def test_authors_use_their_usual_word_most_of_the_time():
    rng = Random(0)
    words = [habitual(["a", "b", "c"], 1, rng) for _ in range(500)]
    assert words.count("b") > 330 and {"a", "c"} <= set(words)
