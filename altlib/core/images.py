"""Open pictures that strangers posted: any size, any mode, possibly broken or hostile."""

from __future__ import annotations

import base64
import io
import warnings
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

from altlib.core.errors import PictureError

MAX_PIXELS = 100_000_000  # a picture with more is taken for a decompression bomb

MAX_BYTES = 50_000_000  # of a picture's file

STILL_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")


def open_picture(path: Path | str, max_pixels: int = MAX_PIXELS, longest: int | None = None) -> Image.Image:
    """Read a still picture as RGB, upright, with transparency on white.

    Size and animation are checked before any pixel is decoded.

    Args:
        path: the picture's file.
        max_pixels: a picture with more is refused.
        longest: a picture that is longer is shrunk to that many pixels on its longer side.

    Raises:
        PictureError: The file is missing, empty, too large, no picture, truncated or animated.
    """
    path = Path(path)
    try:
        size = path.stat().st_size if path.is_file() else None
    except OSError:  # its name is too long, or its folder cannot be read
        size = None
    if size is None:
        raise PictureError(path, "image file is missing")
    if size == 0:
        raise PictureError(path, "image file is empty")
    if size > MAX_BYTES:
        raise PictureError(path, f"image file is larger than {MAX_BYTES // 1_000_000} MB")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path, formats=STILL_FORMATS) as image:
                if image.width * image.height > max_pixels:
                    raise PictureError(path, f"image has more than {max_pixels // 1_000_000} million pixels")
                if getattr(image, "n_frames", 1) > 1 and image.format != "MPO":
                    raise PictureError(path, "image is animated")
                if longest and image.format == "JPEG":
                    image.draft("RGB", (longest, longest))
                image.load()
                upright = ImageOps.exif_transpose(image)
    except PictureError:
        raise
    except Image.DecompressionBombError as error:
        raise PictureError(path, f"image has more than {max_pixels // 1_000_000} million pixels") from error
    except UnidentifiedImageError as error:
        raise PictureError(path, "file is not an image") from error
    except (OSError, ValueError, SyntaxError, EOFError, TypeError, ZeroDivisionError, MemoryError) as error:
        raise PictureError(path, "image is truncated or corrupted") from error
    rgb = on_white(upright)
    if longest and max(rgb.size) > longest:
        rgb.thumbnail((longest, longest), Image.Resampling.BICUBIC)
    return rgb


def picture_problem(path: Path | str) -> str:
    """Why a picture cannot be used, as a short phrase; empty if it can."""
    try:
        open_picture(path, longest=64)
    except PictureError as error:
        return error.reason
    return ""


def on_white(image: Image.Image) -> Image.Image:
    """RGB version of a picture of any mode; transparent parts become white."""
    if image.mode in ("RGBA", "LA", "PA") or (image.mode == "P" and "transparency" in image.info):
        image = image.convert("RGBA")
        background = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(background, image).convert("RGB")
    if image.mode in ("I;16", "I;16B", "I;16L", "I"):
        return image.point(lambda value: value / 256).convert("L").convert("RGB")
    return image.convert("RGB")


def centre_crop(image: Image.Image, ratio: float = 2.0) -> Image.Image:
    """The middle of a picture, at most ``ratio`` times as long as it is wide.

    CLIP looks at the middle square only; this spares resizing the ends of a very long strip.
    """
    short = min(image.size)
    limit = int(short * ratio)
    width, height = min(image.width, limit), min(image.height, limit)
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return image.crop((left, top, left + width, top + height))


def data_uri(image: Image.Image | bytes) -> str:
    """A picture, or the bytes of a PNG file, as a ``data:`` address."""
    if isinstance(image, Image.Image):
        buffer = io.BytesIO()
        image.save(buffer, format="PNG", optimize=True)
        image = buffer.getvalue()
    return "data:image/png;base64," + base64.b64encode(image).decode()
