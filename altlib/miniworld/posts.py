"""Posts: what happened, what it is called and where, in the habits of an author."""

from __future__ import annotations

from random import Random
from typing import Any

from altlib.miniworld.grammar import expand, modified, plural, sentence_case, slots_of, with_article
from altlib.miniworld.lexicon import places, read, setups, things
from altlib.miniworld.phrases import habits
from altlib.miniworld.scene import Scene, Story
from altlib.miniworld.style import styled

# First words that keep their capital after a comma.
CAPITALS = frozenset(
    "I I'm Monday Tuesday Wednesday Thursday Friday Saturday Sunday Year Dad Grandad County DM MOT Saturn Jupiter Orion".split()
)


def name_slots(scene: Scene, bare: bool) -> dict[str, str]:
    """The name of a thing in the forms that posts need, with words that agree with it.

    Args:
        scene: Of the picture.
        bare: Whether the name can do without its noun.
    """
    noun = things()[scene.thing].nouns[0] if scene.thing else ""
    many = scene.count > 1
    own_plural = plural(scene.name) == f"{scene.name}s"  # not so "Nantes" and "Pink Lady"
    alone = scene.named_the or (bare and (own_plural or (scene.count == 1 and not scene.name.endswith("s"))))
    whole = scene.name if alone else modified(noun, scene.name)
    if scene.named_the:
        item = items = the = whole
    else:
        items = plural(whole)
        item = items if many else with_article(whole)
        the = f"the {items if many else whole}"
    return {
        "name": scene.name,
        "item": item,
        "items": items,
        "the": the,
        "s": "" if many else "s",
        "it": "them" if many else "it",
        "is": "are" if many else "is",
        "was": "were" if many else "was",
        "has": "have" if many else "has",
        "this": "these" if many else "this",
    }


def place_words(story: Story) -> str:
    """``" in Hartwick"``, ``" above Hartwick"``."""
    scene = story.scenes[0]
    at = places()[scene.place].at if scene.form == "photo" else "in"
    return f" {'near' if at == 'above' else at} {story.place_name}"


def first_line(story: Story, slots: dict[str, str], rng: Random) -> tuple[str, bool, bool]:
    """What the post is about, as a pattern: the pattern, whether it tells the name, whether the place."""
    lines = read("posts.toml")[setups()[story.setup].posts]
    names = "name" in story.told and bool(story.scenes[0].name) and bool(lines["news"])
    pattern = rng.choice(lines["news"] if names else lines["plain"])
    place = "place_name" in story.told and "at" in slots_of(pattern) and rng.random() < 0.9
    slots["at"] = place_words(story) if place else ""
    return pattern, names, place


def further_names(story: Story, rng: Random) -> list[str]:
    """Sentences about things of the other pictures that have other names."""
    lines, told = rng.sample(lines := read("sentences.toml")["further"]["lines"], len(lines)), {story.scenes[0].name}
    said: list[str] = []
    for scene in story.scenes[1:]:
        if scene.name and scene.name not in told:
            told.add(scene.name)
            slots = name_slots(scene, setups()[story.setup].bare)
            alone = scene.named_the or setups()[story.setup].alone
            said.append(expand(lines[len(said)], {"named": scene.name if alone else slots["the"]}, rng))
    return said


def occasion_lines(story: Story, rng: Random) -> list[str]:
    """Sentences that tell the event, the date and who was there, as far as the post does."""
    lines = read("sentences.toml")["intents"][story.intent]
    slots = {"event": story.event, "date": story.date, "who": story.who}
    said = []
    if "event" in story.told and "date" in story.told:
        said.append(expand(rng.choice(lines["both"]), slots, rng))
    elif "event" in story.told:
        said.append(expand(rng.choice(lines["event"]), slots, rng))
    elif "date" in story.told:
        said.append(expand(rng.choice(lines["date"]), slots, rng))
    if "who" in story.told:
        said.append(expand(rng.choice(lines["who"]), slots, rng))
    return said


def write_post(story: Story, rng: Random) -> str:
    """The text of a post, shared by all its pictures."""
    author = habits(story)
    slots = name_slots(story.scenes[0], setups()[story.setup].bare) | {"measure": story.measure}
    pattern, names, placed = first_line(story, slots, rng)
    first = expand(pattern, slots, rng)
    body = []
    extra = rng.choices(range(len(author["extra"])), author["extra"])[0]
    more = rng.sample(read("posts.toml")[setups()[story.setup].posts]["more"], extra) if extra else []
    if extra > 1 or (extra and rng.random() < 0.3):
        more[-1] = rng.choice(read("sentences.toml")["intents"][story.intent]["plain"])
    body += [expand(line, slots, rng) for line in more]
    if names:
        body = further_names(story, rng) + body
    occasion = occasion_lines(story, rng)
    body += occasion
    opening = rng.choice(author["open"]) if rng.random() < author["share"] else ""
    if "place_name" in story.told and not placed and "event" not in story.told:
        where = read("sentences.toml")["places"]
        before = not opening and rng.random() < 0.5
        said = expand(rng.choice(where["before" if before else "after"]), {"place": story.place_name}, rng)
        if before:
            opening = said
        else:
            body.insert(rng.randrange(len(body) + 1), said)
    sentences = [after_opening(first, opening, pattern, slots), *(sentence_case(line) for line in body)]
    if rng.random() < author["share"] * 0.8:
        sentences.append(rng.choice(author["close"]))
    text = styled(" ".join(shouted(sentences, author, rng)), author)
    return text + decoration(story, author, rng)


def after_opening(first: str, opening: str, pattern: str, slots: dict[str, str]) -> str:
    """The first sentence behind an opening, with a small letter where the opening is no sentence of its own."""
    if not opening:
        return sentence_case(first)
    if opening[-1] == ":" and ":" in first:
        return f"{opening[:-1]}. {sentence_case(first)}"
    if opening[-1] in ".:!?":
        return f"{opening} {sentence_case(first)}"
    keeps = first.split(" ")[0] in CAPITALS or pattern.startswith(("{", '"'))
    return f"{opening} {first if keeps else first[:1].lower() + first[1:]}"


def shouted(sentences: list[str], author: dict[str, Any], rng: Random) -> list[str]:
    """The sentences, some of them with the exclamation marks of an excited author."""
    share = author.get("shout", 0.0)
    return [s[:-1] + "!" if s.endswith(".") and rng.random() < share else s for s in sentences]


def decoration(story: Story, author: dict[str, Any], rng: Random) -> str:
    """Emoji and hashtags at the end of a post."""
    text = ""
    if author.get("emoji") and rng.random() < author["emoji_share"]:
        text += " " + "".join(rng.sample(author["emoji"], rng.choice((1, 1, 2))))
    if rng.random() < author.get("tags", 0.0):
        occasion = read("captions.toml")["occasions"].get(setups()[story.setup].posts, "News")
        words = [
            occasion.title().replace(" ", "").replace("-", ""),
            rng.choice(read("sentences.toml")["tags"]["words"]),
        ]
        text += "".join(f" #{word}" for word in words[: rng.choice((1, 2))])
    return text


def write_reply(story: Story, rng: Random) -> str:
    """A reply that quotes something of the post: a name, the place or the event."""
    echoes = [story.place_name, f"the {story.event}", story.who]
    echoes += [scene.name for scene in story.scenes if scene.name]
    return sentence_case(
        expand(rng.choice(read("sentences.toml")["noise"]["replies"]), {"echo": rng.choice(echoes)}, rng)
    )
