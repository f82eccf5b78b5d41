"""Backdrops of places in their weather."""

import numpy as np

from altlib.miniworld.backdrops import PLACES, VARIANTS, WEATHER, backdrop, falling
from altlib.miniworld.glyphs import SIZE
from altlib.miniworld.lexicon import lexicon, places


def test_every_place_and_weather_of_the_lexicon_is_drawn():
    assert set(PLACES) == set(places())
    assert set(WEATHER) == {"", *lexicon()["weather"]}


def test_places_and_weathers_can_be_told_apart():
    drawn = {}
    for kind, place in places().items():
        for weather in lexicon()["weather"] if place.outdoors else [""]:
            image = backdrop(kind, weather, 0)
            assert image.size == (SIZE, SIZE) and image.mode == "RGB"
            drawn[kind, weather] = np.asarray(image).astype(float)
    names = list(drawn)
    for number, one in enumerate(names):
        for other in names[number + 1 :]:
            assert np.abs(drawn[one] - drawn[other]).mean() > 8, (one, other)


def test_the_variants_of_a_place_differ():
    assert len({backdrop("park", "sun", variant).tobytes() for variant in range(VARIANTS)}) == VARIANTS


def test_night_is_darker_than_day_and_snow_is_lighter():
    light = {weather: np.asarray(backdrop("field", weather, 0)).mean() for weather in ("sun", "snow", "night", "rain")}
    assert light["night"] < light["rain"] < light["sun"] < light["snow"]


def test_rain_and_snow_leave_most_of_a_picture_free():
    for weather in ("rain", "snow"):
        covered = (np.asarray(falling(weather, 0))[..., 3] > 0).mean()
        assert 0.01 < covered < 0.2
