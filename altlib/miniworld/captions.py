"""Captions: who, when, on which occasion and with which feelings; they mention what is shown in passing."""

from __future__ import annotations

from random import Random
from typing import Any

from altlib.miniworld.grammar import NUMBER_WORDS, expand, modified, plural, sentence_case, tidy, with_article
from altlib.miniworld.lexicon import lexicon, read, setups, things
from altlib.miniworld.phrases import (
    colour_word,
    habits,
    habitual,
    is_person,
    noun_of,
    person_phrase,
    pronouns,
    support_phrase,
    thing_phrase,
    where_phrase,
)
from altlib.miniworld.scene import Scene, Story
from altlib.miniworld.style import styled

SEEN = {"place": 0.42, "companion": 0.3, "person": 0.4, "weather": 0.3, "colour": 0.35, "count": 0.35, "support": 0.2}
AROUND = ("place", "companion", "person", "weather")  # those that do not say more of the main thing
MOST_SEEN = 2  # facts in passing that one caption has at most
NEARBY = {"beside": "nearby", "behind": "in the background", "in front of": "in front"}


def write_caption(story: Story, scene: Scene, rng: Random) -> str:
    """A colloquial caption: it names, dates and feels, and mentions what is shown.

    Args:
        story: Of the post.
        scene: Of the picture.
        rng: Chooses pattern and words.
    """
    author, words = habits(story), read("captions.toml")
    slots = caption_slots(story, scene, author, rng)
    patterns = words["photo"] if scene.form == "photo" else words["forms"][scene.form]
    text = tidy(expand(rng.choice(patterns), slots, rng))
    if scene.form == "photo" and rng.random() < words["more_share"]:
        more = rng.choice(read("posts.toml")[setups()[story.setup].posts]["more"])
        text = f"{text} {sentence_case(expand(more, slots, rng))}"
    return styled(sentence_case(text), author)


def caption_slots(story: Story, scene: Scene, author: dict[str, Any], rng: Random) -> dict[str, str]:
    """Names, dates, feelings and what is seen."""
    words, said = read("captions.toml"), lexicon()["said"]
    feeling = rng.choice(words["feelings"])
    date, month = story.date, story.date.split(" ")[1]
    slots = {
        "place_phrase": f" in {story.place_name}",
        "place_phrase_after": f"in {story.place_name}",
        "town": story.place_name,
        "Town": story.place_name,
        "who": story.who,
        "surname": rng.choice(said["surnames"]),
        "date": date,
        "month": month,
        "year": str(rng.randint(1974 if scene.form in ("photo", "artwork") else 2012, 2021)),
        "event": f"the {story.event}",
        "feeling": feeling,
        "Feeling": sentence_case(feeling),
        "Occasion": words["occasions"].get(setups()[story.setup].posts, "News"),
        "measure": story.measure,
        "Measure": sentence_case(story.measure),
        "seen": "",
        "around": "",
        "Month_a": sentence_case(with_article(month)),
        "done": rng.choice(words["done"]),
        "and_more": rng.choice(words["and_more"]),
    }
    if scene.thing:
        slots |= main_slots(scene, author, rng)
    if scene.form == "photo":
        slots["seen"] = seen_in_passing(scene, author, tuple(SEEN), rng)
        slots["around"] = seen_in_passing(scene, author, AROUND, rng)
    else:
        slots |= form_slots(scene, author, rng)
    return slots


def main_slots(scene: Scene, author: dict[str, Any], rng: Random) -> dict[str, str]:
    """The main thing, with and without its name."""
    noun, many = noun_of(things()[scene.thing], author, rng), scene.count > 1
    plain = plural(noun) if many else noun
    if scene.name and scene.named_the:
        main = f"{scene.name} the {plain}"
        name = scene.name
    elif scene.name:
        whole = modified(noun, scene.name)
        main = plural(whole) if many else with_article(whole)
        name = sentence_case(scene.name)
        if not setups()[scene.setup].bare and scene.form == "photo":
            name = sentence_case(plural(whole) if many else f"the {whole}")
    else:
        main = plain if many else with_article(noun)
        name = sentence_case(main)
    the = f"the {plain}" if many or rng.random() < 0.6 else with_article(noun)
    setup, plain_were = setups()[scene.setup], "were" if many else "was"
    if scene.name and setup.bare and scene.form == "photo" and rng.random() < 0.3:
        several = plural(scene.name) if many and not scene.name.endswith("s") else scene.name
        the = scene.name if scene.named_the or setup.alone else f"the {several}"
        if is_person(scene):
            plain_were = "were"  # a team is its people
    agree = pronouns(scene)
    return {
        "main": main,
        "Main": sentence_case(main),
        "plain": the,
        "Plain": sentence_case(the),
        "Name": name,
        "plain_were": plain_were,
        "they_were": "were" if many else "was",
        "is_are": "are" if many else "is",
        **{key: agree[key] for key in ("them", "their")},
    }


def seen_in_passing(scene: Scene, author: dict[str, Any], facts: tuple[str, ...], rng: Random) -> str:
    """At most two of the visible facts, as a caption mentions them: ``", three of them"``.

    Args:
        scene: Of the picture.
        author: Who writes.
        facts: That may be mentioned, of :data:`SEEN`.
        rng: Chooses.
    """
    ways, number = read("captions.toml")["seen"], author["words"]
    available = {
        "place": bool(scene.place),
        "companion": bool(scene.companion),
        "person": bool(scene.person),
        "weather": bool(scene.weather),
        "colour": scene.coloured == "thing",
        "count": scene.count > 1,
        "support": bool(scene.support),
    }
    chosen = [fact for fact, there in available.items() if there and fact in facts and rng.random() < SEEN[fact]]
    chosen = rng.sample(chosen, min(MOST_SEEN, len(chosen)))
    if "person" in chosen and "companion" in chosen:
        chosen.remove("companion")
    text = ""
    for fact in chosen:
        slots = {
            "thing": thing_phrase(scene, number, rng) if scene.companion else "",
            "near": NEARBY.get(scene.relation, ""),
            "person": person_phrase(scene, number, rng) if scene.person else "",
            "where": where_phrase(scene, number, rng),
            "light": habitual(lexicon()["weather"][scene.weather]["ends"], number, rng) if scene.weather else "",
            "colour": colour_word(scene, author, rng) if scene.colour else "",
            "number": NUMBER_WORDS[scene.count],
            "support": support_phrase(scene, author, rng) if scene.support else "",
        }
        text += expand(", " + rng.choice(ways[fact]), slots, rng)
    return text


def form_slots(scene: Scene, author: dict[str, Any], rng: Random) -> dict[str, str]:
    """What a picture that is no photograph adds."""
    number = author["words"]
    slots = {
        "colour": colour_word(scene, author, rng),
        "quote": scene.words if scene.form == "receipt" else f'"{scene.words}"',
        "icon": with_article(noun_of(things()[scene.thing], author, rng)) if scene.thing else "",
    }
    details = lexicon()["details"].get(scene.form)
    if details:
        word = habitual(details[scene.detail], number, rng)
        for key in ("medium", "chart", "screen"):
            slots |= {key: word, key.title(): sentence_case(word)}
    if scene.trend:
        slots["trend_past"] = habitual(lexicon()["trends"][scene.trend]["past"], number, rng)
    return slots
