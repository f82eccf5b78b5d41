"""Noun phrases and clauses about a scene, in an author's words."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from altlib.miniworld.grammar import NUMBER_WORDS, article, modified, plural, with_article
from altlib.miniworld.lexicon import Thing, authors, lexicon, people, places, read, things
from altlib.miniworld.scene import Scene, Story

SWIMMER = "🏊"  # the one thing afloat that is in a lake and not on it
HABIT = 7  # how much more often an author uses the usual word than each of the others


def habitual(ways: Sequence[str], number: int, rng: Random) -> str:
    """One of several ways to say the same; an author keeps to one of them most of the time.

    Args:
        ways: To say it.
        number: Of the author's habit.
        rng: Decides whether this time is an exception.
    """
    if len(ways) == 1:
        return ways[0]
    chosen = int(rng.random() * (HABIT + len(ways)))
    return ways[number % len(ways)] if chosen >= len(ways) else ways[chosen]


def habits(story: Story) -> dict[str, Any]:
    """The habits of a story's author."""
    return authors()[story.author]


def colour_word(scene: Scene, author: dict[str, Any], rng: Random) -> str:
    """The word for the scene's colour, spelt as the author spells."""
    words = lexicon()["colours"][scene.colour][1:]
    if scene.colour == "grey":
        return "gray" if author.get("american") else "grey"
    return habitual(words, author["words"], rng)


def noun_of(thing: Thing, author: dict[str, Any], rng: Random) -> str:
    """What an author calls a thing."""
    return habitual(thing.nouns, author["words"], rng)


def named(scene: Scene, noun: str, colour: str, name: str, rng: Random) -> str:
    """Number, colour, name and noun of the main thing.

    ``"two red Fairlane guitars"``, ``"a pair of cats"``, ``"Biscuit the dog"``.

    Args:
        scene: Of the picture.
        noun: What the thing is called by anybody.
        colour: Its own colour, if it has one to tell.
        name: Its name, if it is told.
        rng: Chooses between ways to say two.
    """
    if name and scene.named_the:
        return f"{name} the {plural(noun) if scene.count > 1 else noun}"
    phrase = modified(noun, " ".join(word for word in (colour, name) if word))
    if scene.count == 1:
        return with_article(phrase)
    if scene.count == 2 and not noun.startswith("pair ") and rng.random() < 0.08:
        return f"a pair of {plural(phrase)}"
    return f"{NUMBER_WORDS[scene.count]} {plural(phrase)}"


def subject(story: Story, scene: Scene, rng: Random) -> str:
    """The main thing as alt text names it, with its name only if the post tells that."""
    author = habits(story)
    colour = colour_word(scene, author, rng) if scene.coloured == "thing" else ""
    name = scene.name if "name" in story.told else ""
    return named(scene, noun_of(things()[scene.thing], author, rng), colour, name, rng)


def is_person(scene: Scene) -> bool:
    """Whether the main thing is somebody."""
    return things()[scene.thing].group == "movers"


def keeps_away(scene: Scene) -> bool:
    """Whether nothing stands close to the main thing, as it is on the move, on the water or in somebody's hands."""
    on_the_move = scene.thing in read("alt.toml")["moves"]["glyphs"].split(" ")
    return on_the_move or things()[scene.thing].afloat or scene.person_relation in ("holding", "wearing")


def pronouns(scene: Scene) -> dict[str, str]:
    """Words that agree with how many main things there are."""
    if scene.count > 1:
        return {"them": "them", "their": "their", "They": "They", "are": "are"}
    if is_person(scene):
        person = f"the {things()[scene.thing].nouns[0]}"
        return {"them": person, "their": f"{person}'s", "They": person[0].upper() + person[1:], "are": "is"}
    return {"them": "it", "their": "its", "They": "It", "are": "is"}


def support_phrase(scene: Scene, author: dict[str, Any], rng: Random) -> str:
    """``"a red cloth"``."""
    colour = colour_word(scene, author, rng) if scene.coloured == "support" else ""
    return with_article(modified(habitual(lexicon()["supports"][scene.support], author["words"], rng), colour))


def place_noun(scene: Scene, number: int, rng: Random) -> str:
    """What the kind of place is called."""
    return habitual(places()[scene.place].nouns, number, rng)


def where_phrase(scene: Scene, number: int, rng: Random, town: str = "", event: str = "") -> str:
    """``"at the market in Hartwick"``, ``"in a kitchen"``, ``"in the hall at the Hartwick Open Day"``.

    Args:
        scene: Of the picture.
        number: Of the author's habit.
        rng: Chooses the noun.
        town: Its name, if it is to be told.
        event: What happens there, if that is to be told instead.
    """
    place = places()[scene.place]
    noun = place_noun(scene, number, rng)
    preposition = place.where
    if noun == "lake" and all_afloat(scene):
        preposition = "in" if scene.thing == SWIMMER else "on"
    definite = place.only or noun in ("woods", "hills", "high street")
    phrase = f"{preposition} {'the' if definite else article(noun)} {noun}"
    if event and place.only:
        return f"{phrase} {'during' if preposition == 'at' else 'at'} the {event}"
    return f"{phrase} {place.at} {town}" if town else phrase


def all_afloat(scene: Scene) -> bool:
    """Whether everything in a scene is on the water: nobody stands behind a boat "on the lake"."""
    around = [scene.companion] if scene.companion else []
    return not scene.person and all(things()[glyph].afloat for glyph in (scene.thing, *around))


def told_place(story: Story, scene: Scene, rng: Random) -> tuple[str, str]:
    """The town and the event that alt text may name, each empty if the post does not tell it."""
    town = story.place_name if "place_name" in story.told or "event" in story.told else ""
    event = story.event if "event" in story.told and places()[scene.place].only and rng.random() < 0.5 else ""
    return town, event


def person_phrase(scene: Scene, number: int, rng: Random) -> str:
    """``"a farmer"``."""
    return with_article(habitual(people()[scene.person_kind].nouns, number, rng))


def thing_phrase(scene: Scene, number: int, rng: Random) -> str:
    """``"a basket"``, the companion of the main thing."""
    return with_article(habitual(things()[scene.companion].nouns, number, rng))


def relation_phrase(relation: str, scene: Scene, number: int, rng: Random) -> str:
    """``"beside them"``, ``"in the background"``."""
    key = {"in front of": "front"}.get(relation, relation)
    them = pronouns(scene)
    words = read("alt.toml")["words"]
    way = words["far"][key] if keeps_away(scene) else habitual(words[key], number, rng)
    return way.replace("{them}", them["them"]).replace("{their}", them["their"])
