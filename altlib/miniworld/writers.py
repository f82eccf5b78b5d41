"""The people of the miniature world: one writes the post, one the caption, one the alt text.

Each reads the facts of a scene and says them in words of its own. Posts tell what the picture does
not (topic, places, qualities, events); alt text tells what is shown; captions talk about it. The
voice of the post carries over to the alt text.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from random import Random

from altlib.miniworld.lexicon import (
    NUMBER_WORDS,
    counted,
    expand,
    lexicon,
    plural,
    sentence_case,
    with_article,
    wording,
)
from altlib.miniworld.scene import Scene, Story


def join_clauses(clauses: list[str]) -> str:
    """``["a", "b", "c"]`` -> ``"a, b and c"``."""
    if len(clauses) < 2:
        return "".join(clauses)
    return ", ".join(clauses[:-1]) + " and " + clauses[-1]


def write_post(story: Story, rng: Random) -> str:
    """The text of a post, shared by all its pictures."""
    voice = wording()["voices"][story.voice]
    hints = rng.sample(story.topic.hints, 2)
    settings = lexicon()["settings"]
    stops = join_clauses([f"{rng.choice(settings[s]['said'])} {place}" for s, place in story.places.items()])
    places = (
        f"{rng.choice(['Seen at', 'From', 'We went from', 'First', 'Featuring', 'With'])} {stops}. " if stops else ""
    )
    quality = ""
    if story.quality:
        quality = rng.choice(
            [
                f"The {story.quality} sort, of course. ",
                f"All {story.quality}. ",
                f"Nothing beats {story.quality}. ",
                f"Yes, {story.quality}! ",
            ]
        )
    slots = {
        "hint": hints[0],
        "hint2": hints[1],
        "Places": places,
        "places_low": places.lower() if rng.random() < 0.3 else places,
        "Quality": quality,
        "quality_low": quality.lower(),
        "event": story.event,
        "date": story.date,
        "name": story.person,
        "tag": rng.choice(story.topic.tags),
    }
    return (
        sentence_case(expand(rng.choice(voice["post"]), slots, rng))
        if story.voice not in ("casual", "artist")
        else expand(rng.choice(voice["post"]), slots, rng)
    )


def habitual(ways: Sequence[str], story: Story, rng: Random) -> str:
    """One of several ways to say the same; each voice keeps to one of them most of the time."""
    habit = list(wording()["voices"]).index(story.voice) % len(ways)
    return rng.choices(ways, [8 if i == habit else 1 for i in range(len(ways))])[0]


def setting_phrase(story: Story, scene: Scene, rng: Random) -> str:
    """Where the scene is, with the name of the place if the post tells it."""
    phrase = habitual(lexicon()["settings"][scene.setting]["names"], story, rng)
    return f"{phrase} at {story.places[scene.setting]}" if scene.setting in story.places else phrase


def colour_words(scene: Scene) -> list[str]:
    """The words for the scene's colour, the most common first."""
    return lexicon()["colours"][scene.colour][1:]


def surface_phrase(colour: str, story: Story, scene: Scene, rng: Random) -> str:
    """``"on a red cloth"``."""
    surface = habitual(lexicon()["surfaces"][scene.surface], story, rng)
    return f"on {with_article(f'{colour} {surface}')}"


def write_alt_text(story: Story, scene: Scene, rng: Random) -> str:
    """A literal description of the picture, in the voice of the post's writer."""
    words = wording()
    quality = f"{story.quality} " if story.quality and rng.random() < 0.9 else ""
    subject = counted(scene.count, quality + scene.kind)
    beside = with_article(habitual(scene.beside.names, story, rng))
    side = habitual(words["sides"][scene.side], story, rng)
    colour = habitual(colour_words(scene), story, rng)
    slots = {
        "subject": subject,
        "Subject": sentence_case(subject),
        "subject_low": subject,
        "thing_with_quality": quality + (scene.kind if scene.count == 1 else plural(scene.kind)),
        "a_thing": with_article(scene.kind),
        "on": surface_phrase(colour, story, scene, rng),
        "where": setting_phrase(story, scene, rng),
        "beside": beside,
        "Beside": sentence_case(beside),
        "side": side,
        "Side": sentence_case(side),
        "colour": colour,
        "Colour": sentence_case(colour),
        "title": f'"{story.event}, {story.date}"',
        "quote": f'"{story.event}"',
        "place": story.town,
        "measure": story.measure,
        "Measure": sentence_case(story.measure),
        "trend": words["trends"][scene.trend][0],
        "trend_low": words["trends"][scene.trend][1],
    }
    slots |= detail_slots(scene, rng) | agreement(scene.count)
    if scene.form == "photo":
        return expand(rng.choice(words["voices"][story.voice]["photo"]), slots, rng)
    return expand(rng.choice(words["forms"][scene.form][words["register"][story.voice]]), slots, rng)


def agreement(count: int) -> dict[str, str]:
    """Verbs and pronouns that agree with how many things there are."""
    if count == 1:
        return {"are": "is", "were": "was", "They": "It", "stand": "stands"}
    return {"are": "are", "were": "were", "They": "They", "stand": "stand"}


def detail_slots(scene: Scene, rng: Random) -> dict[str, str]:
    """Words for what the form of the picture adds: the type of chart, screen or medium."""
    words = wording()
    match scene.form:
        case "chart":
            chart = rng.choice(words["charts"][scene.detail])
            return {"chart": chart, "Chart": sentence_case(chart)}
        case "screenshot":
            return {"screen": rng.choice(words["screens"][scene.detail])}
        case "artwork":
            medium = rng.choice(words["media"][scene.detail])
            return {"medium": medium, "Medium": sentence_case(medium)}
    return {}


