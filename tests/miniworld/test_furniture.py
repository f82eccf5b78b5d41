"""What things stand on."""

import numpy as np
from PIL import Image, ImageDraw

from altlib.miniworld.furniture import SUPPORTS, draw_crate_front, draw_support, fill_of
from altlib.miniworld.glyphs import SIZE, colour_code
from altlib.miniworld.lexicon import lexicon


def drawn(support: str, colour: str) -> np.ndarray:
    image = Image.new("RGB", (SIZE, SIZE), "#00ff00")
    draw = ImageDraw.Draw(image)
    draw_support(draw, support, colour, 30, 66)
    if support == "crate":
        draw_crate_front(draw, colour, 30, 66)
    return np.asarray(image)


def test_every_support_of_the_lexicon_is_drawn_and_differs_from_the_others():
    assert set(SUPPORTS) == set(lexicon()["supports"])
    pictures = {support: drawn(support, "") for support in SUPPORTS}
    for support, picture in pictures.items():
        assert (picture != (0, 255, 0)).any(-1).mean() > 0.05, support
    assert len({picture.tobytes() for picture in pictures.values()}) == len(SUPPORTS)


def test_a_support_has_the_colour_of_the_scene_or_its_own():
    for support in SUPPORTS:
        picture = drawn(support, "purple").reshape(-1, 3)
        assert (picture == colour_code("purple")).all(1).sum() > 60, support
        assert fill_of(support, "") != colour_code("purple")


def test_things_stand_on_the_upper_half_of_what_is_drawn_below_them():
    for support, (top, _) in SUPPORTS.items():
        picture = (drawn(support, "red") != (0, 255, 0)).any(-1)
        rows = np.flatnonzero(picture[:, 48])
        assert rows.min() <= top <= rows.max(), support
