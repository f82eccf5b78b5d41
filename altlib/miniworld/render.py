"""Draw scenes: one picture shows every visible fact of its scene.

The glyphs are OpenMoji's (CC BY-SA 4.0); pictures that are made here are therefore CC BY-SA 4.0 too.
"""

from __future__ import annotations

from random import Random

from PIL import Image, ImageEnhance, ImageFilter, ImageOps

from altlib.miniworld.backdrops import VARIANTS, backdrop, falling
from altlib.miniworld.documents import (
    draw_card,
    draw_chart,
    draw_map,
    draw_poster,
    draw_receipt,
    draw_screenshot,
)
from altlib.miniworld.glyphs import SIZE, colour_code, sized_glyph, stand_glyph
from altlib.miniworld.lexicon import things
from altlib.miniworld.photographs import WATERLINE, draw_photo, thing_spots
from altlib.miniworld.scene import Scene

FRAME = 8  # width of an artwork's frame, in pixels


def draw_artwork(scene: Scene, rng: Random) -> Image.Image:
    """The main things at a place, in the manner of a medium, in a coloured frame."""
    image = backdrop(scene.place, scene.weather, rng.randrange(VARIANTS)).copy()
    side = {1: 52, 2: 38, 3: 30}[scene.count]
    bottom = WATERLINE[scene.place] if scene.place in WATERLINE and things()[scene.thing].afloat else 80
    mirrored = rng.random() < 0.5
    for dx, dy in thing_spots(scene.thing, scene.count, side):
        stand_glyph(image, sized_glyph(scene.thing, side, mirrored), 48 + dx, bottom + dy)
    if scene.weather in ("rain", "snow"):
        overlay = falling(scene.weather, rng.randrange(VARIANTS))
        image.paste(overlay, (0, 0), overlay)
    match scene.detail:
        case "pencil":
            image = ImageOps.autocontrast(image.convert("L")).convert("RGB")
        case "pixel":
            image = image.resize((32, 32), Image.Resampling.BOX).resize((SIZE, SIZE), Image.Resampling.NEAREST)
        case "watercolour":
            image = ImageEnhance.Brightness(ImageEnhance.Color(image).enhance(0.55)).enhance(1.3)
            image = image.filter(ImageFilter.BoxBlur(1))
        case "oil":
            image = ImageEnhance.Color(image.filter(ImageFilter.MedianFilter(5))).enhance(1.6)
    framed = ImageOps.expand(image.crop((FRAME, FRAME, SIZE - FRAME, SIZE - FRAME)), 1, "#2b2b2b")
    return ImageOps.expand(framed, FRAME - 1, colour_code(scene.colour))


def render(scene: Scene) -> Image.Image:
    """The picture of a scene, RGB, ``SIZE`` pixels square; the same scene always gives the same pixels.

    Raises:
        ValueError: The scene has an unknown form.
    """
    if scene.form == "photo":
        return draw_photo(scene)
    drawn = {
        "artwork": draw_artwork,
        "poster": draw_poster,
        "chart": draw_chart,
        "map": draw_map,
        "screenshot": draw_screenshot,
        "card": draw_card,
        "receipt": draw_receipt,
    }
    if scene.form not in drawn:
        raise ValueError(f"unknown form of picture {scene.form!r}")
    return drawn[scene.form](scene, Random(scene.layout_seed))
