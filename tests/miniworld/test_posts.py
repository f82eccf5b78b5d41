from random import Random

import pytest

from altlib.miniworld.grammar import slots_of
from altlib.miniworld.lexicon import authors, read, setups
from altlib.miniworld.posts import after_opening, name_slots, write_post
from altlib.miniworld.scene import sample_scene, sample_story


def test_every_news_line_agrees_with_one_and_with_many():
    scene = next(s for i in range(99) if (s := sample_scene(setups()["market"], Random(i))).count == 1)
    one = name_slots(scene, bare=True)
    assert one["item"].startswith(("a ", "an ")) and one["is"] == "is" and one["this"] == "this"
    scene = next(s for i in range(99) if (s := sample_scene(setups()["market"], Random(i))).count > 1)
    many = name_slots(scene, bare=False)
    assert many["is"] == "are" and many["the"].startswith("the ") and many["it"] == "them"


def test_pets_have_no_article():
    scene = next(s for i in range(99) if (s := sample_scene(setups()["pet"], Random(i))).count == 2)
    slots = name_slots(scene, bare=True)
    assert slots["item"] == slots["the"] == scene.name and " and " in scene.name and slots["has"] == "have"


@pytest.mark.parametrize(
    ("opening", "first", "whole"),
    [
        ("", "the pears are in.", "The pears are in."),
        ("Well,", "The pears are in.", "Well, the pears are in."),
        ("NEW:", "the pears are in.", "NEW: The pears are in."),
        ("Well,", "I made tea.", "Well, I made tea."),
        ("NEW:", "for sale: a lamp.", "NEW. For sale: a lamp."),
    ],
)
def test_an_opening_decides_the_next_letter(opening, first, whole):
    assert after_opening(first, opening, first, {}) == whole


def test_every_kind_of_scene_has_enough_to_say():
    for setup in setups().values():
        lines = read("posts.toml")[setup.posts]
        assert len(lines["plain"]) >= 3 and len(lines["more"]) >= 5
        assert len(lines["news"]) >= 3 or not any(setup.main.values())
        assert all(not slots_of(line) & {"name", "item", "the"} for line in lines["plain"])


def test_posts_are_as_long_as_posts_are():
    lengths = []
    for index in range(500):
        rng = Random(f"post/{index}")
        lengths.append(len(write_post(sample_story(str(index), rng), rng)))
    assert 100 < sum(lengths) / len(lengths) < 200 and max(lengths) < 500


def test_authors_are_many_and_differ():
    habits = [tuple(sorted((k, str(v)) for k, v in author.items())) for author in authors().values()]
    assert len(set(habits)) == len(habits) >= 24
