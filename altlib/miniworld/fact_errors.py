"""Alt texts of a picture that differ in one error, and the errors that a text makes, both from the known facts.

The right and the wrong text of a pair come from the same writer: one describes the picture, the other a
picture in which one fact is different. Of several wrong texts the one most like the right text is taken,
so that a pair differs in little but the error.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from difflib import SequenceMatcher
from random import Random

from altlib.miniworld.alt_text import write_alt_text
from altlib.miniworld.captions import write_caption
from altlib.miniworld.judges import statements, true_facts
from altlib.miniworld.lexicon import lexicon, setups, things
from altlib.miniworld.network import post_story
from altlib.miniworld.scene import Scene, Story, scene_facts

# Of a picture: the seed of its network, the number of its story in hexadecimal, its own number in the story.
ITEM = re.compile(r"(?P<seed>[0-9a-f]+)-(?P<index>\d{6})-(?P<number>\d+)(?:r\d+)?")
RIGHT_TRIES = 3  # ways to write a right text that states the fact
WRONG_TRIES = 12  # ways to write a wrong text, of which the one most like the right text is taken

WRONG_COUNT, WRONG_COLOUR = "wrong count", "wrong colour"
MISSING, INVENTED = "missing object", "invented object"
CAPTION = "caption instead of description"
ERRORS = (WRONG_COUNT, WRONG_COLOUR, MISSING, INVENTED, CAPTION)


def scene_of(item_id: str) -> tuple[Story, Scene] | None:
    """The story and the scene behind a picture of the network; None if the id is of another kind."""
    found = ITEM.fullmatch(item_id)
    if not found:
        return None
    posts = post_story(int(found["seed"], 16), int(found["index"]))
    same = [post for post in posts if post.item_id == item_id]
    return (same[0].story, same[0].scene) if same else None


def other_count(scene: Scene, rng: Random) -> Scene | None:
    """The scene with another number of its main thing."""
    held = scene.person_relation in ("holding", "wearing")
    counts = [n for n in (range(1, 3) if held or scene.named_the else range(1, 5)) if n != scene.count]
    return replace(scene, count=rng.choice(counts)) if scene.form == "photo" and scene.place else None


def other_colour(scene: Scene, rng: Random) -> Scene | None:
    """The scene with another colour."""
    colours = [name for name in lexicon()["colours"] if name != scene.colour]
    return replace(scene, colour=rng.choice(colours)) if scene.colour else None


def without_companion(scene: Scene, rng: Random) -> Scene | None:
    """The scene without what stands beside its main thing."""
    return replace(scene, companion="", relation="") if scene.companion else None


def with_other_companion(scene: Scene, rng: Random) -> Scene | None:
    """The scene with something that is not there, of another kind of scene."""
    others = [g for setup in setups().values() for g in setup.companions if g not in (scene.thing, scene.companion)]
    own = set(setups()[scene.setup].companions)
    foreign = sorted({glyph for glyph in others if glyph not in own and glyph in things()})
    if scene.form != "photo" or not foreign:
        return None
    relation = scene.relation or rng.choice(["beside", "behind", "in front of"])
    return replace(scene, companion=rng.choice(foreign), relation=relation)


CHANGES: dict[str, Callable[[Scene, Random], Scene | None]] = {
    WRONG_COUNT: other_count,
    WRONG_COLOUR: other_colour,
    MISSING: without_companion,
    INVENTED: with_other_companion,
}


def right_and_wrong(item_id: str, error: str, seed: int) -> tuple[str, str] | None:
    """A right text of a picture and one with an error; None if the picture, or its author, gives no room for it.

    Args:
        item_id: Of the picture.
        error: One of :data:`ERRORS`.
        seed: Chooses the words and the wrong value.

    Raises:
        ValueError: There is no such kind of error.
    """
    if error not in ERRORS:
        raise ValueError(f"unknown kind of error {error!r}; known: {', '.join(ERRORS)}")
    known = scene_of(item_id)
    if known is None:
        return None
    story, scene = known
    rng = Random(f"{item_id}/{error}/{seed}")
    facts = json.dumps(scene_facts(story, scene))
    if error == CAPTION:
        return write_alt_text(story, scene, rng), write_caption(story, scene, rng)
    changed = CHANGES[error](scene, rng)
    for attempt in range(RIGHT_TRIES if changed else 0):
        right = write_alt_text(story, scene, Random(f"{item_id}/{seed}/{attempt}"))
        # Not every author says everything, so neither text may happen to make the difference.
        if not errors_in(right, facts)[error] and (wrong := closest_wrong(story, changed, right, facts, error, seed)):
            return right, wrong
    return None


def closest_wrong(story: Story, changed: Scene | None, right: str, facts: str, error: str, seed: int) -> str:
    """The text about a changed scene that is most like the right one, of those that make the error; empty if none does."""
    if changed is None:
        return ""
    texts = {write_alt_text(story, changed, Random(f"{right}/{seed}/{attempt}")) for attempt in range(WRONG_TRIES)}
    wrong = [text for text in sorted(texts) if errors_in(text, facts)[error]]
    return max(wrong, key=lambda text: SequenceMatcher(None, right.split(), text.split()).ratio(), default="")


def errors_in(text: str, facts: str) -> dict[str, bool]:
    """Which errors a text makes, of those that are possible for its picture.

    A text that says nothing of a number or a colour is not wrong about it. A text that states no fact of
    the picture is taken for a caption.

    Args:
        text: The text.
        facts: JSON of the picture, from :func:`altlib.miniworld.scene.scene_facts`; empty where nothing is known.
    """
    truth = true_facts(facts)
    if not truth:
        return {}
    found = statements(text, truth)
    possible = {CAPTION: not found.right}
    for error, fact in ((WRONG_COUNT, "count"), (WRONG_COLOUR, "colour")):
        if fact in found.asked:
            possible[error] = bool(found.said[fact]) and fact not in found.right
    if "companion" in found.asked:
        possible[MISSING] = "companion" not in found.right
    if truth.get("form") == "photo":
        possible[INVENTED] = bool(found.said["companion"] - {truth.get("companion")})
    return possible
