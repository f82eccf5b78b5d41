"""The words and glyphs of the miniature world."""

import statistics

from altlib.miniworld.lexicon import lexicon, plural, topics, with_article
from altlib.miniworld.network import network


def test_a_kind_needs_picture_and_post():
    """Most glyphs stand for several kinds and every topic has many, so neither source alone tells the kind."""
    per_glyph: dict[str, set[str]] = {}
    for topic in topics().values():
        assert len(topic.kinds) == 16
        for glyph, kind in topic.kinds.items():
            per_glyph.setdefault(glyph, set()).add(kind)
    drawn = [p.scene.glyph for p in network(1, 400)]
    assert statistics.mean(len(per_glyph[g]) for g in drawn) > 4


def test_grammar():
    assert plural("pair of skis") == "pairs of skis"
    assert plural("wheat sheaf") == "wheat sheaves"
    assert plural("canvassing satchel") == "canvassing satchels"
    assert plural("spelling trophy") == "spelling trophies"
    assert with_article("election flyer") == "an election flyer"
    assert with_article("unicorn") == "a unicorn"
    assert with_article("one-off cup") == "a one-off cup"
    assert with_article("pair of goggles") == "a pair of goggles"


def test_all_said_words_are_in_the_lexicon():
    assert set(lexicon()["settings"]) >= {"beach", "plain"} and all(
        len(s["names"]) >= 4 for s in lexicon()["settings"].values()
    )
