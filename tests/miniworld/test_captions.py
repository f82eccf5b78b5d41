import statistics
from random import Random

import pytest

from altlib.miniworld.captions import write_caption
from altlib.miniworld.judges import statements
from altlib.miniworld.scene import sample_story, scene_facts


@pytest.fixture(scope="module")
def captioned():
    found = []
    for index in range(800):
        rng = Random(f"caption/{index}")
        story = sample_story(str(index), rng)
        scene = story.scenes[0]
        truth = {fact["fact"]: fact["value"] for fact in scene_facts(story, scene)}
        found.append((story, scene, write_caption(story, scene, rng), truth))
    return found


def test_captions_name_people_places_and_times(captioned):
    def naming(text: str) -> bool:
        return any(name in text.lower() for name in names)

    shares = []
    for story, scene, text, _ in captioned:
        if scene.form == "photo":
            names = [n.lower() for n in (story.who, story.place_name, story.date, story.event)]
            shares.append(naming(text))
    assert statistics.mean(shares) > 0.7


def test_most_captions_mention_the_subject_and_few_say_how_the_scene_looks(captioned):
    mentioned: dict[str, list[bool]] = {}
    for _, scene, text, truth in captioned:
        if scene.form == "photo":
            statement = statements(text, truth)
            for fact in statement.asked:
                mentioned.setdefault(fact, []).append(fact in statement.right)
    shares = {fact: statistics.mean(hits) for fact, hits in mentioned.items()}
    assert 0.5 < shares["thing"] < 0.9
    assert max(shares[fact] for fact in ("colour", "support", "companion", "relation")) < 0.4
