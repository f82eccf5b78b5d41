"""Which facts of the miniature world a free text mentions, and where: the eyes of the judges."""

from __future__ import annotations

import re
from functools import cache
from itertools import product
from typing import NamedTuple

from altlib.miniworld.grammar import modified, plural
from altlib.miniworld.lexicon import lexicon, people, places, read, setups, things

TOKEN = re.compile(r"[^\W_]+(?:['’][^\W_]+)*|[.,;:!?()]")
NEGATIONS = frozenset({"no", "not", "without", "never", "isn't", "aren't", "nor"})
ONE_SPELLING = {
    "gray": "grey",
    "harbor": "harbour",
    "watercolor": "watercolour",
    "theater": "theatre",
    "donut": "doughnut",
    "donuts": "doughnuts",
}  # spellings that are read as others
MARKS = frozenset(".,;:!?()")
NEGATION_REACH = 3  # tokens between a negation and what it denies


class Token(NamedTuple):
    """A word or mark in lower case, and its first and last character in the text."""

    word: str
    start: int
    end: int


class Mention(NamedTuple):
    """A phrase of a text that names a value of a fact.

    Attributes:
        fact: Such as thing or colour.
        value: As :func:`altlib.miniworld.scene.scene_facts` writes it.
        start: Number of its first token.
        end: Number of the token after it.
        many: Whether it is a plural.
        name: The special name inside it, in lower case; empty if it has none.
    """

    fact: str
    value: str
    start: int
    end: int
    many: bool
    name: str


def tokens(text: str) -> list[Token]:
    """The words and marks of a text; a genitive loses its 's."""
    found = []
    for match in TOKEN.finditer(text):
        word = match.group().lower().replace("’", "'")
        word = word.removesuffix("'s")
        found.append(Token(ONE_SPELLING.get(word, word), match.start(), match.end()))
    return found


def words_of(phrase: str) -> tuple[str, ...]:
    """The words of a phrase as :func:`tokens` splits a text."""
    return tuple(token.word for token in tokens(phrase))


Entry = tuple[tuple[str, ...], str, str, bool, str]  # words, fact, value, many, name


def thing_entries() -> list[Entry]:
    """All ways to mention a thing, alone and with each of its names."""
    names: dict[str, list[str]] = {glyph: [] for glyph in things()}
    for setup in setups().values():
        for glyph, told in setup.main.items():
            names[glyph] += [name for name in told if not name.startswith("@")]
    further = lexicon()["read"]["thing"]
    entries = []
    for glyph, thing in things().items():
        value = thing.nouns[0]
        for noun in (*thing.nouns, *further.get(glyph, ())):
            for name in ("", *names[glyph]):
                for whole, many in ((modified(noun, name), False), (plural(modified(noun, name)), True)):
                    entries.append((words_of(whole), "thing", value, many, name.lower()))
    return entries


def name_entries() -> list[Entry]:
    """Names of more than one word: nothing in them is a fact ("Quiz Night", "Green Arrow", "Night Ferry")."""
    said = lexicon()["said"]
    lists = ("boats", "engines", "campaigns", "troupes", "funny_names", "slogans", "pet_names")
    names = [name for key in lists for name in said[key]]
    names += [f"{a} {b}" for a, b in product(said["title_heads"], said["title_tails"])]
    names += list(lexicon()["events"])
    for setup in setups().values():
        names += [name for told in setup.main.values() for name in told if not name.startswith("@")]
    known = other_words()
    return [
        (words, "name", name, False, name.lower())
        for name in names
        if len(words := words_of(name)) > 1 or words[0] not in known
    ]


@cache
def other_words() -> frozenset[str]:
    """Single words that name a fact."""
    return frozenset(entry[0][0] for entry in plain_entries() if len(entry[0]) == 1)


