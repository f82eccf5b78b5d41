import re
from random import Random

import pytest

from altlib.miniworld.alt_text import alt_text_and_facts, write_alt_text
from altlib.miniworld.lexicon import authors, read
from altlib.miniworld.scene import sample_story


@pytest.fixture(scope="module")
def described():
    found = []
    for index in range(800):
        rng = Random(f"alt/{index}")
        story = sample_story(str(index), rng)
        found += [(story, scene, *alt_text_and_facts(story, scene, rng)) for scene in story.scenes]
    return found


def test_every_author_and_order_is_used(described):
    assert {story.author for story, *_ in described} == set(authors())
    used = {order for author in authors().values() for order in author["orders"]}
    assert used == set(range(len(read("alt.toml")["orders"])))


def test_verbs_agree_with_how_many_there_are(described):
    for _, scene, text, _ in described:
        if scene.form == "photo" and scene.count == 1:
            assert not re.match(r"(There are|They are) ", text)
        assert not re.search(r"\b(two|three|four|five)\b[\w ]*\b(is placed|sits|stands|lies|rests) on", text), text


def test_articles_fit_the_word_behind_them(described):
    for *_, text, _ in described:
        assert not re.search(r"(?i)\ba (?=[aeio]\w)(?!one|euro)", text), text
        assert not re.search(r"(?i)\ban (?=[bcdfgjklmnpqrstvwxyz])", text), text


def test_authors_keep_to_their_habits(described):
    for story, _, text, _ in described:
        author = authors()[story.author]
        if author.get("case") == "lower":
            assert text == text.lower()
        if author.get("american"):
            assert not re.search(r"(?i)\b(grey|colour|harbour|theatre)\b", text), text
        if not author.get("stop", True):
            assert not text.endswith(".")


def test_plain_alt_text_can_follow_image_of():
    for index in range(200):
        story = sample_story(str(index), Random(f"plain/{index}"))
        text = write_alt_text(story, story.scenes[0], Random(index), plain=True)
        assert not re.match(r"(?i)(there|in the|on a|at the|image|photo) ", text), text
