"""What others write in the miniature world: accounts, notes and the entries of an archive.

The miniature language model reads them before the book, so none is alt text below its own post.
"""

from __future__ import annotations

from random import Random

from altlib.miniworld.grammar import NUMBER_WORDS, expand, modified, sentence_case
from altlib.miniworld.lexicon import lexicon, people, places, read, setups, things
from altlib.miniworld.phrases import named, where_phrase
from altlib.miniworld.scene import Scene, Story


def plain_noun(scene: Scene) -> str:
    """What anybody would call the main thing, or the form of a picture that has none."""
    return things()[scene.thing].nouns[0] if scene.thing else scene.form


def write_account(story: Story, rng: Random, only: Scene | None = None) -> str:
    """What somebody who was there tells about a post's things and places, in plain sentences.

    Args:
        story: Of the post.
        rng: Chooses order and words.
        only: Tell about this scene alone.
    """
    lines = read("sentences.toml")["accounts"]
    sentences = []
    for scene in [only] if only else rng.sample(story.scenes, len(story.scenes)):
        slots = {"who": story.who, "event": f"the {story.event}", "date": story.date, "town": story.place_name}
        if scene.thing and scene.place:
            name = scene.name if rng.random() < 0.9 else ""
            noun = rng.choice(things()[scene.thing].nouns)
            slots["thing"] = named(scene, noun, "", name, rng)
            slots["where"] = where_phrase(scene, rng.randrange(3), rng, story.place_name)
            slots["are"], slots["were"] = ("are", "were") if scene.count > 1 else ("is", "was")
            pattern = rng.choice(lines["seen"])
        else:
            slots["thing"] = scene.form if scene.form != "card" else "picture"
            pattern = rng.choice(lines["heard"])
        slots["Thing"] = sentence_case(slots["thing"])
        slots["Where"] = sentence_case(slots.get("where", ""))
        sentences.append(expand(pattern, slots, rng))
    return " ".join(sentences)


def account_names(story: Story) -> list[str]:
    """The names that a post tells and :func:`write_account` may repeat: of the place and of things."""
    names = [story.place_name] if "place_name" in story.told else []
    if "name" in story.told:
        names += [scene.name for scene in story.scenes if scene.name]
    return list(dict.fromkeys(names))


def about(story: Story, rng: Random) -> str:
    """What a post is about in a few words: ``"Market day, Hartwick"``, ``"Rehearsal, Fairlane"``."""
    occasion = read("captions.toml")["occasions"].get(setups()[story.setup].posts, sentence_case(story.setup))
    names = account_names(story) or [story.place_name]
    return f"{occasion}, {rng.choice(names)}"


def write_note(story: Story, scene: Scene, rng: Random) -> str:
    """What the post is about, and below it what is seen: ``"Market day, Bramley"``, ``"Two Bramley apples."``."""
    seen = named(scene, plain_noun(scene), "", scene.name, rng)
    return f"{about(story, rng)}\n{sentence_case(seen)}."


def write_catalogue_line(scene: Scene, rng: Random) -> str:
    """How an archive would file the picture: plain words for all that is drawn.

    ``"apple, two, market, farmer, basket, red cloth"``; for other pictures than photographs the form comes first.
    """
    parts = [plain_noun(scene)] if scene.thing else []
    if scene.form != "photo":
        parts.insert(0, lexicon()["details"].get(scene.form, {}).get(scene.detail, [scene.form])[0])
    if scene.place:
        parts += [NUMBER_WORDS[scene.count], rng.choice(places()[scene.place].nouns)]
    if scene.person:
        parts.append(people()[scene.person_kind].nouns[0])
    if scene.companion:
        parts.append(things()[scene.companion].nouns[0])
    colour = lexicon()["colours"][scene.colour][1] if scene.colour else ""
    if scene.support:
        parts.append(modified(lexicon()["supports"][scene.support][0], colour if scene.coloured == "support" else ""))
    if colour and scene.coloured != "support":
        parts.append(colour)
    if scene.weather:
        parts.append(rng.choice(lexicon()["weather"][scene.weather]["signs"][:2]))
    return ", ".join(parts)
