"""Photographs show every visible fact of a scene."""

from dataclasses import replace
from random import Random

import numpy as np
import pytest

from altlib.miniworld.glyphs import SIZE, sized_glyph
from altlib.miniworld.lexicon import people, places
from altlib.miniworld.photographs import (
    draw_photo,
    group_width,
    person_height,
    plan,
    shirt,
    standing_person,
    thing_spots,
)
from altlib.miniworld.scene import sample_story

PHOTOS = [
    scene for i in range(700) for scene in sample_story(str(i), Random(f"photo/{i}")).scenes if scene.form == "photo"
]


def with_fact(**facts):
    """The first photographs whose facts are as given; a value of True is any."""
    return [
        s for s in PHOTOS if all(bool(getattr(s, k)) if v is True else getattr(s, k) == v for k, v in facts.items())
    ]


def changed(scene, **facts) -> float:
    """Share of the pixels that change when facts of a scene do."""
    one, other = np.asarray(draw_photo(scene)), np.asarray(draw_photo(replace(scene, **facts)))
    return float((one != other).any(-1).mean())


def test_the_same_scene_gives_the_same_pixels_and_no_backdrop_is_painted_over():
    for scene in PHOTOS[:20]:
        assert draw_photo(scene).tobytes() == draw_photo(scene).tobytes()


def other_value(scene, fact: str) -> dict[str, str | int]:
    """The scene's facts with another value of one of them, and what must change with it."""
    values = sorted({getattr(s, fact) for s in with_fact(**{fact: True})} - {getattr(scene, fact)})
    if fact == "person":
        return {"person": values[0], "person_kind": next(k for k, p in people().items() if values[0] in p.glyphs)}
    if fact == "place":
        values = [place for place in values if places()[place].outdoors == bool(scene.weather)]
    return {fact: values[0]}


@pytest.mark.parametrize("fact", ["count", "thing", "companion", "person", "support", "place", "weather", "colour"])
def test_a_change_of_a_visible_fact_changes_the_picture(fact):
    scenes = [s for s in with_fact(**{fact: True}) if s.person_relation not in ("holding", "wearing")][:40]
    assert len(scenes) > 10
    for scene in scenes:
        assert changed(scene, **other_value(scene, fact)) > 0.003, scene


def test_things_side_by_side_do_not_hide_each_other_and_those_behind_are_higher():
    for count in (2, 3, 4, 5):
        spots = thing_spots("🍎", count, 30)
        assert len(spots) == count
        wide = sized_glyph("🍎", 30).width
        for number, (x, y) in enumerate(spots):
            for other_x, other_y in spots[number + 1 :]:
                assert abs(x - other_x) > 0.8 * wide or abs(y - other_y) > 0.5 * sized_glyph("🍎", 30).height


def test_main_things_person_and_companion_stand_beside_each_other():
    for scene in with_fact(person_relation="beside", relation="beside"):
        layout = plan(scene, Random(scene.layout_seed))
        places_taken = sorted(
            [
                (layout.person_x - 12, layout.person_x + 12),
                (layout.companion_x - layout.companion_side // 2, layout.companion_x + layout.companion_side // 2),
                (layout.middle - layout.width // 2, layout.middle + layout.width // 2),
            ]
        )
        assert places_taken[0][0] >= -4 and places_taken[-1][1] <= SIZE + 4
        for (_, right), (left, _) in zip(places_taken, places_taken[1:], strict=False):
            assert right - left < 8
        assert layout.width == group_width(scene.thing, scene.count, layout.side)


def test_children_are_smaller_than_adults():
    scene = with_fact(person=True)[0]
    heights = {
        kind: person_height(replace(scene, person_kind=kind), Random(0)) for kind in ("girl", "boy", "woman", "man")
    }
    assert max(heights["girl"], heights["boy"]) < min(heights["woman"], heights["man"])


def test_people_stand_in_the_clothes_of_their_bust():
    for person in people().values():
        for glyph in person.glyphs:
            image = standing_person(glyph, 76, person.kind == "wheelchair")
            assert image.height <= 76 and image.getbbox()
            if person.kind != "wheelchair":
                assert (np.asarray(image)[60, :, 3] > 0).any()  # there are legs
                assert max(shirt(glyph)) > 60
