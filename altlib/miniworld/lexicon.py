"""The vocabulary of the miniature world, read from ``lexicon.toml`` and ``scenes.toml`` and checked."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
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


GLYPH_LISTS = ("tinted", "large", "summer", "floor", "afloat")  # tables of lexicon.toml that mark things


def source(file: str) -> str:
    """The text of a file of this package."""
    return files(__package__).joinpath(file).read_text(encoding="utf-8")


@cache
def read(file: str) -> dict[str, Any]:
    """A parsed TOML file of this package.

    Raises:
        CorpusError: It is not TOML.
    """
    try:
        return tomllib.loads(source(file))
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