@cache
def plain_entries() -> tuple[Entry, ...]:
    """All ways to mention anything but a name."""
    words, further = lexicon(), lexicon()["read"]
    entries = thing_entries()

    def add(fact: str, value: str, phrase: str, both: bool = False) -> None:
        entries.append((words_of(phrase), fact, value, False, ""))
        if both:
            entries.append((words_of(plural(phrase)), fact, value, True, ""))

    for kind, person in people().items():
        for noun in (*person.nouns, *further["person"].get(kind, ())):
            add("person", person.nouns[0], noun, both=True)
    for kind, place in places().items():
        for noun in (*place.nouns, *further["place"].get(kind, ())):
            add("place", kind, noun)
    for support, nouns in words["supports"].items():
        for noun in (*nouns, *further["support"].get(support, ())):
            add("support", support, noun, both=True)
    for colour, ways in words["colours"].items():
        for word in (*ways[1:], *further["colour"].get(colour, ())):
            add("colour", colour, word)
    for weather, ways in words["weather"].items():
        sentences = (line.strip(".") for line in read("alt.toml")["words"]["light_sentences"][weather])
        for phrase in (*ways["ends"], *ways["day"], *ways["signs"], *sentences):
            add("weather", weather, phrase)
    for form in words["details"].values():
        for detail, ways in form.items():
            for phrase in ways:
                add("detail", detail, phrase)
    for trend, ways in words["trends"].items():
        for phrase in (*ways["now"], *ways["past"], *ways["signs"]):
            add("trend", trend, phrase)
    return tuple(entries)


@cache
def index() -> dict[str, tuple[Entry, ...]]:
    """All entries by their first word, the longest first; names before other facts of the same length."""
    found: dict[str, list[Entry]] = {}
    for entry in (*name_entries(), *plain_entries()):
        if entry[0]:
            found.setdefault(entry[0][0], []).append(entry)
    return {word: tuple(sorted(dict.fromkeys(entries), key=lambda e: -len(e[0]))) for word, entries in found.items()}


@cache
def towns() -> frozenset[str]:
    """The first words of all invented places."""
    said = lexicon()["said"]
    pairs = product(said["place_heads"], said["place_tails"])
    return frozenset((a + b).replace("lll", "ll").lower() for a, b in pairs)


@cache
def after_towns() -> frozenset[str]:
    """Words that belong to the name of a place or team before them, such as Green."""
    said = lexicon()["said"]
    groups = ("ramblers", "striders", "north", "south", "east", "west", "central", "college", "university")
    return frozenset(word.lower() for word in (*said["place_ends"], *said["team_ends"], *groups))


class Reading(NamedTuple):
    """What was read in a text.

    Attributes:
        words: Its tokens; those of names are replaced by :data:`NAME`, so that nothing in a name counts.
        mentions: What it mentions, in order; what it denies is left out.
    """

    words: list[Token]
    mentions: list[Mention]


NAME = "·"  # stands for each word of a name


def read_text(text: str) -> Reading:
    """Find in a text the values of facts that it mentions."""
    words = tokens(text)
    found: list[Mention] = []
    entries, place_names, ends = index(), towns(), after_towns()
    at = 0
    while at < len(words):
        word = words[at].word
        if word in place_names:
            length = 2 if at + 1 < len(words) and words[at + 1].word in ends else 1
            hide(words, at, at + length)
            at += length
            continue
        for phrase, fact, value, many, name in entries.get(word, ()):
            end = at + len(phrase)
            if len(phrase) == 1 or (end <= len(words) and all(words[at + i].word == w for i, w in enumerate(phrase))):
                if fact == "name":
                    hide(words, at, end)
                found.append(Mention(fact, value, at, end, many, name))
                at = end
                break
        else:
            at += 1
    return Reading(words, [m for m in found if not denied(words, m.start)])


def mentions_of(text: str, fact: str) -> set[str]:
    """The values of one fact that a text mentions."""
    return {mention.value for mention in read_text(text).mentions if mention.fact == fact}


def hide(words: list[Token], start: int, end: int) -> None:
    """Put :data:`NAME` in the place of some words."""
    for at in range(start, end):
        words[at] = words[at]._replace(word=NAME)


def denied(words: list[Token], at: int) -> bool:
    """Whether a negation stands shortly before a token, in the same clause."""
    for token in reversed(words[max(0, at - NEGATION_REACH) : at]):
        if token.word in MARKS:
            return False
        if token.word in NEGATIONS:
            return True
    return False
