"""Photographs: main things in their number on what they stand on, with people and other things around them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from random import Random

import numpy as np
from PIL import Image, ImageDraw

from altlib.miniworld.backdrops import VARIANTS, backdrop, falling
from altlib.miniworld.furniture import LINE, SUPPORTS, draw_crate_front, draw_support
from altlib.miniworld.glyphs import SIZE, master_glyph, sized_glyph, stand_glyph
from altlib.miniworld.lexicon import things
from altlib.miniworld.scene import Scene

GROUND = 84  # where things stand that stand on nothing, in pixels from the top
WATERLINE = {"lake": 74, "harbour": 72}  # where things float
SMALLER = {1: 1.0, 2: 0.82, 3: 0.7, 4: 0.64, 5: 0.58}  # size of a thing by how many there are
CHILDREN = ("girl", "boy")
WHOLE = ("wheelchair",)  # people whose glyph is not a bust
GRADUATE = "🧑‍🎓"  # the one main thing that OpenMoji draws as a bust
ON_GROUND = ("pets", "farm", "transport", "movers")  # groups that stand beside a support
STANDS_ON_FLOOR = (
    "🪑",
    "🛋",
    "🥅",
    "🚩",
    "🌲",
    "⛺",
    "🔭",
    "🪜",
    "🧳",
    "🪣",
    "🧺",
    "🥁",
    "🎹",
    "⛱",
    "🤖",
    "🔥",
    "⚓",
    "🪞",
)


@dataclass
class Layout:
    """Where the parts of a photograph are, in pixels.

    Attributes:
        side: Of the square of each main thing.
        middle: Of the main things, from the left.
        width: Of all main things together.
        base: The lower edge of the main things.
        person_x: Middle of the person.
        companion_x: Middle of the companion.
        companion_side: Of its square.
    """

    side: int
    middle: int
    width: int
    base: int
    person_x: int
    companion_x: int
    companion_side: int


def full_size(glyph: str) -> int:
    """Side of the square of one main thing alone, in pixels."""
    thing = things()[glyph]
    return 56 if thing.group == "movers" else 52 if thing.large else 44


@lru_cache(maxsize=512)
def width_share(glyph: str) -> float:
    """Width of a glyph as a share of the side of its square."""
    image = master_glyph(glyph)
    return image.width / max(image.size)


def step_between(glyph: str, side: int) -> int:
    """Distance between two things of one kind that stand side by side, in pixels."""
    return max(6, round(side * (width_share(glyph) * 0.94 + 0.02)))


def group_width(glyph: str, count: int, side: int) -> int:
    """Width of some things of one kind: up to three in a row, four and five in two rows."""
    columns = {4: 2, 5: 3}.get(count, count)
    return round(side * width_share(glyph)) + (columns - 1) * step_between(glyph, side)


def thing_spots(glyph: str, count: int, side: int) -> list[tuple[int, int]]:
    """Places of things of one kind, from the back to the front, relative to the middle of their base."""
    step = step_between(glyph, side)
    if count < 4:
        return [(round((i - (count - 1) / 2) * step), 0) for i in range(count)]
    front = 2 if count == 4 else 3
    lift, shift = round(sized_glyph(glyph, side).height * 0.62), 3 if count == 4 else 0
    back = [(round((i - 0.5) * step) + shift, -lift) for i in range(2)]
    return back + [(round((i - (front - 1) / 2) * step) - shift, 0) for i in range(front)]


def base_of(scene: Scene, rng: Random) -> int:
    """Where the main things of a scene stand, in pixels from the top."""
    if scene.support:
        return SUPPORTS[scene.support][0]
    if scene.place in WATERLINE and things()[scene.thing].afloat:
        return WATERLINE[scene.place] + rng.randint(-2, 2)
    return GROUND + rng.randint(-3, 3)


def stands_beside_support(glyph: str) -> bool:
    """Whether a companion stands on the ground though the main thing stands on something."""
    return things()[glyph].group in ON_GROUND or things()[glyph].large or glyph in STANDS_ON_FLOOR


def plan(scene: Scene, rng: Random) -> Layout:
    """Place the parts of a photograph so that none hides another."""
    person_width = 30 if scene.person_relation == "beside" else 0
    companion_side = 0
    if scene.companion:
        companion_side = 30 if things()[scene.companion].large or scene.companion in STANDS_ON_FLOOR else 25
    companion_width = companion_side if scene.relation == "beside" else 0
    side = round(full_size(scene.thing) * SMALLER[scene.count])
    if scene.person_relation in ("holding", "wearing"):
        side = round(32 * (1.0 if scene.count == 1 else 0.8))
    elif scene.person_relation == "behind":
        side = min(side, 40 if scene.count < 4 else 26)
    space = SIZE - 4 - person_width - companion_width
    while group_width(scene.thing, scene.count, side) > space:
        side -= 2
    side -= side % 2
    width = group_width(scene.thing, scene.count, side)
    total = person_width + width + companion_width
    slack = max(0, (SIZE - total) // 2 - 2)
    start = (SIZE - total) // 2 + rng.randint(-min(slack, 6), min(slack, 6))
    order = [("person", person_width), ("main", width), ("companion", companion_width)]
    if rng.random() < 0.5:
        order.reverse()
    middles = {}
    for part, wide in order:
        middles[part] = start + wide // 2
        start += wide
    middle, away = middles["main"], rng.choice((-1, 1))
    layout = Layout(side, middle, width, base_of(scene, rng), middles["person"], middles["companion"], companion_side)
    if scene.person_relation in ("holding", "wearing"):
        layout.person_x = middle
    elif scene.person_relation == "behind":
        shift = width // 2 if things()[scene.thing].group == "movers" else rng.randint(0, 10)
        layout.person_x = max(18, min(SIZE - 18, middle - away * shift))
    if scene.companion and scene.relation != "beside":
        reach = width // 2 + (companion_side // 5 if scene.relation == "behind" else -4)
        layout.companion_x = max(14, min(SIZE - 14, middle + away * reach))
    return layout


@lru_cache(maxsize=512)
def shirt(glyph: str) -> tuple[int, int, int]:
    """The colour of the lower edge of a bust, in its middle third."""
    pixels = np.asarray(master_glyph(glyph))
    row = pixels[len(pixels) - 6, pixels.shape[1] // 3 : 2 * pixels.shape[1] // 3].tolist()
    found = Counter((red, green, blue) for red, green, blue, solid in row if solid > 200 and max(red, green, blue) > 60)
    return found.most_common(1)[0][0] if found else (70, 70, 80)


@lru_cache(maxsize=2048)
def standing_person(glyph: str, height: int, whole: bool) -> Image.Image:
    """Somebody from head to foot, RGBA: OpenMoji's bust on a body in the same clothes.

    Args:
        glyph: A bust, or a whole figure.
        height: In pixels.
        whole: Whether the glyph is the whole figure.
    """
    if whole:
        return sized_glyph(glyph, round(height * 0.8))
    bust = sized_glyph(glyph, round(height * 0.55))
    image = Image.new("RGBA", (bust.width, height))
    draw = ImageDraw.Draw(image)
    middle, top, wide = bust.width // 2, bust.height - 3, max(7, round(bust.width * 0.27))
    hip = top + round((height - top) * 0.45)
    draw.rectangle((middle - wide, top, middle + wide, hip), fill=shirt(glyph), outline=LINE)
    draw.rectangle((middle - wide, hip, middle - 2, height - 3), fill="#3d4a63", outline=LINE)
    draw.rectangle((middle + 2, hip, middle + wide, height - 3), fill="#3d4a63", outline=LINE)
    for x in (middle - wide - 1, middle + 2):
        draw.rectangle((x, height - 4, x + wide - 1, height - 1), fill="#2b2320")
    image.alpha_composite(bust, (0, 0))
    return image


def person_height(scene: Scene, rng: Random) -> int:
    """How tall the person of a scene is, in pixels."""
    return (58 if scene.person_kind in CHILDREN else 76) + 2 * rng.randint(-1, 1)


def draw_person(image: Image.Image, scene: Scene, x: int, feet: int, height: int) -> None:
    """Draw the person of a scene standing."""
    stand_glyph(image, standing_person(scene.person, height, scene.person_kind in WHOLE), x, feet)


def draw_shadow(draw: ImageDraw.ImageDraw, x: int, bottom: int, wide: int) -> None:
    """Draw the shadow of something that stands on the ground."""
    draw.ellipse((x - wide // 2, bottom - 3, x + wide // 2, bottom + 3), fill=(0, 0, 0, 60))


def draw_things(image: Image.Image, scene: Scene, layout: Layout, rng: Random) -> None:
    """Draw the main things in their number."""
    colour = scene.colour if scene.coloured == "thing" else ""
    mirrored = rng.random() < 0.5
    for dx, dy in thing_spots(scene.thing, scene.count, layout.side):
        if scene.thing == GRADUATE:
            sticker = standing_person(scene.thing, layout.side + 14, False)
        else:
            sticker = sized_glyph(scene.thing, layout.side, mirrored, colour)
        stand_glyph(image, sticker, layout.middle + dx, layout.base + dy)


def draw_companion(image: Image.Image, scene: Scene, layout: Layout, rng: Random) -> None:
    """Draw the other thing where its relation says."""
    bottom = layout.base
    grounded = not scene.support or stands_beside_support(scene.companion)
    if scene.support and grounded and scene.relation == "beside":
        bottom = 92
    elif layout.base in range(60, 78) and not scene.support and not things()[scene.companion].afloat:
        bottom = 94 if scene.relation != "behind" else bottom - 8  # on the shore
    elif scene.person_relation in ("holding", "wearing"):
        bottom = {"behind": 82, "in front of": 94}.get(scene.relation, 91)
    elif scene.relation == "behind":
        bottom -= 11 if not scene.support else 6
    elif scene.relation == "in front of":
        bottom = min(95, bottom + (10 if not scene.support else 8))
    sticker = sized_glyph(scene.companion, layout.companion_side, rng.random() < 0.5)
    if scene.relation == "behind":
        out = abs(layout.companion_x - layout.middle) - layout.width // 2
        if out < 3:  # hardly any of it is beside the main things: show it above them
            bottom = min(bottom, layout.base - sized_glyph(scene.thing, layout.side).height + sticker.height // 2)
    stand_glyph(image, sticker, layout.companion_x, bottom)


WORN_AT = {  # where what somebody wears is: its middle as a share of their height from the top, and its width
    "🧢": (0.10, 0.36),
    "🎩": (0.06, 0.36),
    "🧣": (0.45, 0.40),
    "👕": (0.55, 0.56),
    "🧥": (0.62, 0.60),
    "👗": (0.66, 0.62),
}


def draw_wearer(image: Image.Image, scene: Scene, layout: Layout, height: int) -> None:
    """Draw somebody who wears the main thing."""
    feet = 92
    draw_person(image, scene, layout.person_x, feet, height)
    share, wide = WORN_AT[scene.thing]
    colour = scene.colour if scene.coloured == "thing" else ""
    top = feet - (round(height * 0.8) if scene.person_kind in WHOLE else height)
    side = round(height * wide)
    sticker = sized_glyph(scene.thing, side, False, colour)
    middle = top + round((feet - top) * share)
    stand_glyph(image, sticker, layout.person_x, middle + sticker.height // 2)


def draw_holder(image: Image.Image, scene: Scene, layout: Layout, height: int, rng: Random) -> None:
    """Draw somebody who holds the main things in front of them."""
    feet = 92
    draw_person(image, scene, layout.person_x, feet, height)
    hands = feet - round(height * (0.26 if scene.person_kind in WHOLE else 0.30))
    spread = 0 if scene.count == 1 else 17
    layout.base, layout.middle = hands + layout.side // 2, layout.person_x
    colour = scene.colour if scene.coloured == "thing" else ""
    draw = ImageDraw.Draw(image)
    spots = [0] if scene.count == 1 else [-spread, spread]
    for dx in spots:
        sticker = sized_glyph(scene.thing, layout.side, rng.random() < 0.5, colour)
        stand_glyph(image, sticker, layout.person_x + dx, hands + sticker.height // 2)
    reach = sized_glyph(scene.thing, layout.side, False, colour).width // 2 if scene.count == 1 else spread
    for x in (layout.person_x - reach, layout.person_x + reach):
        draw.ellipse((x - 4, hands - 2, x + 3, hands + 5), fill="#fcea2b", outline=LINE)


def draw_photo(scene: Scene) -> Image.Image:
    """A photograph, RGB, ``SIZE`` pixels square."""
    rng = Random(scene.layout_seed)
    image = backdrop(scene.place, scene.weather, rng.randrange(VARIANTS)).copy()
    draw = ImageDraw.Draw(image, "RGBA")
    layout, height = plan(scene, rng), person_height(scene, rng)
    left, right = layout.middle - layout.width // 2, layout.middle + layout.width // 2
    in_hand = scene.person_relation in ("holding", "wearing")
    if scene.person_relation == "behind":
        feet = min(layout.base - 4, 80) if not scene.support else layout.base + (12 if layout.base < 78 else -8)
        draw_person(image, scene, layout.person_x, max(feet, height), height)
    if scene.support:
        on_it = bool(scene.companion) and not stands_beside_support(scene.companion)
        if on_it and scene.relation == "beside":
            left, right = min(left, layout.companion_x - 10), max(right, layout.companion_x + 10)
        draw_support(draw, scene.support, scene.colour if scene.coloured == "support" else "", left, right)
    if scene.relation == "behind":
        draw_companion(image, scene, layout, rng)
    if in_hand:
        if scene.relation == "beside":
            layout.companion_x = layout.person_x + (30 if layout.companion_x > layout.person_x else -30)
        draw_shadow(draw, layout.person_x, 91, 30)
        if scene.person_relation == "wearing":
            draw_wearer(image, scene, layout, height)
        else:
            draw_holder(image, scene, layout, height, rng)
    else:
        if not scene.support:
            draw_shadow(draw, layout.middle, layout.base, layout.width)
        draw_things(image, scene, layout, rng)
    if scene.support == "crate":
        draw_crate_front(draw, scene.colour if scene.coloured == "support" else "", left, right)
    if scene.person_relation == "beside":
        draw_shadow(draw, layout.person_x, 91, 24)
        draw_person(image, scene, layout.person_x, 92, height)
    if scene.relation in ("beside", "in front of"):
        draw_companion(image, scene, layout, rng)
    if scene.weather in ("rain", "snow"):
        overlay = falling(scene.weather, rng.randrange(VARIANTS))
        image.paste(overlay, (0, 0), overlay)
    return image
