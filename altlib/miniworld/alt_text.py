"""Alt text: a literal description of a picture, in the habits of the post's author, with what the post tells."""

from __future__ import annotations

from random import Random
from typing import Any

from altlib.miniworld.grammar import counted, expand, join_clauses, sentence_case, slots_of, with_article
from altlib.miniworld.lexicon import lexicon, read, things
from altlib.miniworld.phrases import (
    colour_word,
    habits,
    habitual,
    keeps_away,
    noun_of,
    person_phrase,
    place_noun,
    pronouns,
    relation_phrase,
    subject,
    support_phrase,
    thing_phrase,
    told_place,
    where_phrase,
)
from altlib.miniworld.scene import Scene, Story
from altlib.miniworld.style import styled

SINGULAR = {
    "stand": "stands",
    "sit": "sits",
    "lie": "lies",
    "rest": "rests",
    "grow": "grows",
    "wait": "waits",
    "float": "floats",
    "are displayed": "is displayed",
    "are parked": "is parked",
    "are on show": "is on show",
    "can be seen": "can be seen",
}


def write_alt_text(story: Story, scene: Scene, rng: Random, plain: bool = False) -> str:
    """A literal description of the picture, in the voice of the post's author.

    Args:
        story: Of the post.
        scene: Of the picture.
        rng: Chooses among the author's ways to say it.
        plain: Begin with what is shown, so that it can follow "Image of".
    """
    return alt_text_and_facts(story, scene, rng, plain)[0]


def alt_text_and_facts(story: Story, scene: Scene, rng: Random, plain: bool = False) -> tuple[str, frozenset[str]]:
    """Alt text, and the names of the visible facts that it states: what a judge should find.

    Args:
        story: Of the post.
        scene: Of the picture.
        rng: Chooses among the author's ways to say it.
        plain: Begin with what is shown.
    """
    author = habits(story)
    if scene.form == "photo":
        slots = photo_slots(story, scene, author, rng)
        pattern = read("alt.toml")["orders"][0] if plain else photo_pattern(story, scene, slots, author, rng)
    else:
        slots = form_slots(story, scene, author, rng)
        ways = read("alt.toml")["forms"][scene.form]
        pattern = ways[0] if plain else habitual(ways, len(story.author) + author["words"], rng)
    text = expand(pattern, slots, rng)
    if rng.random() < author.get("aside", 0.0):
        text = f"{text.rstrip('.!')}. {rng.choice(read('sentences.toml')['asides']['lines'])}"
    return styled(text, author), stated_facts(scene, pattern, slots)


# The facts that the slots of an order state; a fact that the scene does not have is stated by none.
STATES = {
    "subject": ("thing", "count", "thing colour"),
    "Subject": ("thing", "count", "thing colour"),
    "icon": ("thing",),
    "Icon": ("thing",),
    "on": ("support", "support colour"),
    "held": ("person", "person_relation"),
    "Person_acts": ("person", "person_relation"),
    "Person_with": ("person",),
    "Person_is": ("person", "person_relation"),
    "with_person": ("person", "person_relation"),
    "with_thing": ("companion", "relation"),
    "Thing_is": ("companion", "relation"),
    "Thing_with": ("companion", "relation"),
    "trend": ("trend",),
    "colour": ("frame colour", "sheet colour"),
    "colour_a": ("frame colour", "sheet colour"),
    "Colour_a": ("frame colour", "sheet colour"),
}
DETAIL_SLOTS = ("medium", "chart", "screen")


def stated_facts(scene: Scene, pattern: str, slots: dict[str, str]) -> frozenset[str]:
    """The facts that an order states with its slots."""
    facts: set[str] = set()
    for slot in slots_of(pattern):
        if not slots[slot]:
            continue
        facts |= set(STATES.get(slot, ()))
        if slot == "does" and slots["on"]:
            facts |= set(STATES["on"])
        if slot == "acts" and slots["Person_acts"]:
            facts |= set(STATES["Person_acts"])
        if slot in ("with", "plus"):
            facts |= set(STATES["with_thing"] if slots["thing"] else ())
            facts |= set(STATES["Person_is"] if slots["person_near"] else ())
        if slot.lower().startswith("where") or slot == "comma_where":
            facts.add("place")
        if slot.lower().startswith("light"):
            facts.add("weather")
        if slot.lower().removesuffix("_a") in DETAIL_SLOTS:
            facts.add("detail")
    if f"{scene.coloured} colour" in facts:
        facts.add("colour")
    return frozenset(fact for fact in facts if not fact.endswith(" colour"))


