"""What main things stand on: tables, trays, shelves and the like, in their own colours or a scene's."""

from __future__ import annotations

from PIL import ImageDraw

from altlib.miniworld.glyphs import colour_code

Draw = ImageDraw.ImageDraw
LINE = "#2b2b2b"
# Where things stand on each, in pixels from the top; and its colour if the scene gives none.
SUPPORTS = {
    "table": (68, "#a8743f"),
    "bench": (72, "#8b6b47"),
    "shelf": (70, "#c9a06b"),
    "crate": (76, "#c9a15f"),
    "plinth": (68, "#e9e6df"),
    "cloth": (72, "#efe4cc"),
    "tray": (80, "#c3c9ce"),
    "plate": (82, "#fafafa"),
    "blanket": (82, "#cdbb9a"),
    "mat": (84, "#9a8f7f"),
}


def shade(colour: tuple[int, int, int], factor: float) -> tuple[int, int, int]:
    """A colour with less or more light."""
    return tuple(min(255, int(c * factor)) for c in colour)  # type: ignore[return-value]


def fill_of(support: str, colour: str) -> tuple[int, int, int]:
    """Red, green and blue of a support.

    Args:
        support: Its name.
        colour: A colour of the lexicon, or nothing for its own.
    """
    own = SUPPORTS[support][1]
    return colour_code(colour) if colour else (int(own[1:3], 16), int(own[3:5], 16), int(own[5:7], 16))


def draw_support(draw: Draw, support: str, colour: str, left: int, right: int) -> None:
    """Draw a support below where things stand; for a crate, its inside.

    Args:
        draw: Of the picture.
        support: Its name.
        colour: A colour of the lexicon, or nothing for its own.
        left: Where the things on it begin, in pixels.
        right: Where they end.
    """
    top, fill = SUPPORTS[support][0], fill_of(support, colour)
    dark, light = shade(fill, 0.72), shade(fill, 1.15)
    a, b = max(2, left - 8), min(93, right + 8)
    match support:
        case "table":
            for x in (a + 3, b - 7):
                draw.rectangle((x, top + 6, x + 4, 95), fill=dark, outline=LINE)
            draw.polygon([(a + 5, top - 6), (b - 5, top - 6), (b, top + 4), (a, top + 4)], fill=light, outline=LINE)
            draw.rectangle((a, top + 4, b, top + 9), fill=fill, outline=LINE)
        case "bench":
            for y in (top - 24, top - 15):
                draw.rectangle((a, y, b, y + 5), fill=fill, outline=LINE)
            for x in (a + 4, b - 8):
                draw.rectangle((x, top - 24, x + 3, top), fill=dark)
                draw.line((x, top + 4, x - 3, 92), fill=LINE, width=3)
                draw.line((x + 3, top + 4, x + 6, 92), fill=LINE, width=3)
            draw.rectangle((a, top - 3, b, top + 4), fill=light, outline=LINE)
        case "shelf":
            draw.rectangle((0, top, 95, top + 5), fill=fill, outline=LINE)
            for x in (14, 78):
                draw.polygon([(x, top + 6), (x + 5, top + 6), (x + 5, top + 20)], fill=dark, outline=LINE)
        case "crate":
            draw.polygon([(a + 4, top - 13), (b - 4, top - 13), (b, top - 4), (a, top - 4)], fill=dark, outline=LINE)
        case "plinth":
            a, b = max(6, left - 3), min(90, right + 3)
            draw.rectangle((a + 4, top + 6, b - 4, 95), fill=fill, outline=LINE)
            draw.rectangle((a + 4, top + 6, a + 10, 95), fill=light)
            draw.rectangle((a, top - 2, b, top + 6), fill=light, outline=LINE)
        case _:
            draw_flat(draw, support, fill, a, b)


def draw_flat(draw: Draw, support: str, fill: tuple[int, int, int], a: int, b: int) -> None:
    """Draw a support that lies flat: a cloth, tray, plate, blanket or mat.

    Args:
        draw: Of the picture.
        support: Its name.
        fill: Its colour.
        a: Its left edge, in pixels.
        b: Its right edge.
    """
    top, dark = SUPPORTS[support][0], shade(fill, 0.72)
    match support:
        case "cloth":
            hem = [(b, 88)]
            for x in range(b, a, -8):
                hem += [(x - 4, 94), (max(a, x - 8), 88)]
            draw.polygon(
                [(a + 7, top - 8), (b - 7, top - 8), (b, top + 3), *hem, (a, top + 3)], fill=fill, outline=LINE
            )
            for x in range(a + 9, b - 4, 12):
                draw.line((x, top + 4, x, 89), fill=dark, width=2)
            draw.line((a, top + 3, b, top + 3), fill=dark, width=1)
        case "tray":
            draw.rounded_rectangle((a - 2, top - 8, b + 2, top + 7), 7, fill=fill, outline=LINE, width=2)
            draw.rounded_rectangle((a + 3, top - 4, b - 3, top + 3), 4, outline=dark, width=1)
            for x in (a - 4, b - 2):
                draw.arc((x, top - 5, x + 6, top + 4), 0, 360, fill=LINE, width=2)
        case "plate":
            draw.ellipse((a, top - 10, b, top + 9), fill=fill, outline=LINE)
            draw.ellipse((a + 8, top - 6, b - 8, top + 5), outline=shade(fill, 0.8), width=2)
        case "blanket":
            draw.polygon([(a + 6, top - 14), (b - 6, top - 14), (b + 2, 93), (a - 2, 93)], fill=fill, outline=LINE)
            for share in (0.2, 0.4, 0.6, 0.8):
                end = a + (b - a) * share
                draw.line((48 + (end - 48) * 0.88, top - 13, end, 92), fill=dark, width=2)
            for y in (top - 8, top, top + 7):
                draw.line((a + 2, y, b - 2, y), fill=dark)
        case "mat":
            draw.ellipse((a - 2, top - 12, b + 2, top + 9), fill=fill, outline=LINE)
            draw.ellipse((a + 4, top - 9, b - 4, top + 6), outline=dark, width=2)


def draw_crate_front(draw: Draw, colour: str, left: int, right: int) -> None:
    """Draw the boards of a crate before the things in it.

    Args:
        draw: Of the picture.
        colour: A colour of the lexicon, or nothing for its own.
        left: Where the things in it begin, in pixels.
        right: Where they end.
    """
    top, fill = SUPPORTS["crate"][0], fill_of("crate", colour)
    a, b = max(2, left - 8), min(93, right + 8)
    for y in (top - 4, top + 3, top + 10):
        draw.rectangle((a, y, b, y + 5), fill=fill, outline=LINE)
    for x in (a, b - 5):
        draw.rectangle((x, top - 5, x + 5, top + 16), fill=shade(fill, 0.8), outline=LINE)
