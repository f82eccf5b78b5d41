"""English that the writers need: plurals, articles, numbers, lists, and patterns with choices and slots."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from random import Random

# Plurals that no rule gives.
IRREGULAR = {
    "man": "men",
    "woman": "women",
    "person": "people",
    "child": "children",
    "goose": "geese",
    "sheep": "sheep",
    "fish": "fish",
    "mackerel": "mackerel",
    "bream": "bream",
    "pollock": "pollock",
    "bass": "bass",
    "knife": "knives",
    "leaf": "leaves",
    "loaf": "loaves",
    "scarf": "scarves",
    "shelf": "shelves",
    "scissors": "scissors",
    "socks": "socks",
    "gloves": "gloves",
    "scales": "scales",
    "glasses": "glasses",
    "masks": "masks",
    "bags": "bags",
    "broccoli": "broccoli",
    "wool": "wool",
    "cutlery": "cutlery",
    "honey": "honey",
    "potato": "potatoes",
    "tomato": "tomatoes",
    "dice": "dice",
    "die": "dice",
    "ferry": "ferries",
    "radio": "radios",
    "photo": "photos",
}
# Nouns of things that are more than one or cannot be counted, so that they have no "a".
UNCOUNTED = frozenset(
    {"scissors", "socks", "gloves", "scales", "glasses", "masks", "bags", "broccoli", "wool", "cutlery", "honey"}
)
PAIRS_OF_NOUNS = {"knife and fork": "knives and forks", "bow and arrow": "bows and arrows"}
HEAD_ENDS = re.compile(r" (?=(?:of|in|with|on)\b)")
PARTITIVES = (
    "pair",
    "ball",
    "bunch",
    "slice",
    "jar",
    "mug",
    "glass",
    "wedge",
    "pot",
    "bowl",
    "loaf",
    "reel",
    "cup",
    "spool",
)
NUMBER_WORDS = ("no", "one", "two", "three", "four", "five", "six")


def head(noun: str) -> tuple[str, str]:
    """The part of a noun phrase that takes the plural, and the rest: ``("pair", " of socks")``."""
    match = HEAD_ENDS.search(noun)
    return (noun[: match.start()], noun[match.start() :]) if match else (noun, "")


@cache
def plural(noun: str) -> str:
    """The plural of a noun phrase: ``"pair of socks"`` -> ``"pairs of socks"``."""
    for pair, many in PAIRS_OF_NOUNS.items():
        if f" {noun}".endswith(f" {pair}"):
            return noun.removesuffix(pair) + many
    start, rest = head(noun)
    words = start.split(" ")
    last = words[-1]
    if last in IRREGULAR:
        last = IRREGULAR[last]
    elif last.endswith("man"):
        last = last[:-2] + "en"
    elif re.search(r"(s|x|z|ch|sh)$", last):
        last += "es"
    elif re.search(r"[^aeiou]y$", last):
        last = last[:-1] + "ies"
    else:
        last += "s"
    return " ".join([*words[:-1], last]) + rest


@cache
def article(noun: str) -> str:
    """``"an"`` for ``"apple"``, ``"a"`` for ``"unicorn"``."""
    sounds_like_vowel = re.match(r"(?i)[aeiou]", noun) and not re.match(r"(?i)(uni|use|euro|ewe|one\b|u-)", noun)
    return "an" if sounds_like_vowel else "a"


@cache
def with_article(noun: str) -> str:
    """``"election flyer"`` -> ``"an election flyer"``; nouns without a singular get ``"some"``."""
    start, _ = head(noun)
    return f"some {noun}" if start.split(" ")[-1] in UNCOUNTED else f"{article(noun)} {noun}"


@cache
def modified(noun: str, modifiers: str) -> str:
    """A noun with words before it that tell more: ``("pair of socks", "blue")`` -> ``"pair of blue socks"``."""
    if not modifiers:
        return noun
    if noun == "fish":  # a mackerel is called that and no "mackerel fish"
        return modifiers
    match = HEAD_ENDS.search(noun)
    if match and noun[: match.start()] in PARTITIVES and noun[match.start() :].startswith(" of "):
        measure, _, content = noun.partition(" of ")
        return f"{measure} of {modifiers} {content}"
    return f"{modifiers} {noun}"


def counted(number: int, noun: str) -> str:
    """``(1, "cup")`` -> ``"a cup"``, ``(3, "cup")`` -> ``"three cups"``."""
    return with_article(noun) if number == 1 else f"{NUMBER_WORDS[number]} {plural(noun)}"


def join_clauses(clauses: Sequence[str]) -> str:
    """``["a", "b", "c"]`` -> ``"a, b and c"``."""
    if len(clauses) < 2:
        return "".join(clauses)
    return ", ".join(clauses[:-1]) + " and " + clauses[-1]


def sentence_case(text: str) -> str:
    """The text with its first letter in upper case."""
    return text[:1].upper() + text[1:]


Parts = tuple[str | tuple["Parts", ...], ...]  # texts and choices, in order; a text with a leading { is a slot


@cache
def parsed(pattern: str) -> Parts:
    """A pattern taken apart once: ``[a|b]`` is a choice, which may hold others, ``{slot}`` a slot.

    Raises:
        ValueError: Brackets do not match.
    """
    tokens = re.findall(r"\{\w+\}|[\[\]|]|[^\[\]|{}]+|[{}]", pattern)
    position = 0

    def sequence(inside: bool) -> Parts:
        nonlocal position
        parts: list[str | tuple[Parts, ...]] = []
        while position < len(tokens) and not (inside and tokens[position] in ("|", "]")):
            token = tokens[position]
            position += 1
            if token == "[":
                options = [sequence(True)]
                while position < len(tokens) and tokens[position] == "|":
                    position += 1
                    options.append(sequence(True))
                if position == len(tokens):
                    raise ValueError(f"a [ is not closed in {pattern!r}")
                position += 1
                parts.append(tuple(options))
            elif token in ("]", "{", "}"):
                raise ValueError(f"a {token} without its partner in {pattern!r}")
            else:
                parts.append(token)
        return tuple(parts)

    return sequence(False)


@cache
def slots_of(pattern: str) -> frozenset[str]:
    """The names of the slots of a pattern."""
    return frozenset(re.findall(r"\{(\w+)\}", pattern))


def expand(pattern: str, slots: Mapping[str, str], rng: Random) -> str:
    """Fill a pattern: ``[a|b]`` becomes a or b, ``{slot}`` becomes its value.

    Args:
        pattern: The pattern.
        slots: Name to value.
        rng: Chooses among the options.
    """
    out: list[str] = []

    def fill(parts: Parts) -> None:
        for part in parts:
            if isinstance(part, tuple):
                fill(part[int(rng.random() * len(part))])
            else:
                out.append(slots[part[1:-1]] if part[0] == "{" else part)

    fill(parsed(pattern))
    return tidy("".join(out))


def tidy(text: str) -> str:
    """The text without doubled spaces, spaces before marks, and marks that follow each other by chance."""
    text = " ".join(text.split())
    for wrong, right in (
        (" ,", ","),
        (" .", "."),
        (" !", "!"),
        (" ?", "?"),
        (",,", ","),
        (",.", "."),
        ("!.", "!"),
        ("?.", "?"),
    ):
        if wrong in text:
            text = text.replace(wrong, right)
    return text
