"""Glyphs in sizes and colours."""

import numpy as np
import pytest

from altlib.miniworld.glyphs import colour_code, master_glyph, sized_glyph, tinted_glyph
from altlib.miniworld.lexicon import lexicon, people, things


def test_openmoji_draws_every_glyph_of_the_lexicon():
    glyphs = {*things(), *(glyph for person in people().values() for glyph in person.glyphs)}
    assert len(glyphs) > 200
    assert all(master_glyph(glyph).getbbox() for glyph in glyphs)


def test_a_glyph_that_the_font_does_not_draw_is_named():
    with pytest.raises(ValueError, match="draws nothing"):
        master_glyph(" ")


@pytest.mark.parametrize("glyph", [glyph for glyph, thing in things().items() if thing.tinted])
def test_a_tinted_thing_has_the_colour_that_is_asked_for(glyph):
    """Where its versions differ, the mean colour of each is nearest to the colour that it has by name."""
    names = ("red", "yellow", "green", "blue", "white")
    versions = {name: np.asarray(tinted_glyph(glyph, name)).astype(float)[..., :3] for name in names}
    area = (versions["red"] != versions["blue"]).any(-1)
    means = {name: pixels[area].mean(0) for name, pixels in versions.items()}
    assert area.sum() > 100
    for name in names:
        wanted = np.array(colour_code(name))
        assert min(means, key=lambda other: np.abs(means[other] - wanted).sum()) == name


def test_a_sized_glyph_fits_its_square_and_keeps_its_shape():
    master = master_glyph("🚲")
    small = sized_glyph("🚲", 30)
    assert max(small.size) == 30
    assert small.width / small.height == pytest.approx(master.width / master.height, rel=0.08)
    mirrored = np.asarray(sized_glyph("🚲", 30, mirrored=True))
    assert np.array_equal(mirrored[:, ::-1], np.asarray(small))


def test_every_colour_of_the_lexicon_has_a_code():
    assert all(len(colour_code(name)) == 3 for name in lexicon()["colours"])
