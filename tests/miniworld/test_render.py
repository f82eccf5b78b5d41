"""Pictures of scenes."""

from altlib.miniworld.lexicon import things, topics
from altlib.miniworld.render import master_glyph


def test_openmoji_draws_every_glyph_of_the_lexicon():
    glyphs = {g for t in topics().values() for g in t.kinds} | {t.glyph for t in things()}
    assert len(glyphs) > 400
    assert all(master_glyph(g).getbbox() for g in glyphs)