def photo_pattern(story: Story, scene: Scene, slots: dict[str, str], author: dict[str, Any], rng: Random) -> str:
    """One of the author's orders for which the photograph has everything."""
    alt = read("alt.toml")
    has: dict[str, object] = {
        "where": slots["where"],
        "person": slots["Person_acts"],
        "light": slots["light"],
        "thing": slots["Thing_with"],
        "intro": slots["Intro"],
        "common": not (scene.named_the and "name" in story.told),
    }
    usual = [o for o in author["orders"] if all(has[need] for need in alt["needs"][o])] or [0]
    order = usual[0] if rng.random() < 0.4 else rng.choice(usual)
    if scene.person_relation in ("holding", "wearing") and str(order) in alt["holding"]:
        return alt["holding"][str(order)]
    return alt["orders"][order]


def photo_slots(story: Story, scene: Scene, author: dict[str, Any], rng: Random) -> dict[str, str]:
    """The clauses of a photograph's alt text; those that the author leaves out are empty."""
    words, number = read("alt.toml")["words"], author["words"]
    detail = author["detail"]
    main = subject(story, scene, rng)
    agree = pronouns(scene)
    held_by = scene.person_relation in ("holding", "wearing")
    slots = {
        "subject": main,
        "Subject": sentence_case(main),
        "are": "is" if main.startswith("a pair of ") else agree["are"],
        "Intro": sentence_case(rng.choice(author.get("intro", [""]))),
        "act": "",
        "held": "",
        "on": "",
        "does": action(scene, author, rng),
    }
    acts = read("alt.toml")["acts"].get(scene.thing)
    if acts and not held_by and rng.random() < detail:
        slots["act"] = " " + habitual(acts, number, rng)
    if scene.support and rng.random() < max(detail, 0.85):
        slots["on"] = f" on {support_phrase(scene, author, rng)}"
        verb = habitual(words["on_pets" if things()[scene.thing].group == "pets" else "on"], number, rng)
        slots["does"] = f"{verb if scene.count > 1 else SINGULAR[verb]}{slots['on']}"
    slots |= place_slots(story, scene, author, rng) | person_slots(scene, author, rng) | thing_slots(scene, author, rng)
    around = surroundings(slots, scene, rng)
    slots["with"] = habitual(words["joins"], number, rng) + around if around else ""
    slots["plus"] = f", {rng.choice(['plus', 'also'])} {around}" if around else ""
    return slots


def surroundings(slots: dict[str, str], scene: Scene, rng: Random) -> str:
    """What and who is around the main thing: ``"a basket beside it and a farmer behind it"``."""
    clauses = [(slots["thing"], slots["thing_near"])] if slots["thing"] else []
    if slots["person"] and scene.person_relation in ("beside", "behind"):
        clauses.append((slots["person"], slots["person_near"]))
    rng.shuffle(clauses)
    if len(clauses) == 2 and scene.relation == scene.person_relation:
        return f"{clauses[0][0]} and {clauses[1][0]} {clauses[0][1]}"
    return join_clauses([f"{who} {near}" for who, near in clauses])


def action(scene: Scene, author: dict[str, Any], rng: Random) -> str:
    """What main things do that stand on nothing: ``"are running"``, ``"lies"``."""
    alt = read("alt.toml")
    acts = alt["acts"].get(scene.thing)
    if acts:
        return f"{pronouns(scene)['are']} {habitual(acts, author['words'], rng)}"
    thing = things()[scene.thing]
    ways = alt["ground"].get("afloat" if thing.afloat else thing.group, alt["ground"]["other"])
    verb = habitual(ways, author["words"], rng)
    return verb if scene.count > 1 else SINGULAR[verb]


def place_slots(story: Story, scene: Scene, author: dict[str, Any], rng: Random) -> dict[str, str]:
    """Clauses about the place and the weather."""
    number = author["words"]
    slots = dict.fromkeys(
        (
            "where",
            "comma_where",
            "Where_first",
            "Where_stop",
            "Where_is",
            "Where_noun",
            "light",
            "Light_first",
            "Light_is",
        ),
        "",
    )
    if rng.random() < max(author["detail"], 0.85):
        town, event = told_place(story, scene, rng)
        where = where_phrase(scene, number, rng, town, event)
        agree = pronouns(scene)
        noun = place_noun(scene, number, rng)
        slots |= {
            "where": f" {where}",
            "comma_where": f", {where}",
            "Where_first": sentence_case(where),
            "Where_stop": f" {sentence_case(where)}.",
            "Where_is": f" {agree['They']} {agree['are']} {where}.",
            "Where_noun": sentence_case(noun) + (f", {event or town}" if town else ""),
        }
    if scene.weather and rng.random() < author["detail"]:
        light = lexicon()["weather"][scene.weather]
        slots |= {
            "light": f" {habitual(light['ends'], number, rng)}",
            "Light_first": f"On {habitual(light['day'], number, rng)}",
            "Light_is": f" {habitual(read('alt.toml')['words']['light_sentences'][scene.weather], number, rng)}",
        }
    return slots


