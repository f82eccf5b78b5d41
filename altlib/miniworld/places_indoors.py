"""Places indoors in simple flat shapes.

Each function draws on an empty picture; the floor begins at ``floor``, in pixels from the top.
"""

from __future__ import annotations

from random import Random

from PIL import ImageDraw

from altlib.miniworld.glyphs import SIZE

Draw = ImageDraw.ImageDraw


def kitchen(draw: Draw, floor: int, rng: Random) -> None:
    """Tiles, cupboards and a cooker hood."""
    draw.rectangle((0, 0, SIZE, floor), fill="#eef4f2")
    for x in range(0, SIZE, 12):
        draw.line((x, 26, x, floor), fill="#b9cfc9")
    for y in range(26, floor, 10):
        draw.line((0, y, SIZE, y), fill="#b9cfc9")
    for x in range(rng.randint(-14, 0), SIZE, 25):
        draw.rectangle((x, 0, x + 22, 24), fill="#4f8f8b", outline="#2f5f5c")
        draw.ellipse((x + 16, 17, x + 19, 20), fill="#f3e7c4")
    for x in range(0, SIZE + 12, 12):
        for y in range(floor, SIZE, 8):
            draw.rectangle((x, y, x + 12, y + 8), fill="#d9c7a4" if (x // 12 + (y - floor) // 8) % 2 else "#efe3ca")


def living_room(draw: Draw, floor: int, rng: Random) -> None:
    """Wallpaper, a curtained window and floorboards."""
    draw.rectangle((0, 0, SIZE, floor), fill="#f0d9b8")
    for x in range(0, SIZE, 10):
        draw.line((x, 0, x, floor), fill="#e2bf92", width=3)
    left = rng.choice((4, 54))
    draw.rectangle((left, 6, left + 36, 40), fill="#bfe3f5", outline="#7d5a3c", width=2)
    for x in (left - 2, left + 28):
        draw.polygon([(x, 3), (x + 11, 3), (x + 7, 44), (x + 1, 44)], fill="#a8485c")
    wooden_floor(draw, floor, "#9c6b45")


def bedroom(draw: Draw, floor: int, rng: Random) -> None:
    """A lilac wall, a bed with pillows and a lamp."""
    draw.rectangle((0, 0, SIZE, floor), fill="#d9cfee")
    draw.rectangle((0, floor, SIZE, SIZE), fill="#b7a3c9")
    left = rng.choice((-20, 40))
    draw.rounded_rectangle((left, 22, left + 76, floor + 8), 8, fill="#8a5f3d")
    draw.rectangle((left + 3, 42, left + 73, floor + 10), fill="#f7f7fb")
    draw.rectangle((left + 3, 52, left + 73, floor + 14), fill="#6f86c9")
    for x in (left + 8, left + 42):
        draw.rounded_rectangle((x, 36, x + 26, 49), 5, fill="#ffffff", outline="#c9c9d9")
    lamp = 84 if left < 0 else 12
    draw.polygon([(lamp - 9, 34), (lamp + 9, 34), (lamp + 5, 20), (lamp - 5, 20)], fill="#ffe08a")
    draw.line((lamp, 34, lamp, floor), fill="#6a5a4a", width=2)


def hall(draw: Draw, floor: int, rng: Random) -> None:
    """High arched windows, bunting and a parquet floor."""
    draw.rectangle((0, 0, SIZE, floor), fill="#f6efdc")
    draw.rectangle((0, floor - 14, SIZE, floor), fill="#c4a27a")
    for x in range(rng.randint(-12, 2), SIZE, 32):
        draw.ellipse((x, 14, x + 20, 34), fill="#a9cfe6")
        draw.rectangle((x, 24, x + 20, floor - 20), fill="#a9cfe6")
        draw.line((x + 10, 14, x + 10, floor - 20), fill="#f6efdc", width=2)
    for x in range(0, SIZE, 12):
        colour = ("#d9483b", "#f2c230", "#3f77b8", "#4d9a52")[x // 12 % 4]
        draw.polygon([(x, 2), (x + 12, 2), (x + 6, 13)], fill=colour)
    wooden_floor(draw, floor, "#c98f4e")


def stage(draw: Draw, floor: int, rng: Random) -> None:
    """Red curtains, a beam of light and boards."""
    draw.rectangle((0, 0, SIZE, floor), fill="#3a0c14")
    for x in range(rng.randint(-6, 0), SIZE, 8):
        draw.rectangle((x, 0, x + 4, floor), fill="#8f1d2b")
    draw.rectangle((0, floor, SIZE, SIZE), fill="#5a3b22")
    middle = rng.randint(38, 58)
    draw.polygon([(middle - 4, 0), (middle + 4, 0), (middle + 34, SIZE), (middle - 34, SIZE)], fill="#c98a55")
    draw.rectangle((0, 0, SIZE, 6), fill="#6b0f1c")
    for x in range(6, SIZE, 16):
        draw.ellipse((x, 4, x + 6, 10), fill="#ffe9a8")


def classroom(draw: Draw, floor: int, rng: Random) -> None:
    """A blackboard with chalk lines, a clock-round notice and a lino floor."""
    draw.rectangle((0, 0, SIZE, floor), fill="#f7e9a9")
    left = rng.randint(6, 20)
    draw.rectangle((left, 6, left + 68, 44), fill="#2b5d48", outline="#8a5a2b", width=3)
    for y in (14, 21, 28, 35):
        draw.line((left + 8, y, left + rng.randint(24, 58), y), fill="#e8f0ea", width=2)
    draw.rectangle((0, floor, SIZE, SIZE), fill="#9fb4c4")
    draw.line((0, floor, SIZE, floor), fill="#6f8292", width=2)


def workshop(draw: Draw, floor: int, rng: Random) -> None:
    """A board of tools, a strip lamp and a concrete floor."""
    draw.rectangle((0, 0, SIZE, floor), fill="#b08457")
    for x in range(5, SIZE, 9):
        for y in range(10, floor - 4, 9):
            draw.point((x, y), fill="#6b4a2a")
    for x in range(rng.randint(4, 10), SIZE - 6, 17):
        draw.rectangle((x, 16, x + 2, 34), fill="#50555c")
        shape = rng.choice(("hammer", "saw", "ring"))
        if shape == "hammer":
            draw.rectangle((x - 5, 14, x + 7, 19), fill="#50555c")
        elif shape == "saw":
            draw.polygon([(x - 5, 34), (x + 8, 34), (x + 3, 12)], fill="#8d959c")
        else:
            draw.ellipse((x - 4, 10, x + 6, 20), outline="#50555c", width=2)
    draw.rectangle((18, 0, 78, 4), fill="#fdfbe6")
    draw.rectangle((0, floor, SIZE, SIZE), fill="#85898c")


def shop(draw: Draw, floor: int, rng: Random) -> None:
    """Shelves full of boxes and bottles."""
    draw.rectangle((0, 0, SIZE, floor), fill="#fbf4e4")
    for y in (20, 40, 60):
        for x in range(2, SIZE, 8):
            height, colour = rng.randint(7, 13), rng.choice(("#d9a441", "#b8564f", "#4f8f8f", "#a7b86a", "#7f6fae"))
            draw.rectangle((x, y - height, x + 5, y), fill=colour)
        draw.rectangle((0, y, SIZE, y + 3), fill="#8a5a2b")
    draw.rectangle((0, floor, SIZE, SIZE), fill="#cfc4b2")


def cafe(draw: Draw, floor: int, rng: Random) -> None:
    """A dark wall with a menu, hanging lamps and a coffee bar."""
    draw.rectangle((0, 0, SIZE, floor), fill="#35565a")
    left = rng.choice((6, 54))
    draw.rectangle((left, 12, left + 36, 42), fill="#1d2427", outline="#c49a6c", width=2)
    for y in (19, 26, 33):
        draw.line((left + 6, y, left + 20, y), fill="#f4efe2")
        draw.line((left + 26, y, left + 31, y), fill="#f4efe2")
    for x in range(12, SIZE, 24):
        draw.line((x, 0, x, 8), fill="#101416")
        draw.polygon([(x - 6, 14), (x + 6, 14), (x, 6)], fill="#ffce6b")
    draw.rectangle((0, floor - 12, SIZE, floor), fill="#a9713f")
    wooden_floor(draw, floor, "#6e4a2f")


def gallery(draw: Draw, floor: int, rng: Random) -> None:
    """A white wall with framed pictures."""
    draw.rectangle((0, 0, SIZE, floor), fill="#f4f4f2")
    for x in range(rng.randint(-16, 0), SIZE, 34):
        fill = rng.choice(("#c8b6a0", "#9fb3c8", "#b7c3a0", "#cfa7a7"))
        draw.rectangle((x, 10, x + 26, 40), fill=fill, outline="#c9a227", width=3)
        draw.line((x + 5, 33, x + rng.randint(8, 20), 18), fill="#55524e", width=2)
    draw.rectangle((0, floor, SIZE, SIZE), fill="#c3c5c8")
    draw.line((0, floor, SIZE, floor), fill="#8d9094", width=2)


def lab(draw: Draw, floor: int, rng: Random) -> None:
    """White panels, glassware on a shelf and a clean floor."""
    draw.rectangle((0, 0, SIZE, floor), fill="#e3f1f7")
    for x in range(0, SIZE, 24):
        draw.line((x, 0, x, floor), fill="#b3ccd8")
    draw.rectangle((0, 34, SIZE, 37), fill="#8fa3ad")
    for x in range(rng.randint(2, 8), SIZE, 14):
        fill = rng.choice(("#58c4a5", "#d66fb0", "#f0c33c", "#5b8fe0"))
        if rng.random() < 0.5:
            draw.polygon([(x, 33), (x + 10, 33), (x + 6, 22), (x + 6, 16), (x + 4, 16), (x + 4, 22)], fill=fill)
        else:
            draw.rectangle((x + 2, 17, x + 7, 33), fill=fill, outline="#7d8f98")
    draw.rectangle((0, floor, SIZE, SIZE), fill="#f7fafb")
    for x in range(0, SIZE, 16):
        draw.line((x, floor, x - 10, SIZE), fill="#cfdde4")


def wooden_floor(draw: Draw, floor: int, colour: str) -> None:
    """Boards that run towards the beholder."""
    draw.rectangle((0, floor, SIZE, SIZE), fill=colour)
    for x in range(-30, SIZE + 30, 16):
        draw.line((48 + (x - 48) * 2 // 3, floor, x, SIZE), fill="#5f3f25")
