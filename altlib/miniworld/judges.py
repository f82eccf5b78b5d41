"""What a text says about a picture of the miniature world, word by word, from the known facts."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from random import Random

from altlib.miniworld.lexicon import NUMBER_WORDS, lexicon, plural, things, topics, wording

# The facts that are looked for in a text.
JUDGED = ("kind", "count", "setting", "surface", "colour", "beside", "side", "trend", "detail")


@dataclass(frozen=True)
class Statement:
    """What a text states about a picture.

    Attributes:
        said: The values that it names for each judged fact.
        right: The facts that it states correctly.
        asked: The judged facts that the picture has.
        stating_words: How many of its words state a fact.
        words: How many words it has.
    """

    said: dict[str, set[str]]
    right: frozenset[str]
    asked: tuple[str, ...]
    stating_words: int
    words: int

    @property
    def share_said(self) -> float:
        """Share of the picture's facts about which the text says something, right or wrong."""
        return sum(bool(self.said.get(f)) for f in self.asked) / max(1, len(self.asked))

    @property
    def share_right(self) -> float:
        """Share of the picture's facts that the text states correctly."""
        return len(self.right) / max(1, len(self.asked))

    @property
    def share_of_words(self) -> float:
        """Share of the text's words that state a fact."""
        return self.stating_words / max(1, self.words)


def true_facts(facts: str) -> dict[str, str]:
    """Fact to value of a picture; empty where nothing is known.

    Args:
        facts: JSON, from :func:`altlib.miniworld.scene.scene_facts`, or empty.
    """
    return {f["fact"]: f["value"] for f in json.loads(facts)} if facts else {}


@cache
def phrases() -> dict[str, dict[str, tuple[str, ...]]]:
    """For every judged fact and each of its values, the phrases that name it, in lower case."""
    words = wording()
    kinds: dict[str, tuple[str, ...]] = {}
    for topic in topics().values():
        for kind in topic.kinds.values():
            kinds[kind] = (kind.lower(), plural(kind).lower())
    return {
        "kind": kinds,
        "count": {word: (word,) for word in NUMBER_WORDS[2:5]},
        "setting": {
            name: tuple(p.lower() for p in (*s["names"], *s["alone"])) for name, s in lexicon()["settings"].items()
        },
        "surface": {name: tuple(w.lower() for w in ways) for name, ways in lexicon()["surfaces"].items()},
        "colour": {name: tuple(w.lower() for w in ways[1:]) for name, ways in lexicon()["colours"].items()},
        "beside": {t.names[0]: tuple(n.lower() for n in t.names) for t in things()},
        "side": {name: tuple(w.lower() for w in ways) for name, ways in words["sides"].items()},
        "trend": {name: tuple(w.lower() for w in ways) for name, ways in words["trends"].items()},
        "detail": {
            name: tuple(w.lower() for w in ways)
            for part in ("charts", "screens", "media")
            for name, ways in words[part].items()
        },
    }


@cache
def named_by() -> dict[str, dict[str, frozenset[str]]]:
    """For every judged fact and each phrase, the values that the phrase names."""
    return {
        fact: {
            phrase: frozenset(v for v, ways in values.items() if phrase in ways)
            for phrase in {p for ways in values.values() for p in ways}
        }
        for fact, values in phrases().items()
    }


@cache
def patterns() -> dict[str, re.Pattern[str]]:
    """One regular expression per fact that finds its phrases as whole words, the longest first."""
    return {
        fact: re.compile(r"\b(" + "|".join(re.escape(p) for p in sorted(values, key=lambda p: (-len(p), p))) + r")\b")
        for fact, values in named_by().items()
    }


def statements(text: str, facts: dict[str, str]) -> Statement:
    """What a text states about a picture.

    A number is stated by its word; a text that names the thing and no number says that there is one.

    Args:
        text: The text.
        facts: Fact to true value, from :func:`true_facts`.
    """
    lower = text.lower()
    said: dict[str, set[str]] = {}
    covered: set[int] = set()
    for fact in JUDGED:
        found: set[str] = set()
        for match in patterns()[fact].finditer(lower):
            found |= named_by()[fact][match.group(1)]
            covered.update(range(match.start(), match.end()))
        if fact == "count" and not found and said.get("kind"):
            found = {NUMBER_WORDS[1]}
        said[fact] = found
    asked = tuple(f for f in JUDGED if f in facts)
    right = frozenset(f for f in asked if facts[f] in said[f])
    words = [m.start() for m in re.finditer(r"\w[\w'-]*", lower)]
    return Statement(said, right, asked, sum(start in covered for start in words), len(words))


def mistaken(text: str, rng: Random) -> str:
    """The same text with every colour, side and number replaced by a wrong one."""
    for fact in ("colour", "side", "count"):
        values = phrases()[fact]

        def wrong(match: re.Match[str], values: dict[str, tuple[str, ...]] = values) -> str:
            return rng.choice([ways[0] for ways in values.values() if match.group(1).lower() not in ways])

        text = re.sub(patterns()[fact].pattern, wrong, text, flags=re.IGNORECASE)
    return text
