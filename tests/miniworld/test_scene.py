import statistics
from random import Random

import pytest

from altlib.miniworld.lexicon import lexicon, places, setups, things
from altlib.miniworld.scene import possible_relation, sample_scene, sample_story, scene_facts


@pytest.fixture(scope="module")
def stories():
    return [sample_story(str(i), Random(f"scene/{i}")) for i in range(1500)]


def photographs(stories):
    return [scene for story in stories for scene in story.scenes if scene.form == "photo"]


def test_a_story_depends_on_its_random_numbers_alone():
    assert sample_story("a", Random("x")) == sample_story("a", Random("x"))
    assert sample_story("a", Random("x")) != sample_story("a", Random("y"))


def test_all_kinds_of_scenes_are_posted(stories):
    assert {story.setup for story in stories} == set(setups())
    assert {len(story.scenes) for story in stories} == {1, 2, 3, 4}


def test_what_is_in_a_scene_belongs_to_its_kind(stories):
    for scene in photographs(stories):
        setup = setups()[scene.setup]
        assert scene.thing in setup.main and scene.place in setup.places
        assert scene.support in ("", *setup.supports) and scene.companion in ("", *setup.companions)
        assert bool(scene.weather) == places()[scene.place].outdoors
        assert 1 <= scene.count <= len(setup.counts) and scene.companion != scene.thing
        assert bool(scene.colour) == bool(scene.coloured)
        assert scene.coloured != "thing" or things()[scene.thing].tinted
        assert scene.coloured != "support" or scene.support


def test_nobody_wears_two_shirts_or_holds_a_sofa(stories):
    rng = Random(0)
    assert possible_relation("wearing", "👕", 1, rng) == "wearing"
    assert possible_relation("wearing", "👕", 2, rng) == "holding"
    assert possible_relation("holding", "🛋", 1, rng) in ("beside", "behind")
    for scene in photographs(stories):
        if scene.person_relation in ("holding", "wearing"):
            assert not things()[scene.thing].large and scene.count <= 2 and not scene.support


def test_no_summer_flower_stands_in_the_snow_and_no_shelf_in_a_field(stories):
    for scene in photographs(stories):
        assert not (scene.weather == "snow" and scene.companion and things()[scene.companion].summer)
        assert not (scene.support == "shelf" and places()[scene.place].outdoors)


def test_pictures_of_a_story_share_place_and_weather(stories):
    for story in stories:
        assert len({(scene.place, scene.weather) for scene in story.scenes}) == 1
    again = [len({s.thing for s in story.scenes}) == 1 for story in stories if len(story.scenes) == 2]
    assert 0.3 < statistics.mean(again) < 0.95


def test_events_suit_their_months(stories):
    months = lexicon()["said"]["months"]
    for story in stories:
        name = story.event.removeprefix(f"{story.place_name} ")
        first, last = lexicon()["events"][name]
        month = months.index(story.date.split(" ")[1]) + 1
        assert first <= month <= last or first <= month + 12 <= last
        if any(scene.weather == "snow" for scene in story.scenes):
            assert month in (12, 1, 2)


def test_facts_say_what_is_visible_and_what_the_post_tells(stories):
    for story in stories[:300]:
        for scene in story.scenes:
            facts = {fact["fact"]: fact for fact in scene_facts(story, scene)}
            assert facts["form"]["visible"] and not facts["form"]["said"]
            assert ("name" in facts) == ("name" in story.told and bool(scene.name))
            assert all(fact["visible"] != fact["said"] and fact["value"] for fact in facts.values())
            if scene.place:
                assert facts["thing"]["value"] == things()[scene.thing].nouns[0]


def test_a_fact_that_picture_and_post_share_is_both():
    story = next(s for i in range(99) if (s := sample_story("b", Random(f"both/{i}"))).scenes[0].place)
    place = story.scenes[0].place
    facts = {f["fact"]: f for f in scene_facts(story, story.scenes[0], {"place": frozenset({place, "lab"})})}
    assert facts["place"]["visible"] and facts["place"]["said"] and not facts["thing"]["said"]


def test_a_kind_of_scene_gives_a_scene_by_itself():
    scene = sample_scene(setups()["market"], Random(1))
    assert scene.setup == "market" and scene.form == "photo"
