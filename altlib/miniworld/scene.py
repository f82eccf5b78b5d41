"""Scenes: the typed facts from which pictures, posts, captions and alt text are all made.

A :class:`Story` is what one post is about. It holds one to four :class:`Scene` objects, one per
picture. A fact may be visible (the renderer draws it), said (the post tells it), both or neither.
A picture shows what a thing is, how many there are, its colour and what is around it; the post tells
what the thing is called, where it is, who was there and on which occasion.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random

from altlib.miniworld.grammar import NUMBER_WORDS
from altlib.miniworld.lexicon import Setup, authors, lexicon, people, places, setups, things
from altlib.miniworld.names import PROPER, invented_name, place_name


@dataclass(frozen=True)
class Scene:
    """The facts of one picture.

    A field is empty where the picture does not have the fact.

    Attributes:
        setup: The kind of scene, of ``scenes.toml``.
        form: photo, artwork, poster, chart, map, screenshot, card or receipt.
        thing: Glyph of the main thing; empty for charts and screenshots.
        name: What the main thing is called; only the post tells it.
        named_the: Whether the name is a proper name that stands before "the": Biscuit the dog.
        count: How many of the main thing.
        colour: Of the main thing, of what it stands on, of the frame or of the sheet.
        coloured: Which of these: thing, support, frame or sheet.
        person: Glyph of somebody who is there.
        person_kind: Who that is, a key of the lexicon's people.
        person_relation: holding, wearing, beside or behind the main thing.
        companion: Glyph of another thing.
        relation: Where that is: beside, behind or in front of the main thing.
        support: What the main thing stands on; empty: the ground.
        place: The kind of place, a key of the lexicon's places.
        weather: Weather or light, a key of the lexicon's weather.
        detail: What the form adds: the type of chart or screen, or the medium of an artwork.
        trend: Of a chart.
        words: What is written on a poster, card, screenshot or receipt.
        layout_seed: Decides the rest of the drawing.
    """

    setup: str
    form: str
    thing: str
    name: str
    named_the: bool
    count: int
    colour: str
    coloured: str
    person: str
    person_kind: str
    person_relation: str
    companion: str
    relation: str
    support: str
    place: str
    weather: str
    detail: str
    trend: str
    words: str
    layout_seed: int


@dataclass(frozen=True)
class Story:
    """What one post is about.

    Attributes:
        story_id: Of the post.
        author: Key of the author who writes it.
        setup: The kind of scene.
        intent: What the post is for: announce, thank, joke, ask, complain, sell, invite or report.
        place_name: Of a town or village.
        event: An event there.
        date: Of the event.
        measure: What a chart shows.
        who: The name of somebody in the story.
        told: Which of name, place_name, event, date and who the post tells, in alphabetical order.
        scenes: One per picture.
    """

    story_id: str
    author: str
    setup: str
    intent: str
    place_name: str
    event: str
    date: str
    measure: str
    who: str
    told: tuple[str, ...]
    scenes: tuple[Scene, ...]


def pick(weights: Mapping[str, float], rng: Random) -> str:
    """A key drawn in proportion to its weight."""
    return rng.choices(list(weights), list(weights.values()))[0]


def weather_of(setup: Setup, place: str, rng: Random) -> str:
    """The weather of a place out of doors; none indoors."""
    return rng.choice(setup.weather) if place and places()[place].outdoors else ""


def main_thing(setup: Setup, town: str, rng: Random) -> dict[str, str | int | bool]:
    """The main thing of a scene: glyph, name, number and colour."""
    glyph = rng.choice(list(setup.main))
    names = setup.main[glyph]
    sort = rng.choice(names) if names else ""
    count = rng.choices(range(1, len(setup.counts) + 1), setup.counts)[0]
    if sort in PROPER:
        count = min(count, 2)  # more names than two make no phrase
    if sort in ("@boat", "@engine"):
        count = 1  # no two have the same name
    name, named_the = invented_name(sort, town, count, rng)
    return {"thing": glyph, "name": name, "named_the": named_the, "count": count}


WORN = ("👕", "🧣", "🧢", "🎩", "👗", "🧥")  # what can be drawn on somebody


def possible_relation(relation: str, thing: str, count: int, rng: Random) -> str:
    """The relation, or one that is possible: nobody wears two shirts or holds a sofa."""
    if relation == "wearing" and not (thing in WORN and count == 1):
        relation = "holding"
    if relation == "holding" and (things()[thing].large or count > 2):
        relation = rng.choice(("beside", "behind"))
    return relation


def possible_support(setup: Setup, thing: str, place: str, rng: Random) -> str:
    """What the thing stands on; empty for the ground: no sofa stands on a table and no shelf in a field."""
    floor = things()[thing].floor
    possible = [
        support
        for support in setup.supports
        if not (support == "shelf" and places()[place].outdoors)
        and not (floor and support not in ("mat", "blanket", "bench", "ground"))
    ]
    return rng.choice(possible).replace("ground", "") if possible else ""


def possible_colour(thing: str, coloured: str, rng: Random) -> str:
    """A colour that the thing, or what it stands on, may have; empty if nothing has one."""
    flowers = lexicon()["flowers"]
    natural = coloured == "thing" and thing in flowers["glyphs"].split(" ")
    return rng.choice(flowers["colours"] if natural else list(lexicon()["colours"])) if coloured else ""


def sample_photo(setup: Setup, place: str, weather: str, town: str, rng: Random) -> Scene:
    """A photograph or artwork of a kind of scene at a place."""
    main = main_thing(setup, town, rng)
    support = possible_support(setup, str(main["thing"]), place, rng)
    coloured = "thing" if things()[str(main["thing"])].tinted else "support" if support else ""
    if setup.form == "artwork":
        coloured = "frame"
    person_kind = relation = glyph = ""
    if setup.people and rng.random() < setup.share:
        person_kind, relation = rng.choice(setup.people), rng.choice(setup.relations)
        glyph = rng.choice(people()[person_kind].glyphs)
        relation = possible_relation(relation, str(main["thing"]), int(main["count"]), rng)
        if relation in ("holding", "wearing"):
            support = ""
            coloured = coloured if coloured != "support" else ""
    others = [c for c in setup.companions if c != main["thing"] and not (weather == "snow" and things()[c].summer)]
    companion = rng.choice(others) if others and rng.random() < 0.75 else ""
    return Scene(
        setup=setup.name,
        form=setup.form,
        **main,  # type: ignore[arg-type]
        colour=possible_colour(str(main["thing"]), coloured, rng),
        coloured=coloured,
        person=glyph,
        person_kind=person_kind,
        person_relation=relation,
        companion=companion,
        relation=rng.choices(("beside", "behind", "in front of"), (5, 2, 2))[0] if companion else "",
        support=support,
        place=place,
        weather=weather,
        detail=rng.choice(list(lexicon()["details"]["artwork"])) if setup.form == "artwork" else "",
        trend="",
        words="",
        layout_seed=rng.getrandbits(31),
    )


def sample_document(setup: Setup, town: str, event: str, date: str, rng: Random) -> Scene:
    """A poster, chart, map, screenshot, card or receipt."""
    details = lexicon()["details"].get(setup.form)
    words = {
        "poster": f"{event}, {date}",
        "card": rng.choice(lexicon()["said"]["slogans"]),
        "receipt": f"£{rng.randint(2, 48)}.{rng.choice(['00', '20', '50', '75', '99'])}",
        "map": town,
        "screenshot": date,
    }
    return Scene(
        setup=setup.name,
        form=setup.form,
        thing=rng.choice(list(setup.main)) if setup.main else "",
        name="",
        named_the=False,
        count=1,
        colour=rng.choice(list(lexicon()["colours"])),
        coloured="sheet",
        person="",
        person_kind="",
        person_relation="",
        companion="",
        relation="",
        support="",
        place="",
        weather="",
        detail=rng.choice(list(details)) if details else "",
        trend=rng.choice(list(lexicon()["trends"])) if setup.form == "chart" else "",
        words=words.get(setup.form, ""),
        layout_seed=rng.getrandbits(31),
    )


def sample_scene(setup: Setup, rng: Random, town: str = "", event: str = "", date: str = "") -> Scene:
    """One picture of a kind of scene.

    Args:
        setup: The kind of scene.
        rng: Decides everything else.
        town: The name of the place; one is invented if it is empty.
        event: What a poster announces.
        date: Of the event.
    """
    town = town or place_name(rng)
    if setup.form not in ("photo", "artwork"):
        return sample_document(setup, town, event, date, rng)
    place = rng.choice(setup.places)
    return sample_photo(setup, place, weather_of(setup, place, rng), town, rng)


def further_scene(first: Scene, setup: Setup, town: str, rng: Random) -> Scene:
    """Another picture of the same occasion: the same place and weather, half the time the same things."""
    if rng.random() < 0.5:
        return sample_photo(setup, first.place, first.weather, town, rng)
    same = replace(setup, main={first.thing: setup.main[first.thing]})
    scene = sample_photo(same, first.place, first.weather, town, rng)
    return replace(
        scene,
        name=first.name,
        named_the=first.named_the,
        count=first.count if first.named_the else scene.count,
        colour=first.colour if first.coloured == scene.coloured == "thing" else scene.colour,
    )


INTENTS = ("announce", "thank", "joke", "ask", "complain", "sell", "invite", "report")


def sample_intent(setup: Setup, rng: Random) -> str:
    """What a post of a kind of scene is for."""
    if setup.name == "sale":
        return "sell"
    return rng.choice([intent for intent in INTENTS if setup.sells or intent != "sell"])


TOLD = {"date": 0.3, "event": 0.3, "name": 0.92, "place_name": 0.88, "who": 0.45}  # how often a post tells each


def occasion(snow: bool, rng: Random) -> tuple[str, str]:
    """An event and its date, in a month that suits both the event and the weather."""
    month = rng.choice((1, 2, 12)) if snow else rng.randint(1, 12)
    fitting = [
        event
        for event, (first, last) in lexicon()["events"].items()
        if first <= month <= last or first <= month + 12 <= last
    ]
    return rng.choice(fitting), f"{rng.randint(1, 28)} {lexicon()['said']['months'][month - 1]}"


def sample_story(story_id: str, rng: Random) -> Story:
    """A post with one to four pictures of one kind of scene."""
    said = lexicon()["said"]
    setup = setups()[pick({name: s.weight for name, s in setups().items()}, rng)]
    town = place_name(rng)
    photo = setup.form in ("photo", "artwork")
    scenes = [sample_scene(setup, rng, town)] if photo else []
    event, date = occasion(scenes[0].weather == "snow" if photo else False, rng)
    event = f"{town} {event}"
    scenes = scenes or [sample_scene(setup, rng, town, event, date)]
    pictures = rng.choices((1, 2, 3, 4), (62, 22, 10, 6))[0] if setup.form == "photo" else 1
    for _ in range(pictures - 1):
        scenes.append(further_scene(scenes[0], setup, town, rng))
    told = {fact for fact, share in TOLD.items() if rng.random() < share}
    if setup.form == "poster":
        told |= {"date", "event"}
    return Story(
        story_id=story_id,
        author=rng.choice(list(authors())),
        setup=setup.name,
        intent=sample_intent(setup, rng),
        place_name=town,
        event=event,
        date=date,
        measure=rng.choice(said["measures"]),
        who=rng.choice(said["given_names"]),
        told=tuple(sorted(told)),
        scenes=tuple(scenes),
    )


def scene_facts(story: Story, scene: Scene, said_too: Mapping[str, frozenset[str]] | None = None) -> list[dict]:
    """The facts of a picture: each with its words and how it can be known.

    Args:
        story: Of the post.
        scene: Of the picture.
        said_too: The values that the post itself states for facts that the picture shows.

    Returns:
        Dictionaries with ``fact``, ``value``, ``visible`` (the picture shows it) and ``said`` (the post
        tells it). Facts that the picture does not have are left out.
    """
    said_too = said_too or {}
    nouns = things()
    shown = {
        "form": scene.form,
        "thing": nouns[scene.thing].nouns[0] if scene.thing else "",
        "count": NUMBER_WORDS[scene.count] if scene.place else "",
        "colour": scene.colour,
        "coloured": scene.coloured,
        "support": scene.support,
        "person": people()[scene.person_kind].nouns[0] if scene.person else "",
        "person_relation": scene.person_relation,
        "companion": nouns[scene.companion].nouns[0] if scene.companion else "",
        "relation": scene.relation,
        "place": scene.place,
        "weather": scene.weather,
        "detail": scene.detail,
        "trend": scene.trend,
        "words": scene.words,
    }
    told = {
        "name": scene.name,
        "place_name": story.place_name,
        "event": story.event,
        "date": story.date,
        "who": story.who,
    }
    facts = [
        {"fact": name, "value": value, "visible": True, "said": value in said_too.get(name, ())}
        for name, value in shown.items()
        if value
    ]
    tells = {*story.told, "place_name"} if "event" in story.told else set(story.told)  # its event names the town
    facts += [{"fact": n, "value": v, "visible": False, "said": True} for n, v in told.items() if v and n in tells]
    if scene.form == "chart":
        facts.append({"fact": "measure", "value": story.measure, "visible": False, "said": True})
    return [*facts, {"fact": "author", "value": story.author, "visible": False, "said": True}]
