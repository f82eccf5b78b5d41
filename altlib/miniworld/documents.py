"""Pictures that are not photographs: posters, charts, maps, screenshots, cards, receipts."""

from __future__ import annotations

import textwrap
from random import Random

from PIL import Image, ImageDraw

from altlib.miniworld.furniture import shade
from altlib.miniworld.glyphs import SIZE, colour_code, sized_glyph, stand_glyph, text_font
from altlib.miniworld.scene import Scene

Draw = ImageDraw.ImageDraw


def ink_on(colour: str) -> str:
    """Black or white, whichever is readable on a colour."""
    red, green, blue = colour_code(colour)
    return "#1d1d1f" if 0.3 * red + 0.59 * green + 0.11 * blue > 140 else "#ffffff"


def write_lines(draw: Draw, words: str, middle: int, top: int, room: tuple[int, int], fill: str) -> None:
    """Write words in the middle, in the largest letters whose lines fit.

    Args:
        draw: Of the picture.
        words: What is written.
        middle: Of the lines, in pixels from the left.
        top: Of the first line.
        room: Width and height that the lines may have.
        fill: Colour of the letters.
    """
    for pixels in (14, 12, 10, 9, 8, 7):
        font = text_font(pixels)
        lines = textwrap.wrap(words, max(1, int(room[0] / (pixels * 0.68))))
        if len(lines) * (pixels + 1) <= room[1] and all(font.getlength(line) <= room[0] for line in lines):
            break
    for number, line in enumerate(lines):
        draw.text((middle, top + number * (pixels + 1)), line, font=font, fill=fill, anchor="mt")


def draw_poster(scene: Scene, rng: Random) -> Image.Image:
    """A coloured sheet on a wall, with a glyph above what is announced and the date."""
    image = Image.new("RGB", (SIZE, SIZE), rng.choice(("#cfc8bd", "#bfc7cc", "#d6cfc0")))
    draw = ImageDraw.Draw(image)
    draw.rectangle((7, 3, 91, 94), fill="#8f8a80")
    draw.rectangle((5, 1, 89, 92), fill=colour_code(scene.colour), outline="#2b2b2b")
    stand_glyph(image, sized_glyph(scene.thing, 36), 47 + rng.randint(-4, 4), 41)
    what, _, when = scene.words.partition(", ")
    ink = ink_on(scene.colour)
    write_lines(draw, what, 47, 44, (80, 30), ink)
    draw.text((47, 82), when, font=text_font(9), fill=ink, anchor="mm")
    return image


def trend_heights(trend: str, rng: Random) -> list[float]:
    """Seven heights from 0 to 1 that show a trend."""
    shape = {
        "up": [i / 6 for i in range(7)],
        "down": [1 - i / 6 for i in range(7)],
        "peak": [1 - abs(i - 3) / 3 for i in range(7)],
        "dip": [abs(i - 3) / 3 for i in range(7)],
        "flat": [0.5] * 7,
    }[trend]
    return [min(1.0, max(0.0, y + rng.uniform(-0.04, 0.04))) for y in shape]


def draw_chart(scene: Scene, rng: Random) -> Image.Image:
    """A bar chart, line graph or pie chart whose shape is the trend."""
    image = Image.new("RGB", (SIZE, SIZE), "#ffffff")
    draw = ImageDraw.Draw(image)
    fill = colour_code(scene.colour)
    draw.rectangle((14, 5, rng.randint(50, 80), 8), fill="#5a5a5a")
    heights = [14 + 52 * y for y in trend_heights(scene.trend, rng)]
    if scene.detail == "pie":
        start = -90.0
        for number, height in enumerate(heights):
            sweep = 360 * height / sum(heights)
            part = (
                shade(fill, 1.0 - 0.09 * number)
                if scene.colour not in ("black",)
                else shade((60, 60, 64), 1 + 0.3 * number)
            )
            draw.pieslice(
                (15, 16, 81, 82),
                start,
                start + sweep,
                fill=part,
                outline="#ffffff" if scene.colour != "white" else "#333333",
                width=2,
            )
            start += sweep
        draw.ellipse((15, 16, 81, 82), outline="#333333")
        return image
    for y in (27, 43, 59, 75):
        draw.line((12, y, 92, y), fill="#e3e3e3")
    points = [(19 + 12 * i, 85 - height) for i, height in enumerate(heights)]
    if scene.detail == "bar":
        for x, top in points:
            draw.rectangle((x - 4, top, x + 4, 85), fill=fill, outline="#333333")
    else:
        draw.line(points, fill="#333333", width=6)
        draw.line(points, fill=fill, width=4)
        for x, top in points:
            draw.ellipse((x - 3, top - 3, x + 3, top + 3), fill=fill, outline="#333333")
    draw.line((11, 14, 11, 86, 93, 86), fill="#333333", width=2)
    return image


