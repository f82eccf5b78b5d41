"""Posts, captions and alt texts of the miniature world."""

import json
import statistics
from itertools import pairwise

from altlib.miniworld.lexicon import plural, wording
from altlib.miniworld.network import network


def test_alt_text_says_the_facts_and_the_post_does_not_name_the_kind():
    named = told = plain = 0
    for p in network(5, 300):
        noise = next(f["value"] for f in json.loads(p.facts) if f["fact"] == "noise")
        if noise != "as written" or p.scene.form == "chart" or p.language != "en":
            continue
        plain += 1
        named += p.scene.kind in p.alt_text or plural(p.scene.kind) in p.alt_text
        told += p.scene.kind in p.text
    assert plain > 200 and named == plain and told / plain < 0.05


def test_every_pattern_can_be_written():
    voices = {p.story.voice for p in network(6, 300)}
    forms = {p.scene.form for p in network(6, 300)}
    assert voices == set(wording()["voices"]) and forms == {"photo", *wording()["forms"]}
    assert not any("{" in t or "[" in t for p in network(6, 300) for t in (p.text, p.alt_text, p.caption))


def test_texts_are_varied():
    alts = [p.alt_text for p in network(7, 400) if p.alt_text]
    assert len({a for a in alts}) / len(alts) > 0.85
    openings = {" ".join(a.split()[:3]).lower() for a in alts}
    assert len(openings) > 150


def test_verbs_agree_with_how_many_there_are():
    for post in network(8, 200):
        assert post.scene.count > 1 or not {"There are", "They stand"} & {
            " ".join(w) for w in pairwise(post.alt_text.split())
        }


def test_every_voice_keeps_to_its_habits():
    """The same colour is named differently by different voices, mostly in one way by each."""
    words = {}
    for p in network(9, 600):
        if (p.scene.colour == "red" and "red" in p.alt_text) or "scarlet" in p.alt_text:
            words.setdefault(p.story.voice, []).append("scarlet" in p.alt_text)
    shares = [statistics.mean(v) for v in words.values() if len(v) >= 5]
    assert min(shares) < 0.35 and max(shares) > 0.65