def person_slots(scene: Scene, author: dict[str, Any], rng: Random) -> dict[str, str]:
    """Clauses about somebody who is there."""
    slots = dict.fromkeys(
        ("person", "Person", "acts", "Person_acts", "Person_with", "Person_is", "with_person", "person_near", "held"),
        "",
    )
    if not scene.person or rng.random() > max(author["detail"], 0.85):
        if scene.person_relation in ("holding", "wearing"):
            return slots | {"person": "somebody", "Person": "Somebody", "acts": "holds"}  # the order needs one
        return slots
    words, number, relation = read("alt.toml")["words"], author["words"], scene.person_relation
    person = person_phrase(scene, number, rng)
    slots |= {"person": person, "Person": sentence_case(person), "Person_with": f"{sentence_case(person)} with"}
    if relation in ("holding", "wearing"):
        acts = habitual(words["holds" if relation == "holding" else "wears"], number, rng)
        held = habitual(words["held" if relation == "holding" else "worn"], number, rng).replace("{person}", person)
        return slots | {"acts": acts, "Person_acts": f"{sentence_case(person)} {acts}", "held": held}
    stands = habitual(words["stands"], number, rng)
    near = relation_phrase(relation, scene, number, rng)
    beside = "behind" if relation == "behind" else rng.choice(["beside", "next to"])
    return slots | {
        "Person_acts": "" if keeps_away(scene) else f"{sentence_case(person)} {stands} {beside}",
        "Person_is": f" {sentence_case(person)} {stands} {near}.",
        "with_person": f", {person} {near}",
        "person_near": near,
    }


def thing_slots(scene: Scene, author: dict[str, Any], rng: Random) -> dict[str, str]:
    """Clauses about the companion."""
    slots = dict.fromkeys(("with_thing", "Thing_is", "Thing_with", "thing", "thing_near"), "")
    if not scene.companion or rng.random() > author["detail"]:
        return slots
    number = author["words"]
    thing = thing_phrase(scene, number, rng)
    near = relation_phrase(scene.relation, scene, number, rng)
    says = habitual(["There is {thing} {near}.", "{Thing} is {near}.", "{Near} is {thing}."], number, rng)
    plural_thing = thing.startswith("some ")
    if plural_thing:
        says = says.replace("is ", "are ") if not thing.endswith(("wool", "broccoli", "cutlery", "honey")) else says
    filled = says.format(thing=thing, Thing=sentence_case(thing), near=near, Near=sentence_case(near))
    return {
        "with_thing": habitual([", with ", ", ", " with "], number, rng) + f"{thing} {near}",
        "Thing_is": f" {filled}",
        "Thing_with": "" if keeps_away(scene) else f"{sentence_case(thing)} {scene.relation}",
        "thing": thing,
        "thing_near": near,
    }


def form_slots(story: Story, scene: Scene, author: dict[str, Any], rng: Random) -> dict[str, str]:
    """The words for the parts of a picture that is no photograph."""
    colour = colour_word(scene, author, rng)
    town = story.place_name if "place_name" in story.told or "event" in story.told else ""
    icon = with_article(noun_of(things()[scene.thing], author, rng)) if scene.thing else ""
    title = scene.name if "name" in story.told else ""
    slots = {
        "colour": colour,
        "colour_a": with_article(colour),
        "Colour_a": sentence_case(with_article(colour)),
        "icon": icon,
        "Icon": sentence_case(icon),
        "quote": f'"{scene.words}"' if scene.form != "receipt" else scene.words,
        "event": story.event,
        "date": story.date,
        "title": f', "{title}"' if title else "",
        "title_stop": f'. "{title}".' if title else ".",
        "of_place": f" of {town}" if town else "",
        "in_place": f" in {town}" if town else "",
        "from_place": f" from {town}" if town else "",
        "dated": f", dated {scene.words}",
        "measure": story.measure,
        "Measure": sentence_case(story.measure),
    }
    details = lexicon()["details"].get(scene.form)
    if details:
        word = habitual(details[scene.detail], author["words"], rng)
        with_a = word if word.endswith((" art", " oils")) else with_article(word)
        for key in ("medium", "chart", "screen"):
            slots |= {
                key: word,
                key.title(): sentence_case(word),
                f"{key}_a": with_a,
                f"{key.title()}_a": sentence_case(with_a),
            }
    if scene.trend:
        ways = lexicon()["trends"][scene.trend]["now"]
        slots["trend"] = habitual(ways, author["words"], rng)
        if scene.detail == "pie":  # it has no axis along which anything could rise
            slots["trend"] = f"{ways[0]} from slice to slice"
    if scene.form == "artwork":
        slots["subject"] = counted(scene.count, noun_of(things()[scene.thing], author, rng))
        slots["Subject"] = sentence_case(slots["subject"])
        slots["where"] = f" {where_phrase(scene, author['words'], rng)}"
    return slots