def draw_map(scene: Scene, rng: Random) -> Image.Image:
    """Roads, a river and parks, with a coloured route, who takes it, and the name of the town."""
    image = Image.new("RGB", (SIZE, SIZE), "#f1ede1")
    draw = ImageDraw.Draw(image)
    for _ in range(3):
        x, y = rng.randint(0, 70), rng.randint(14, 70)
        draw.rectangle((x, y, x + rng.randint(14, 26), y + rng.randint(10, 20)), fill="#c9e3b4")
    bend = rng.randint(20, 80)
    draw.line((bend, 0, bend + rng.randint(-30, 30), 50, bend + rng.randint(-40, 40), SIZE), fill="#9ccbe6", width=8)
    for _ in range(4):
        draw.line((0, rng.randint(10, 90), SIZE, rng.randint(10, 90)), fill="#ffffff", width=4)
        draw.line((rng.randint(5, 90), 0, rng.randint(5, 90), SIZE), fill="#ffffff", width=3)
    route = [(14 + 17 * i, rng.randint(30, 74)) for i in range(5)]
    draw.line(route, fill="#333333", width=6, joint="curve")
    draw.line(route, fill=colour_code(scene.colour), width=4, joint="curve")
    for x, y in (route[0], route[-1]):
        draw.ellipse((x - 4, y - 4, x + 4, y + 4), fill="#ffffff", outline="#333333", width=2)
    x, y = route[2]
    y = max(50, y)
    draw.ellipse((x - 19, y - 34, x + 19, y + 4), fill="#ffffff", outline="#555555")
    stand_glyph(image, sized_glyph(scene.thing, 30), x, y)
    draw.rectangle((0, 0, SIZE, 13), fill="#ffffff")
    draw.text((48, 7), scene.words, font=text_font(9), fill="#333333", anchor="mm")
    return image


def draw_screenshot(scene: Scene, rng: Random) -> Image.Image:
    """A chat, calendar, timetable, settings page or terminal below a coloured bar with a date."""
    dark = scene.detail == "code"
    image = Image.new("RGB", (SIZE, SIZE), "#16181c" if dark else "#fafafa")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, SIZE, 17), fill=colour_code(scene.colour))
    draw.line((0, 18, SIZE, 18), fill="#555555")
    draw.text((48, 9), scene.words, font=text_font(9), fill=ink_on(scene.colour), anchor="mm")
    match scene.detail:
        case "chat":
            for y in range(23, 90, 14):
                left = rng.random() < 0.5
                x, wide = (5, rng.randint(34, 54)) if left else (91, -rng.randint(34, 54))
                box = (min(x, x + wide), y, max(x, x + wide), y + 10)
                draw.rounded_rectangle(box, 5, fill="#d6d9de" if left else "#9fd8a8")
                draw.line((box[0] + 6, y + 5, box[2] - 8, y + 5), fill="#555a60", width=2)
        case "calendar":
            marked = rng.sample(range(24), 3)
            for cell in range(24):
                x, y = 4 + cell % 6 * 15, 24 + cell // 6 * 17
                draw.rectangle(
                    (x, y, x + 13, y + 15),
                    fill=colour_code(scene.colour) if cell in marked else "#ffffff",
                    outline="#9a9a9a",
                )
                draw.line((x + 2, y + 3, x + 5, y + 3), fill="#444444", width=2)
        case "timetable":
            for y in range(23, 92, 9):
                hour, minute = rng.randint(6, 23), rng.randrange(0, 60, 5)
                draw.text((5, y), f"{hour:02}:{minute:02}", font=text_font(8), fill="#222222")
                draw.line((36, y + 5, rng.randint(56, 76), y + 5), fill="#777777", width=2)
                draw.rectangle((82, y + 2, 90, y + 8), fill="#e0e0e0", outline="#777777")
        case "settings":
            for y in range(26, 90, 13):
                draw.line((6, y + 3, rng.randint(34, 60), y + 3), fill="#555555", width=2)
                on = rng.random() < 0.5
                draw.rounded_rectangle((72, y - 1, 90, y + 8), 4, fill="#4caf50" if on else "#bdbdbd")
                draw.ellipse((81 if on else 72, y - 1, 90 if on else 81, y + 8), fill="#ffffff", outline="#888888")
                draw.line((4, y + 10, 92, y + 10), fill="#dddddd")
        case "code":
            for y in range(23, 90, 8):
                x = 5 + 6 * rng.randrange(3)
                for _ in range(rng.randint(1, 3)):
                    wide = rng.randint(8, 22)
                    draw.line((x, y + 3, x + wide, y + 3), fill=rng.choice(("#7ee787", "#79c0ff", "#ff9d5c")), width=3)
                    x += wide + 5
    return image


def draw_card(scene: Scene, rng: Random) -> Image.Image:
    """Large words on a plain colour, with a small drawing."""
    image = Image.new("RGB", (SIZE, SIZE), colour_code(scene.colour))
    draw = ImageDraw.Draw(image)
    ink = ink_on(scene.colour)
    draw.rounded_rectangle((3, 3, 92, 92), 6, outline=ink, width=1)
    write_lines(draw, scene.words, 48, 12, (80, 42), ink)
    stand_glyph(image, sized_glyph(scene.thing, 34), 48 + rng.randint(-14, 14), 89)
    return image


def draw_receipt(scene: Scene, rng: Random) -> Image.Image:
    """A long slip of coloured paper on a desk, with lines of items and a total."""
    image = Image.new("RGB", (SIZE, SIZE), "#a58a6c")
    draw = ImageDraw.Draw(image)
    for y in range(0, SIZE, 12):
        draw.line((0, y, SIZE, y), fill="#957a5d")
    left = 18 + rng.randint(-6, 6)
    right, ink = left + 58, ink_on(scene.colour)
    edge = [(x, 92 if (x - left) // 4 % 2 else 95) for x in range(right, left - 1, -4)]
    draw.polygon([(left, 0), (right, 0), *edge], fill=colour_code(scene.colour), outline="#333333")
    stand_glyph(image, sized_glyph(scene.thing, 28), left + 29, 32)
    for y in range(39, 68, 7):
        draw.line((left + 6, y, left + rng.randint(20, 34), y), fill=ink, width=2)
        draw.line((right - 15, y, right - 6, y), fill=ink, width=2)
    draw.line((left + 5, 71, right - 5, 71), fill=ink)
    draw.text((left + 29, 81), scene.words, font=text_font(12), fill=ink, anchor="mm")
    return image
