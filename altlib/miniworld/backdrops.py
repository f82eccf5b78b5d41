"""Backdrops: the kinds of places in their weather and light."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from random import Random

from PIL import Image, ImageDraw

from altlib.miniworld import places_indoors, places_outdoors
from altlib.miniworld.glyphs import SIZE

VARIANTS = 6  # drawings of each place in each weather

# Of the sky (above, at the horizon), and by what red, green and blue of everything below are multiplied.
WEATHER = {
    "": ("#ffffff", "#ffffff", (1.0, 1.0, 1.0)),
    "sun": ("#58b4f0", "#cdeefc", (1.0, 1.0, 1.0)),
    "cloud": ("#a4aeb7", "#d5dadd", (0.86, 0.88, 0.90)),
    "rain": ("#6d7986", "#a0abb4", (0.70, 0.74, 0.80)),
    "snow": ("#c3ced8", "#eef2f5", (0.95, 0.97, 1.0)),
    "dusk": ("#6b3f86", "#ff9d4d", (0.92, 0.66, 0.60)),
    "night": ("#070c2b", "#1d2650", (0.34, 0.37, 0.55)),
}


PLACES: dict[
    str, tuple[Callable[[ImageDraw.ImageDraw, int, Random], None], int]
] = {  # how each place is drawn; where its floor begins
    "kitchen": (places_indoors.kitchen, 66),
    "living_room": (places_indoors.living_room, 64),
    "bedroom": (places_indoors.bedroom, 66),
    "hall": (places_indoors.hall, 64),
    "stage": (places_indoors.stage, 66),
    "classroom": (places_indoors.classroom, 62),
    "workshop": (places_indoors.workshop, 62),
    "shop": (places_indoors.shop, 66),
    "cafe": (places_indoors.cafe, 62),
    "gallery": (places_indoors.gallery, 62),
    "lab": (places_indoors.lab, 60),
    "garden": (places_outdoors.garden, 58),
    "park": (places_outdoors.park, 54),
    "street": (places_outdoors.street, 60),
    "market": (places_outdoors.market, 60),
    "field": (places_outdoors.field, 50),
    "beach": (places_outdoors.beach, 56),
    "harbour": (places_outdoors.harbour, 56),
    "woods": (places_outdoors.woods, 58),
    "hills": (places_outdoors.hills, 54),
    "station": (places_outdoors.station, 58),
    "lake": (places_outdoors.lake, 50),
}


def sky(weather: str, rng: Random) -> Image.Image:
    """The sky with what the weather puts there: sun, clouds, a low sun, or moon and stars."""
    above, below, _ = WEATHER[weather]
    ends = Image.new("RGB", (1, 2))
    ends.putpixel((0, 0), tuple(int(above[i : i + 2], 16) for i in (1, 3, 5)))
    ends.putpixel((0, 1), tuple(int(below[i : i + 2], 16) for i in (1, 3, 5)))
    image = Image.new("RGB", (SIZE, SIZE), below)
    image.paste(ends.resize((SIZE, 60), Image.Resampling.BILINEAR))
    draw = ImageDraw.Draw(image)
    left = rng.choice((6, 70))
    match weather:
        case "sun":
            draw.ellipse((left, 3, left + 18, 21), fill="#ffe23d", outline="#f7b500", width=2)
        case "cloud" | "rain":
            fill = "#eceff1" if weather == "cloud" else "#545f6a"
            for x in range(rng.randint(-16, 0), SIZE, 34):
                y = rng.randint(0, 8)
                for dx, dy, r in ((0, 6, 8), (9, 2, 10), (20, 6, 8)):
                    draw.ellipse((x + dx, y + dy, x + dx + 2 * r, y + dy + 2 * r - 4), fill=fill)
        case "dusk":
            draw.ellipse((left - 2, 22, left + 24, 48), fill="#ffd166")
        case "night":
            draw.ellipse((left, 4, left + 16, 20), fill="#f6f1d1")
            draw.ellipse((left + 6, 2, left + 20, 17), fill=above)
            for _ in range(34):
                x, y = rng.randint(0, SIZE - 2), rng.randint(0, 50)
                draw.rectangle((x, y, x + rng.randint(0, 1), y), fill="#ffffff")
    return image


@cache
def backdrop(place: str, weather: str, variant: int) -> Image.Image:
    """A place in its weather, RGB, ``SIZE`` pixels square; it must not be changed.

    Args:
        place: A kind of place of the lexicon.
        weather: A kind of weather of the lexicon, or nothing indoors.
        variant: From 0 to ``VARIANTS`` - 1.
    """
    rng = Random(f"{place}/{weather}/{variant}")
    draw_place, floor = PLACES[place]
    image = Image.new("RGBA", (SIZE, SIZE))
    draw_place(ImageDraw.Draw(image), floor + rng.randint(-2, 2), rng)
    if weather == "snow":
        snow = Image.new("RGBA", (SIZE, SIZE), "#ffffff")
        depth = Image.new("L", (SIZE, SIZE), 70)
        depth.paste(205, (0, floor, SIZE, SIZE))
        image = Image.composite(Image.composite(snow, image, depth), image, image.getchannel("A"))
    lit = image.convert("RGB")
    factors = WEATHER[weather][2]
    lit = Image.merge(
        "RGB", [band.point(lambda v, f=f: int(v * f)) for band, f in zip(lit.split(), factors, strict=True)]
    )
    above = sky(weather, rng)
    above.paste(lit, (0, 0), image.getchannel("A").point(lambda v: 255 if v > 127 else 0))
    return above


@cache
def falling(weather: str, variant: int) -> Image.Image:
    """Rain or snow that falls before everything, RGBA."""
    rng = Random(f"falling/{weather}/{variant}")
    image = Image.new("RGBA", (SIZE, SIZE))
    draw = ImageDraw.Draw(image)
    for _ in range(46):
        x, y = rng.randint(0, SIZE), rng.randint(-6, SIZE)
        if weather == "rain":
            draw.line((x, y, x - 3, y + 8), fill=(205, 225, 245, 190))
        else:
            draw.ellipse((x, y, x + 2, y + 2), fill=(255, 255, 255, 240))
    return image
