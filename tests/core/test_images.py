import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from altlib.core.errors import PictureError
from altlib.core.images import centre_crop, open_picture


@pytest.mark.parametrize(
    "mode,name",
    [
        ("RGB", "a.jpg"),
        ("L", "a.png"),
        ("P", "a.png"),
        ("CMYK", "a.jpg"),
        ("RGBA", "a.png"),
        ("LA", "a.png"),
        ("1", "a.png"),
        ("I;16", "a.png"),
        ("RGB", "a.webp"),
        ("RGB", "a.gif"),
        ("RGB", "a.bmp"),
    ],
)
def test_every_mode_and_format_becomes_rgb(picture, mode, name):
    image = open_picture(picture(name, mode=mode))
    assert image.mode == "RGB" and image.size == (40, 30)


def test_transparency_becomes_white(tmp_path):
    Image.new("RGBA", (4, 4), (255, 0, 0, 0)).save(tmp_path / "a.png")
    assert open_picture(tmp_path / "a.png").getpixel((1, 1)) == (255, 255, 255)


def test_a_picture_is_turned_upright(tmp_path):
    exif = Image.Exif()
    exif[274] = 6
    Image.new("RGB", (40, 20)).save(tmp_path / "a.jpg", exif=exif)
    assert open_picture(tmp_path / "a.jpg").size == (20, 40)


def reason_of(path) -> str:
    with pytest.raises(PictureError) as caught:
        open_picture(path)
    return caught.value.reason


def test_bad_files_are_refused_with_their_reason(tmp_path, picture):
    assert reason_of(tmp_path / "nowhere.png") == "image file is missing"
    (tmp_path / "empty.png").write_bytes(b"")
    assert reason_of(tmp_path / "empty.png") == "image file is empty"
    (tmp_path / "text.png").write_text("<script>alert(1)</script>")
    assert reason_of(tmp_path / "text.png") == "file is not an image"
    whole = picture("whole.jpg", size=(300, 300)).read_bytes()
    (tmp_path / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    assert reason_of(tmp_path / "cut.jpg") == "image is truncated or corrupted"
    damaged = bytearray(picture("whole.png", size=(100, 100)).read_bytes())
    damaged[len(damaged) // 2] ^= 0xFF
    (tmp_path / "damaged.png").write_bytes(bytes(damaged))
    assert reason_of(tmp_path / "damaged.png") == "image is truncated or corrupted"


def test_animations_are_refused(tmp_path):
    frames = [Image.new("RGB", (8, 8), c) for c in ("red", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert reason_of(tmp_path / "a.gif") == "image is animated"


def test_a_decompression_bomb_is_refused_before_it_is_decoded(tmp_path):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    (tmp_path / "bomb.png").write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )
    assert "million pixels" in reason_of(tmp_path / "bomb.png")


def test_a_very_wide_picture_is_read_and_cropped_to_its_middle(tmp_path):
    strip = np.zeros((4, 30_000, 3), dtype=np.uint8)
    strip[:, 14_990:15_010] = 255
    Image.fromarray(strip).save(tmp_path / "wide.png")
    middle = centre_crop(open_picture(tmp_path / "wide.png"))
    assert middle.size == (8, 4)
    assert np.asarray(middle).min() == 255
