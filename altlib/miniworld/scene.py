"""Scenes: the typed facts from which pictures, posts, captions and alt text are all made.

A :class:`Story` is what one post is about. It holds one to four :class:`Scene` objects, one per
picture. A fact may be visible (the renderer draws it), said (the post tells it), both or neither.
The kind of thing that is shown needs both: the picture tells its glyph, the post its topic, and only
the pair tells its name.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from altlib.miniworld.lexicon import NUMBER_WORDS, Thing, Topic, glyph_sharing, lexicon, things, topics, wording

PLACES = 5  # places that a post names; so many that a guess at the one in a picture is mostly wrong
FORMS = {"photo": 0.76, "poster": 0.08, "chart": 0.05, "screenshot": 0.05, "artwork": 0.06}  # how often each is drawn


@dataclass(frozen=True)
class Scene:
    """The facts of one picture.

    Attributes:
        form: photo, poster, chart, screenshot or artwork.
        glyph: The main thing as it is drawn.
        kind: The main thing as the topic calls it.
        count: How many of it.
        setting: Where it is.
        surface: What it stands on.
        colour: Of the surface, and of what the form draws.
        beside: Another thing.
        side: Where that stands.
        detail: What the form adds: the type of chart, screen or medium.
        trend: Of a chart.
        layout_seed: Decides the rest of the drawing.
    """

    form: str
    glyph: str
    kind: str
    count: int
    setting: str
    surface: str
    colour: str
    beside: Thing
    side: str
    detail: str
    trend: str
    layout_seed: int


@dataclass(frozen=True)
class Story:
    """What one post is about.

    Attributes:
        story_id: Of the post.
        voice: How its writer writes.
        topic: What it is about; this and what follows up to ``quality`` is known from the post alone.
        town: Where it happens.
        event: An event of the town.
        date: Of the event.
        measure: What a chart shows.
        person: A name.
        quality: Of the things, if the post tells it.
        places: Setting to the name of a place; some of the settings are in no picture.
        scenes: One per picture.
    """

    story_id: str
    voice: str
    topic: Topic
    town: str
    event: str
    date: str
    measure: str
    person: str
    quality: str | None
    places: dict[str, str]
    scenes: tuple[Scene, ...]


def pick(weights: dict[str, float], rng: Random) -> str:
    """A key drawn in proportion to its weight."""
    return rng.choices(list(weights), list(weights.values()))[0]


def place_name(rng: Random) -> str:
    """An invented place, such as Ravenscar Magna."""
    said = lexicon()["said"]
    return f"{rng.choice(said['place_heads'])}{rng.choice(said['place_tails'])} {rng.choice(said['place_ends'])}"


def person_name(rng: Random) -> str:
    """An invented full name from common given names and surnames."""
    said = lexicon()["said"]
    return f"{rng.choice(said['given_names'])} {rng.choice(said['surnames'])}"


def sample_scene(topic: Topic, rng: Random) -> Scene:
    """One picture of something that belongs to a topic.

    Glyphs that several topics share are drawn more often, because a picture alone leaves open what
    they are.
    """
    sharing = glyph_sharing()
    glyphs = list(topic.kinds)
    glyph = rng.choices(glyphs, [sharing[g] for g in glyphs])[0]
    form = pick(FORMS, rng)
    words = wording()
    detail = {"chart": "charts", "screenshot": "screens", "artwork": "media"}.get(form)
    return Scene(
        form=form,
        glyph=glyph,
        kind=topic.kinds[glyph],
        count=rng.choices((1, 2, 3, 4), (6, 2, 1, 1))[0],
        setting=rng.choice(list(lexicon()["settings"])),
        surface=rng.choice(list(lexicon()["surfaces"])),
        colour=rng.choice(list(lexicon()["colours"])),
        beside=rng.choice(things()),
        side=rng.choice(list(words["sides"])),
        detail=rng.choice(list(words[detail])) if detail else "",
        trend=rng.choice(list(words["trends"])),
        layout_seed=rng.getrandbits(31),
    )


def sample_story(story_id: str, rng: Random) -> Story:
    """A post with one to four pictures, a topic, and the places of some settings."""
    topic = topics()[rng.choice(list(topics()))]
    said = lexicon()["said"]
    scenes = tuple(sample_scene(topic, rng) for _ in range(rng.choices((1, 2, 3, 4), (55, 25, 12, 8))[0]))
    voices = {name: v["weight"] for name, v in wording()["voices"].items()}
    settings = list(dict.fromkeys(s.setting for s in scenes if rng.random() < 0.9))
    elsewhere = [s for s in lexicon()["settings"] if s not in {scene.setting for scene in scenes}]
    settings += rng.sample(elsewhere, PLACES - len(settings))
    rng.shuffle(settings)
    town = place_name(rng)
    return Story(
        story_id=story_id,
        voice=pick(voices, rng),
        topic=topic,
        town=town,
        event=f"{town} {rng.choice(said['events'])}",
        date=f"{rng.randint(1, 28)} {rng.choice(said['months'])}",
        measure=rng.choice(said["measures"]),
        person=person_name(rng),
        quality=rng.choice(said["qualities"]) if rng.random() < 0.75 else None,
        places={setting: place_name(rng) for setting in settings},
        scenes=scenes,
    )


def scene_facts(story: Story, scene: Scene) -> list[dict]:
    """The facts of a picture: each with its words and how it can be known.

    ``kind`` is neither visible nor said on its own: its glyph is visible and its topic is said.

    Returns:
        Dictionaries with ``fact``, ``value``, ``visible`` (the picture shows it) and ``said`` (the post
        tells it).
    """

    def fact(name: str, value: str, visible: bool, said: bool) -> dict:
        return {"fact": name, "value": value, "visible": visible, "said": said}

    facts = [
        fact("form", scene.form, True, False),
        fact("glyph", scene.glyph, True, False),
        fact("topic", story.topic.name, False, True),
        fact("kind", scene.kind, False, False),
        fact("voice", story.voice, False, True),
        fact("colour", scene.colour, True, False),
    ]
    if scene.form in ("photo", "artwork"):
        facts += [fact("count", NUMBER_WORDS[scene.count], True, False), fact("setting", scene.setting, True, False)]
        if scene.setting in story.places:
            facts.append(fact("place", story.places[scene.setting], False, True))
        if story.quality:
            facts.append(fact("quality", story.quality, False, True))
    if scene.form == "photo":
        facts += [
            fact("surface", scene.surface, True, False),
            fact("beside", scene.beside.names[0], True, False),
            fact("side", scene.side, True, False),
        ]
    if scene.form in ("poster", "screenshot"):
        facts += [fact("event", story.event, False, True), fact("date", story.date, False, True)]
    if scene.form == "chart":
        facts += [fact("trend", scene.trend, True, False), fact("measure", story.measure, False, True)]
    if scene.detail:
        facts.append(fact("detail", scene.detail, True, False))
    return facts
