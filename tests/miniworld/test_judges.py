import statistics
from random import Random

import pytest

from altlib.miniworld.alt_text import alt_text_and_facts
from altlib.miniworld.judges import JUDGED, mistaken, stated, statements
from altlib.miniworld.scene import sample_story, scene_facts
from tests.miniworld.judged_texts import PICTURES, TEXTS


def parsed(facts: str) -> dict[str, str]:
    pairs = dict(pair.split("=") for pair in facts.split())
    return {"form": "photo"} | {fact: value.replace("_", " ") for fact, value in pairs.items()}


def test_there_are_a_hundred_hand_written_texts():
    assert len(TEXTS) == 100 and {key for key, _, _ in TEXTS} == set(PICTURES)


def test_the_judge_reads_hand_written_texts_as_people_do():
    right = missed = false = 0
    for key, text, read in TEXTS:
        truth = parsed(PICTURES[key])
        wanted = {(f, v) for f, v in parsed(read).items() if f in truth and f in JUDGED}
        found = {(f, v) for f, values in stated(text, truth)[0].items() if f in truth for v in values}
        right, missed, false = right + len(wanted & found), missed + len(wanted - found), false + len(found - wanted)
    assert right / (right + false) >= 0.95
    assert right / (right + missed) >= 0.95


def test_the_judge_finds_what_the_worlds_own_writers_state_and_no_more():
    found = missed = right = false = 0
    for index in range(600):
        rng = Random(f"judged/{index}")
        story = sample_story(str(index), rng)
        for scene in story.scenes:
            text, written = alt_text_and_facts(story, scene, rng)
            truth = {fact["fact"]: fact["value"] for fact in scene_facts(story, scene)}
            said = statements(text, truth).said
            for fact in JUDGED:
                if fact in written and fact in truth:
                    found += truth[fact] in said[fact]
                    missed += truth[fact] not in said[fact]
                right += truth.get(fact) in said[fact]
                false += len(said[fact] - {truth.get(fact)})
    assert found / (found + missed) >= 0.98
    assert right / (right + false) >= 0.98


@pytest.mark.parametrize(
    ("text", "fact", "said"),
    [
        ("Two apples, no basket.", "companion", set()),
        ("A basket behind two apples.", "relation", {"behind"}),
        ("Two apples behind a basket.", "relation", {"in front of"}),
        ("Behind the apples is a basket.", "relation", {"behind"}),
        ("Two apples on a cloth. The cloth is red.", "colour", {"red"}),
        ("Two red apples on a cloth.", "colour", set()),
        ("A pair of apples.", "count", {"two"}),
        ("2 apples", "count", {"two"}),
        ("The apple.", "count", {"one"}),
        ("Apples.", "count", set()),
        ("Two apples at Film Night in Hartwick Green.", "weather", set()),
        ("The Autumn Market: two apples.", "place", set()),
    ],
)
def test_words_count_where_they_belong(text, fact, said):
    truth = {"form": "photo", "thing": "apple", "colour": "red", "coloured": "support", "support": "cloth"}
    assert stated(text, truth)[0][fact] == said


def test_a_pair_of_gloves_is_one_thing():
    truth = {"form": "photo", "thing": "pair of gloves", "colour": "blue", "coloured": "thing"}
    said = stated("A pair of blue Fair Isle gloves", truth)[0]
    assert said["count"] == {"one"} and said["colour"] == {"blue"}


def test_shares_count_what_is_asked():
    truth = {"form": "photo", "thing": "apple", "count": "two", "place": "market"}
    statement = statements("Three apples at the market", truth)
    assert statement.right == {"thing", "place"} and statement.asked == ("thing", "count", "place")
    assert statement.share_said == 1 and statement.share_right == pytest.approx(2 / 3)
    assert statement.share_of_words == pytest.approx(3 / 5)


def test_mistaken_texts_state_fewer_facts_rightly_and_say_as_much():
    rng, before, after = Random(0), [], []
    for index in range(150):
        story = sample_story(str(index), Random(f"mistaken/{index}"))
        scene = story.scenes[0]
        truth = {fact["fact"]: fact["value"] for fact in scene_facts(story, scene)}
        text = alt_text_and_facts(story, scene, rng)[0]
        wrong = mistaken(text, rng)
        before.append(statements(text, truth))
        after.append(statements(wrong, truth))
    assert statistics.mean(s.share_right for s in after) < statistics.mean(s.share_right for s in before) - 0.1
    assert statistics.mean(s.share_said for s in after) > statistics.mean(s.share_said for s in before) - 0.05
