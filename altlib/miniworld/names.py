"""Names that only posts tell: of places, people, teams, boats, books."""

from __future__ import annotations

from random import Random

from altlib.miniworld.lexicon import lexicon

PROPER = {"@pet": "pet_names", "@snowman": "funny_names", "@robot": "robot_names"}  # names that stand before "the"
LISTED = {"@boat": "boats", "@engine": "engines", "@campaign": "campaigns", "@troupe": "troupes"}
GIVEN_NAMES_TOO = ("Ashton", "Ashleigh")  # cleaning would take "Ashton Cross" for a person
SORTS = (*PROPER, *LISTED, "@team", "@place_group", "@ward", "@college", "@title")  # of invented names


def place_name(rng: Random) -> str:
    """An invented town or village, such as Ravenscar or Hartwick Green."""
    said = lexicon()["said"]
    name = (rng.choice(said["place_heads"]) + rng.choice(said["place_tails"])).replace("lll", "ll")
    longer = f"{name} {rng.choice(said['place_ends'])}" if rng.random() < 0.2 else name
    return name if name in GIVEN_NAMES_TOO else longer


def person_name(rng: Random) -> str:
    """An invented full name from common given names and surnames."""
    said = lexicon()["said"]
    return f"{rng.choice(said['given_names'])} {rng.choice(said['surnames'])}"


def invented_name(sort: str, town: str, count: int, rng: Random) -> tuple[str, bool]:
    """A name of a sort, such as ``@team``, and whether it stands before "the".

    Args:
        sort: As ``scenes.toml`` writes it.
        town: Where the story is.
        count: How many things have to be named.
        rng: Chooses the name.
    """
    said = lexicon()["said"]
    if sort in PROPER:
        return " and ".join(rng.sample(said[PROPER[sort]], count)), True
    if sort in LISTED:
        return rng.choice(said[LISTED[sort]]), False
    match sort:
        case "@team":
            home = town if rng.random() < 0.5 else place_name(rng)
            return f"{home.split(' ')[0]} {rng.choice(said['team_ends'])}", False
        case "@place_group":
            return f"{place_name(rng).split(' ')[0]} {rng.choice(['Ramblers', 'Striders', 'Walking Club'])}", False
        case "@ward":
            return f"{town.split(' ')[0]} {rng.choice(['North', 'South', 'East', 'West', 'Central'])}", False
        case "@college":
            return f"{town.split(' ')[0]} {rng.choice(['College', 'University', 'Art School'])}", False
        case "@title":
            return f"{rng.choice(said['title_heads'])} {rng.choice(said['title_tails'])}", False
    return sort, False
