"""Backdrops: the kinds of places in simple flat shapes, in their weather and light."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from random import Random

from PIL import Image, ImageDraw

SIZE = 96  # width and height of a drawn picture, in pixels
VARIANTS = 6  # drawings of each place in each weather
Draw = ImageDraw.ImageDraw

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


def garden(draw: Draw, floor: int, rng: Random) -> None:
    """A wooden fence, flower beds and a lawn."""
    for x in range(0, SIZE, 9):
        draw.polygon([(x, floor), (x, 34), (x + 4, 29), (x + 8, 34), (x + 8, floor)], fill="#b98a5a", outline="#8a6238")
    draw.rectangle((0, 42, SIZE, 45), fill="#9a7145")
    draw.rectangle((0, floor, SIZE, SIZE), fill="#6dbb4f")
    draw.rectangle((0, floor - 6, SIZE, floor), fill="#3c7d36")
    for x in range(rng.randint(1, 5), SIZE, 8):
        draw.ellipse((x, floor - 9, x + 4, floor - 5), fill=rng.choice(("#e84a5f", "#ffd23f", "#f78fb3", "#b36ae2")))


def park(draw: Draw, floor: int, rng: Random) -> None:
    """Round trees, a path and grass."""
    draw.rectangle((0, floor, SIZE, SIZE), fill="#7cc35a")
    for x in range(rng.randint(-8, 6), SIZE + 10, 26):
        top = rng.randint(12, 22)
        draw.rectangle((x - 2, top + 18, x + 2, floor + 2), fill="#6b4a2a")
        draw.ellipse((x - 14, top, x + 14, top + 28), fill=rng.choice(("#3f8f45", "#4f9f4a", "#2f7d44")))
    bend = rng.randint(24, 60)
    draw.polygon([(bend, floor), (bend + 8, floor), (bend + 34, SIZE), (bend - 14, SIZE)], fill="#e3d3ab")


def street(draw: Draw, floor: int, rng: Random) -> None:
    """Houses with windows and doors, a pavement and a road."""
    for x in range(rng.randint(-14, 0), SIZE, 22):
        top = rng.randint(8, 24)
        draw.rectangle((x, top, x + 21, floor), fill=rng.choice(("#b5654a", "#c9a37a", "#8f9aa8", "#d8c9a8")))
        draw.polygon([(x - 1, top), (x + 22, top), (x + 10, top - 8)], fill="#5b4a44")
        for y in range(top + 5, floor - 14, 12):
            draw.rectangle((x + 3, y, x + 8, y + 7), fill="#fff1b8", outline="#4a4440")
            draw.rectangle((x + 13, y, x + 18, y + 7), fill="#fff1b8", outline="#4a4440")
        draw.rectangle((x + 8, floor - 11, x + 13, floor), fill="#4f6f52")
    draw.rectangle((0, floor, SIZE, SIZE), fill="#74777c")
    draw.rectangle((0, floor, SIZE, floor + 6), fill="#bfc1c4")
    for x in range(-6, SIZE, 22):
        draw.rectangle((x, floor + 18, x + 12, floor + 20), fill="#f2f2ee")


def market(draw: Draw, floor: int, rng: Random) -> None:
    """Stalls with striped awnings on cobbles."""
    draw.rectangle((0, 20, SIZE, floor), fill="#7d6a58")
    for number, x in enumerate(range(rng.randint(-20, 0), SIZE, 38)):
        fill = ("#d63b3b", "#2e8b57", "#2f6fc0", "#e2a21c")[(number + rng.randrange(4)) % 4]
        draw.rectangle((x + 4, 30, x + 32, floor - 12), fill="#4d4036")
        draw.rectangle((x + 2, floor - 14, x + 34, floor), fill="#b5824e")
        for stripe in range(6):
            at = x + 6 * stripe
            draw.rectangle((at, 14, at + 5, 28), fill=fill if stripe % 2 else "#fbf7ee")
            draw.pieslice((at, 24, at + 5, 32), 0, 180, fill=fill if stripe % 2 else "#fbf7ee")
    cobbles(draw, floor)


def field(draw: Draw, floor: int, rng: Random) -> None:
    """Hedges, furrows and a wire fence."""
    draw.rectangle((0, floor - 8, SIZE, floor), fill="#4e7d3a")
    draw.rectangle((0, floor, SIZE, SIZE), fill="#b9b24c")
    vanish = rng.randint(30, 66)
    for x in range(-90, 190, 20):
        draw.line((vanish, floor - 2, x, SIZE), fill="#8f8a35", width=2)
    draw.rectangle((0, floor - 8, SIZE, floor - 1), fill="#4e7d3a")
    for x in range(rng.randint(0, 8), SIZE, 18):
        draw.rectangle((x, floor - 16, x + 2, floor + 4), fill="#6b5232")
    draw.line((0, floor - 12, SIZE, floor - 12), fill="#6b5232")


def beach(draw: Draw, floor: int, rng: Random) -> None:
    """The sea with white waves, and sand."""
    draw.rectangle((0, floor - 20, SIZE, SIZE), fill="#2f93c4")
    draw.rectangle((0, floor, SIZE, SIZE), fill="#f1dca2")
    for x in range(rng.randint(-8, 0), SIZE, 12):
        draw.pieslice((x, floor - 3, x + 12, floor + 4), 180, 360, fill="#ffffff")
    for _ in range(18):
        x, y = rng.randint(0, SIZE), rng.randint(floor + 5, SIZE)
        draw.point((x, y), fill="#c9ab66")


def harbour(draw: Draw, floor: int, rng: Random) -> None:
    """Masts and warehouses across the water, and a stone quay."""
    for x in range(rng.randint(-10, 0), SIZE, 20):
        draw.rectangle((x, 26, x + 16, 40), fill=rng.choice(("#a65f4a", "#d8cdb4", "#7f93a3")))
        draw.polygon([(x, 26), (x + 16, 26), (x + 8, 20)], fill="#5b4a44")
    draw.rectangle((0, 38, SIZE, SIZE), fill="#2b6486")
    for y in range(43, floor + 8, 6):
        draw.line((rng.randint(0, 60), y, rng.randint(20, 96), y), fill="#5f9abb")
    for x in range(rng.randint(4, 14), SIZE, 28):
        draw.line((x, 10, x, 44), fill="#3b3026", width=2)
        draw.polygon([(x - 8, 42), (x + 9, 42), (x + 5, 48), (x - 5, 48)], fill="#f2efe6")
    quay = SIZE - 16
    draw.rectangle((0, quay, SIZE, SIZE), fill="#938a7d")
    for x in range(0, SIZE, 16):
        draw.line((x, quay, x, SIZE), fill="#6d655a")
    draw.line((0, quay, SIZE, quay), fill="#5a5249", width=2)


def woods(draw: Draw, floor: int, rng: Random) -> None:
    """Trunks close together below a canopy."""
    draw.rectangle((0, 0, SIZE, floor), fill="#2f5a34")
    for x in range(rng.randint(-4, 4), SIZE, 13):
        width = rng.randint(4, 7)
        draw.rectangle((x, 10, x + width, floor + rng.randint(0, 6)), fill=rng.choice(("#5a3d24", "#6b4a2e", "#4a3220")))
    for x in range(-8, SIZE, 12):
        draw.ellipse((x, -10, x + 22, rng.randint(12, 20)), fill=rng.choice(("#3f7d3a", "#2f6a35", "#4d8f40")))
    draw.rectangle((0, floor, SIZE, SIZE), fill="#6b5a2f")
    for _ in range(26):
        x, y = rng.randint(0, SIZE), rng.randint(floor + 2, SIZE)
        draw.ellipse((x, y, x + 2, y + 1), fill=rng.choice(("#9a7a35", "#4d6b2a")))


def hills(draw: Draw, floor: int, rng: Random) -> None:
    """Grey peaks, green hills and dry stone walls."""
    for x in (rng.randint(-20, 0), rng.randint(26, 44), rng.randint(60, 80)):
        peak = rng.randint(14, 26)
        draw.polygon([(x - 22, floor), (x + 8, peak), (x + 40, floor)], fill="#8791a0")
        draw.polygon([(x + 3, peak + 7), (x + 8, peak), (x + 14, peak + 7)], fill="#f4f7fa")
    draw.ellipse((-50, floor - 16, 60, floor + 40), fill="#7fae58")
    draw.ellipse((30, floor - 12, 150, floor + 40), fill="#6b9c4a")
    draw.rectangle((0, floor + 4, SIZE, SIZE), fill="#86b45c")
    draw.line((60, floor - 10, 96, floor - 2), fill="#6d6f6b", width=2)


def station(draw: Draw, floor: int, rng: Random) -> None:
    """A platform roof, a name board and rails."""
    draw.rectangle((0, 12, SIZE, floor - 8), fill="#9fb0b5")
    draw.rectangle((0, 0, SIZE, 10), fill="#3d5a66")
    for x in range(0, SIZE, 8):
        draw.polygon([(x, 10), (x + 8, 10), (x + 4, 16)], fill="#3d5a66")
    for x in range(rng.randint(4, 12), SIZE, 34):
        draw.rectangle((x, 10, x + 4, floor - 8), fill="#d9d2c0")
    left = rng.randint(24, 46)
    draw.rectangle((left, 24, left + 30, 34), fill="#1d3f8f", outline="#ffffff")
    draw.line((left + 6, 29, left + 24, 29), fill="#ffffff", width=2)
    draw.rectangle((0, floor - 8, SIZE, floor + 2), fill="#c7bfb0")
    draw.rectangle((0, floor - 1, SIZE, floor + 1), fill="#f0d000")
    draw.rectangle((0, floor + 2, SIZE, SIZE), fill="#6f655a")
    for x in range(-4, SIZE, 12):
        draw.polygon([(x, SIZE), (x + 6, SIZE), (x + 9, floor + 8), (x + 5, floor + 8)], fill="#4a3826")
    for y in (floor + 12, SIZE - 7):
        draw.line((0, y, SIZE, y), fill="#c9cdd1", width=2)


def lake(draw: Draw, floor: int, rng: Random) -> None:
    """Water between wooded hills and a grassy bank."""
    for x in range(rng.randint(-40, -20), SIZE, 36):
        draw.ellipse((x, rng.randint(18, 26), x + 54, 60), fill=rng.choice(("#5d8a5a", "#4d7d52", "#6b9560")))
    draw.rectangle((0, 40, SIZE, SIZE), fill="#4aa3cf")
    for y in range(44, SIZE - 18, 5):
        x = rng.randint(-10, 70)
        draw.line((x, y, x + rng.randint(12, 40), y), fill="#8fcde8")
    draw.ellipse((-30, SIZE - 14, 126, SIZE + 26), fill="#7aa84c")
    for x in range(rng.randint(2, 8), SIZE, 30):
        for reed in (0, 3, 6):
            draw.line((x + reed, SIZE - 4, x + reed, SIZE - 18), fill="#4d6b2a")


def wooden_floor(draw: Draw, floor: int, colour: str) -> None:
    """Boards that run towards the beholder."""
    draw.rectangle((0, floor, SIZE, SIZE), fill=colour)
    for x in range(-30, SIZE + 30, 16):
        draw.line((48 + (x - 48) * 2 // 3, floor, x, SIZE), fill="#5f3f25")


def cobbles(draw: Draw, floor: int) -> None:
    """Round stones."""
    draw.rectangle((0, floor, SIZE, SIZE), fill="#8b8784")
    for row, y in enumerate(range(floor + 1, SIZE, 6)):
        for x in range(-4 * (row % 2), SIZE, 9):
            draw.rounded_rectangle((x, y, x + 7, y + 4), 2, fill="#a5a19d")


PLACES: dict[str, tuple[Callable[[Draw, int, Random], None], int]] = {  # how each place is drawn; where its floor begins
    "kitchen": (kitchen, 66),
    "living_room": (living_room, 64),
    "bedroom": (bedroom, 66),
    "hall": (hall, 64),
    "stage": (stage, 66),
    "classroom": (classroom, 62),
    "workshop": (workshop, 62),
    "shop": (shop, 66),
    "cafe": (cafe, 62),
    "gallery": (gallery, 62),
    "lab": (lab, 60),
    "garden": (garden, 58),
    "park": (park, 54),
    "street": (street, 60),
    "market": (market, 60),
    "field": (field, 50),
    "beach": (beach, 56),
    "harbour": (harbour, 56),
    "woods": (woods, 58),
    "hills": (hills, 54),
    "station": (station, 58),
    "lake": (lake, 50),
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
    lit = Image.merge("RGB", [band.point(lambda v, f=f: int(v * f)) for band, f in zip(lit.split(), factors, strict=True)])
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
