"""Places out of doors in simple flat shapes, in daylight and without their sky.

Each function draws on an empty picture; the floor begins at ``floor``, in pixels from the top.
"""

from __future__ import annotations

from random import Random

from PIL import ImageDraw

from altlib.miniworld.glyphs import SIZE

Draw = ImageDraw.ImageDraw


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
        draw.rectangle(
            (x, 10, x + width, floor + rng.randint(0, 6)), fill=rng.choice(("#5a3d24", "#6b4a2e", "#4a3220"))
        )
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


def cobbles(draw: Draw, floor: int) -> None:
    """Round stones."""
    draw.rectangle((0, floor, SIZE, SIZE), fill="#8b8784")
    for row, y in enumerate(range(floor + 1, SIZE, 6)):
        for x in range(-4 * (row % 2), SIZE, 9):
            draw.rounded_rectangle((x, y, x + 7, y + 4), 2, fill="#a5a19d")
