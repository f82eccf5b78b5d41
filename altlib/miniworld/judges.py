"""What a text says about a picture of the miniature world, word by word, from the known facts."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from random import Random

from altlib.miniworld.binding import NUMBERS, cue, is_coloured, number_of, where_is
from altlib.miniworld.grammar import article, plural
from altlib.miniworld.lexicon import lexicon, people
from altlib.miniworld.reading import MARKS, Mention, Token, read_text

# The facts that are looked for in a text; all of them can be seen.
JUDGED = (
    "thing",
    "count",
    "colour",
    "person",
    "person_relation",
    "companion",
    "relation",
    "support",
    "place",
    "weather",
    "detail",
    "trend",
)


OF_PHOTOS = frozenset({"person", "support", "place", "weather", "detail"})  # facts that need no binding
OF_DOCUMENTS = frozenset({"detail", "trend"})
TURNED = {
    "behind": "beside",
    "beside": "behind",
    "foreground": "background",
    "background": "foreground",
}  # words that a mistaken text has instead


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


def stated(text: str, facts: dict[str, str]) -> tuple[dict[str, set[str]], list[Mention], list[Token]]:
    """The values that a text names for each judged fact, its mentions and its tokens.

    A thing that is not the picture's main thing is taken for what is around it if the text names the
    main thing too, and for a mistaken main thing if it does not. Numbers and colours count where they
    belong to the noun that has them in the picture.
    """
    words, found = read_text(text)
    said: dict[str, set[str]] = {fact: set() for fact in JUDGED}
    possible = OF_DOCUMENTS if facts.get("form", "photo") not in ("photo", "artwork") else OF_PHOTOS
    for mention in found:
        if mention.fact in possible:
            said[mention.fact].add(mention.value)
    things = [m for m in found if m.fact == "thing"]
    main = [m for m in things if m.value == facts.get("thing")]
    others = [m for m in things if m.value != facts.get("thing")]
    said["thing"] = {m.value for m in main or others[:1]} if facts.get("thing") else set()
    if possible is OF_DOCUMENTS:
        said["colour"] = {m.value for m in found if m.fact == "colour"}
        return said, found, words
    around = others if main else others[1:]
    said["companion"] = {m.value for m in around}
    numbers = [number for m in main or others[:1] if (number := number_of(words, m))]
    said["count"] = set(numbers[:1])
    target = {"thing": main, "support": [m for m in found if m.fact == "support"]}.get(facts.get("coloured", ""))
    if facts.get("coloured") == "frame":
        said["colour"] = {m.value for m in found if m.fact == "colour"}
    elif target:
        said["colour"] = {colour for m in target for colour in is_coloured(words, m, found)}
    said["relation"] = {
        where for m in around if (where := where_is(words, m, found)) in ("beside", "behind", "in front of")
    }
    people = [m for m in found if m.fact == "person"]
    said["person_relation"] = {where for m in people if (where := where_is(words, m, found))}
    return said, found, words


def statements(text: str, facts: dict[str, str]) -> Statement:
    """What a text states about a picture.

    Args:
        text: The text.
        facts: Fact to true value, from :func:`true_facts`.
    """
    said, found, words = stated(text, facts)
    asked = tuple(f for f in JUDGED if f in facts)
    right = frozenset(f for f in asked if facts[f] in said[f])
    covered = {i for m in found if m.fact != "name" for i in range(m.start, m.end)}
    covered |= {i for i, token in enumerate(words) if token.word in NUMBERS or cue(words, i)}
    total = [i for i, token in enumerate(words) if token.word not in MARKS]
    return Statement(said, right, asked, len(covered & set(total)), len(total))


MISTAKEN = ("colour", "support", "person")  # facts whose words a mistaken text has wrong


@cache
def words_for(fact: str) -> dict[str, str]:
    """The usual word for each value of a fact that a text can be mistaken about."""
    if fact == "person":
        return {person.nouns[0]: person.nouns[0] for person in people().values()}
    return {value: ways[fact == "colour"] for value, ways in lexicon()[f"{fact}s"].items()}


def mistaken(text: str, rng: Random) -> str:
    """The same text with mistakes: wrong colours, supports and people, wrong numbers above one, sides turned round."""
    words, found = read_text(text)
    changes: list[tuple[int, int, str]] = []
    for mention in found:
        if mention.fact in MISTAKEN:
            start, end = words[mention.start].start, words[mention.end - 1].end
            right_article = article(text[start:end])
            others = [
                w for v, w in words_for(mention.fact).items() if v != mention.value and article(w) == right_article
            ]
            wrong = rng.choice(others or [text[start:end]])
            changes.append((start, end, plural(wrong) if mention.many else wrong))
    for token in words:
        for numbers in (("two", "three", "four", "five"), ("2", "3", "4", "5")):
            if token.word in numbers:
                wrong = rng.choice([number for number in numbers if number != token.word])
                changes.append((token.start, token.end, wrong))
        if token.word in TURNED:
            changes.append((token.start, token.end, TURNED[token.word]))
    for start, end, word in sorted(changes, reverse=True):
        text = text[:start] + (word[:1].upper() + word[1:] if text[start].isupper() else word) + text[end:]
    return text