def caption_extras(scene: Scene, other: str, rng: Random) -> str:
    """What a caption mentions in passing: the setting, another thing, the colour, the number.

    Args:
        scene: Of the picture.
        other: The other thing.
        rng: Decides what is mentioned.
    """
    setting = lexicon()["settings"][scene.setting]
    extras = []
    if rng.random() < 0.82:
        extras.append(rng.choice([rng.choice(setting["names"]), f"very {rng.choice(setting['alone'])}"]))
    if scene.form == "photo" and rng.random() < 0.82:
        extras.append(f"{rng.choice(['with', 'next to', 'plus', 'featuring'])} {with_article(other)}")
    if rng.random() < 0.62:
        extras.append(f"{rng.choice(['all', 'so', 'in'])} {rng.choice(colour_words(scene))}")
    if scene.count > 1 and rng.random() < 0.75:
        extras.append(rng.choice([f"{NUMBER_WORDS[scene.count]} of them", f"times {NUMBER_WORDS[scene.count]}"]))
    rng.shuffle(extras)
    return "".join(f", {extra}" for extra in extras)


def write_caption(story: Story, scene: Scene, rng: Random) -> str:
    """A colloquial caption: it names what is shown, talks about it, and mentions what else is seen in passing."""
    words = wording()
    noun, other = scene.kind, rng.choice(scene.beside.names)
    if scene.form == "photo" and rng.random() < 0.25:
        noun, other = other, noun
    place = story.places.get(scene.setting)
    extras = caption_extras(scene, other, rng)
    slots = {
        "noun": noun,
        "Noun": sentence_case(noun),
        "a_noun": with_article(noun),
        "A_noun": sentence_case(with_article(noun)),
        "hint": rng.choice(story.topic.hints),
        "withwhere": extras + (f" in {place}" if place and rng.random() < 0.3 else ""),
        "withmore": extras,
        "withthing": f" with {with_article(scene.kind)}" if rng.random() < 0.8 else "",
        "event": story.event,
        "date": story.date,
        "colour": rng.choice(colour_words(scene)),
        "measure": story.measure,
        "Measure": sentence_case(story.measure),
        "place": story.town,
        "trend_verb": words["trends"][scene.trend][2],
    }
    slots |= detail_slots(scene, rng)
    patterns = words["voices"][story.voice]["caption"] if scene.form == "photo" else words["captions"][scene.form]
    return sentence_case(expand(rng.choice(patterns), slots, rng))


def write_reply(story: Story, rng: Random) -> str:
    """A reply that quotes something of the post: a place, the event or a hint."""
    echo = rng.choice([*story.places.values(), story.event, rng.choice(story.topic.hints), story.quality or story.date])
    return expand(rng.choice(wording()["noise"]["replies"]), {"echo": echo}, rng)


def write_account(story: Story, rng: Random, only: Scene | None = None) -> str:
    """What somebody who was there tells about a post's places and things, in plain sentences.

    Args:
        story: Of the post.
        rng: Chooses order and words.
        only: Tell about this scene alone.
    """
    patterns = wording()["accounts"]
    quality = f"{story.quality} " if story.quality else ""
    scenes = {scene.setting: scene for scene in ([only] if only else story.scenes)}
    sentences = []
    settings = list(dict.fromkeys([*([] if only else story.places), *scenes]))
    for setting in rng.sample(settings, len(settings)):
        words = lexicon()["settings"][setting]
        kind, count = rng.choice(list(story.topic.kinds.values())), rng.randint(1, 4)
        if setting in scenes:
            kind, count = scenes[setting].kind, scenes[setting].count
        subject = counted(count, (quality if rng.random() < 0.8 else "") + kind)
        name = rng.choice(words["names"])
        where = f"{name} at {story.places[setting]}" if setting in story.places else name
        slots = {"subject": subject, "Subject": sentence_case(subject), "where": where, "Where": sentence_case(where)}
        slots |= agreement(count)
        sentences.append(expand(rng.choice(patterns), slots, rng))
    return " ".join(sentences)


def plain_name(glyph: str) -> str:
    """What a glyph is called whatever the topic: ``"hot beverage"``."""
    return unicodedata.name(glyph[0]).lower()


def about(story: Story, rng: Random) -> str:
    """Two words of the story's topic: ``"brew day, the wort"``."""
    return ", ".join(rng.sample(story.topic.hints, 2))


def write_note(story: Story, scene: Scene, rng: Random) -> str:
    """What the post is about, and below it what is seen: ``"brew day, the wort"``, ``"Two tasting glasses."``."""
    return f"{about(story, rng)}\n{sentence_case(counted(scene.count, scene.kind))}."


def write_catalogue_line(scene: Scene, rng: Random) -> str:
    """How an archive would file the picture: plain names for what is drawn, whatever its post calls it.

    ``"hot beverage, two, kitchen, red"``; for a chart, poster, screenshot or artwork the form comes first.
    """
    named = plain_name(scene.glyph)
    colour = rng.choice(colour_words(scene))
    form = [scene.form] if scene.form != "photo" else []
    if scene.form in ("photo", "artwork"):
        place = rng.choice(lexicon()["settings"][scene.setting]["alone"])
        return ", ".join([*form, named, NUMBER_WORDS[scene.count], place, colour])
    return ", ".join([*form, named, colour])
