"""The vocabulary of the miniature world, read from ``lexicon.toml`` and ``wording.toml``."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from random import Random


@dataclass(frozen=True)
class Topic:
    """What a post can be about. Only the post tells it; the picture does not.

    Attributes:
        name: Of the topic.
        hints: Words that tell it in a post.
        tags: Hashtags.
        kinds: Glyph to what that glyph is called in this topic.
    """

    name: str
    hints: tuple[str, ...]
    tags: tuple[str, ...]
    kinds: dict[str, str]


@dataclass(frozen=True)
class Thing:
    """Something that the picture alone identifies.

    Attributes:
        glyph: As it is drawn.
        group: Such as food.
        names: The most common one first.
    """

    glyph: str
    group: str
    names: tuple[str, ...]


def split_entry(entry: str) -> tuple[str, str]:
    """``"📄 election flyer"`` -> ``("📄", "election flyer")``."""
    glyph, name = entry.strip().split(" ", 1)
    return glyph, name


@cache
def lexicon() -> dict:
    """The parsed ``lexicon.toml``."""
    return tomllib.loads(files(__package__).joinpath("lexicon.toml").read_text(encoding="utf-8"))


@cache
def wording() -> dict:
    """The parsed ``wording.toml``."""
    return tomllib.loads(files(__package__).joinpath("wording.toml").read_text(encoding="utf-8"))


@cache
def topics() -> dict[str, Topic]:
    """All topics by name."""
    return {
        name: Topic(
            name, tuple(t["hints"]), tuple(t["tags"]), dict(split_entry(entry) for entry in t["kinds"].split(","))
        )
        for name, t in lexicon()["topics"].items()
    }


@cache
def things() -> tuple[Thing, ...]:
    """All plain things, in the order of the file."""
    return tuple(
        Thing(glyph, group, tuple(names.split("|")))
        for group, entries in lexicon()["things"].items()
        for glyph, names in (split_entry(entry) for entry in entries.split(","))
    )


@cache
def glyph_sharing() -> dict[str, int]:
    """How many topics use each glyph for one of their kinds, by glyph."""
    counts: dict[str, int] = {}
    for topic in topics().values():
        for glyph in topic.kinds:
            counts[glyph] = counts.get(glyph, 0) + 1
    return counts


# Plurals that no rule gives.
IRREGULAR = {
    "man": "men",
    "woman": "women",
    "person": "people",
    "child": "children",
    "mouse": "mice",
    "goose": "geese",
    "sheep": "sheep",
    "deer": "deer",
    "knife": "knives",
    "leaf": "leaves",
    "loaf": "loaves",
    "scarf": "scarves",
    "sheaf": "sheaves",
    "wolf": "wolves",
    "shelf": "shelves",
    "glasses": "glasses",
    "goggles": "goggles",
    "headphones": "headphones",
    "tools": "tools",
    "tea": "teas",
    "broccoli": "broccoli",
    "bus": "buses",
    "life": "lives",
    "match": "matches",
    "stitch": "stitches",
    "cattle": "cattle",
    "skis": "skis",
    "foot": "feet",
    "potato": "potatoes",
    "tomato": "tomatoes",
    "dice": "dice",
    "spaghetti": "spaghetti",
    "half": "halves",
}
NUMBER_WORDS = ("no", "one", "two", "three", "four", "five", "six")
CHOICE = re.compile(r"\[([^\[\]]*)\]")  # the options of a pattern


def plural(noun: str) -> str:
    """The plural of a noun phrase: ``"pair of skis"`` -> ``"pairs of skis"``."""
    for preposition in (
        " of ",
        " in ",
        " with ",
        " behind ",
        " and ",
        " doing ",
        " dancing",
        " meditating",
        " shrugging",
        " gesturing",
    ):
        head, found, rest = noun.partition(preposition)
        if found:
            return plural(head) + preposition + rest
    words = noun.split(" ")
    last = words[-1]
    if last in IRREGULAR:
        last = IRREGULAR[last]
    elif re.search(r"(s|x|z|ch|sh)$", last):
        last += "es"
    elif re.search(r"[^aeiou]y$", last):
        last = last[:-1] + "ies"
    else:
        last += "s"
    return " ".join([*words[:-1], last])


def with_article(noun: str) -> str:
    """``"election flyer"`` -> ``"an election flyer"``; plural-only nouns get ``"some"``."""
    head = noun.split(" of ")[0].split(" ")[-1]
    if head in {"glasses", "goggles", "headphones", "tools"}:
        return f"some {noun}"
    vowel = re.match(r"(?i)[aeiou]", noun) and not re.match(r"(?i)(uni|use|euro|one-|one )", noun)
    return f"{'an' if vowel else 'a'} {noun}"


def counted(number: int, noun: str) -> str:
    """``(1, "cup")`` -> ``"a cup"``, ``(3, "cup")`` -> ``"three cups"``."""
    return with_article(noun) if number == 1 else f"{NUMBER_WORDS[number]} {plural(noun)}"


def expand(pattern: str, slots: dict[str, str], rng: Random) -> str:
    """Fill a pattern: ``[a|b]`` becomes a or b, ``{slot}`` becomes its value.

    Args:
        pattern: The pattern.
        slots: Name to value.
        rng: Chooses among the options.
    """
    while (choice := CHOICE.search(pattern)) is not None:
        option = rng.choice(choice.group(1).split("|"))
        pattern = pattern[: choice.start()] + option + pattern[choice.end() :]
    text = pattern.format_map(slots)
    text = re.sub(r"\s+([.,;:!?])", r"\1", re.sub(r"\s+", " ", text))
    return text.strip()


def sentence_case(text: str) -> str:
    """The text with its first letter in upper case."""
    return text[:1].upper() + text[1:]
