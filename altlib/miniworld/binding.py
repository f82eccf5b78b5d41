"""What belongs to what in a text: numbers and colours to nouns, things and people to where they are."""

from __future__ import annotations

from altlib.miniworld.reading import MARKS, Mention, Token

NUMBERS = {
    "a": "one",
    "an": "one",
    "one": "one",
    "single": "one",
    "another": "one",
    "1": "one",
    "two": "two",
    "2": "two",
    "both": "two",
    "couple": "two",
    "three": "three",
    "3": "three",
    "trio": "three",
    "four": "four",
    "4": "four",
    "five": "five",
    "5": "five",
    "six": "six",
    "6": "six",
}
PAIRED = frozenset(
    {
        "pair of gloves",
        "pair of socks",
        "pair of scissors",
        "pair of champagne glasses",
        "pair of theatre masks",
        "pair of shopping bags",
        "pair of scales",
    }
)  # things of which a pair is one
MEASURES = frozenset(
    {
        "pair",
        "pairs",
        "ball",
        "balls",
        "bunch",
        "bunches",
        "jar",
        "jars",
        "slice",
        "slices",
        "glass",
        "glasses",
        "mug",
        "mugs",
        "cup",
        "cups",
        "loaf",
        "loaves",
        "wedge",
        "wedges",
        "pot",
        "pots",
        "bowl",
        "bowls",
        "reel",
        "reels",
        "couple",
        "trio",
        "group",
    }
)
STOPS = frozenset(
    "in on at with behind beside near by and or to from is are was were there that which who under over after before while next holds holding wears wearing front has have".split()
)
POINTERS = frozenset({"his", "her", "my", "our", "their", "its", "this", "that", "your"})
REACH = 8  # tokens between a number or colour and its noun
AROUND = 12  # tokens between somebody or something and the word that says where


def is_mark(token: Token) -> bool:
    """Whether a token is a punctuation mark."""
    return token.word in MARKS


def number_of(words: list[Token], mention: Mention) -> str:
    """How many of a thing a mention speaks of, as a word; empty if it does not say."""
    at = mention.start - 1
    while at >= max(0, mention.start - REACH):
        word = words[at].word
        if is_mark(words[at]) or word in STOPS:
            break
        if word == "of":
            measure = words[at - 1].word if at else ""
            if measure not in MEASURES:
                break
            if measure in ("pair", "couple") and mention.value not in PAIRED:
                return "two"
            at -= 2
            if measure == "trio":
                return "three"
            continue
        if word == "the":
            return names_before(words, at, mention)
        if word in NUMBERS:
            return NUMBERS[word]
        if word in POINTERS:
            return "" if mention.many or mention.value in PAIRED else "one"
        at -= 1
    return ""


def names_before(words: list[Token], the: int, mention: Mention) -> str:
    """The number of names before "the": two for "Biscuit and Pickle the dogs"."""
    if mention.many:
        names = [t.word for t in words[max(0, the - 4) : the - 1]]
        return "two" if "and" in names and the + 1 == mention.start else ""
    return "one"


def is_coloured(words: list[Token], mention: Mention, found: list[Mention]) -> set[str]:
    """The colours that a text gives to what a mention speaks of: before the noun, or after "is" or "are"."""
    colours = set()
    for other in found:
        if other.fact != "colour":
            continue
        before = words[other.end : mention.start]
        after = words[mention.end : other.start]
        between = [
            m
            for m in found
            if other.end <= m.start < mention.start and m.fact in ("thing", "support", "person", "place")
        ]
        if other.end <= mention.start and mention.start - other.end <= REACH - 3 and not between:
            if not any(is_mark(t) or (t.word in STOPS and t.word != "and") for t in before):
                colours.add(other.value)
        elif mention.end <= other.start <= mention.end + 4 and is_predicate(after):
            colours.add(other.value)
    return colours


def is_predicate(between: list[Token]) -> bool:
    """Whether words between a noun and a colour make the one tell of the other: "is", "are"."""
    return bool({t.word for t in between} & {"is", "are", "painted"}) and not any(is_mark(t) for t in between)


def cue(words: list[Token], at: int) -> str:
    """Where something is, if the token is a word that says so: beside, behind, in front of, holding or wearing."""
    word = words[at].word
    before = [t.word for t in words[max(0, at - 4) : at]]
    after = words[at + 1].word if at + 1 < len(words) else ""
    if word in ("beside", "alongside", "nearby", "besides", "adjacent"):
        return "beside"
    if (word == "next" and after == "to") or (word == "close" and after == "by"):
        return "beside"
    if word == "side" and ({"at", "to", "on", "by"} & set(before)):
        return "beside"
    if word == "by" and after in ("it", "them", "him", "her"):
        return "beside"
    if word in ("behind", "background") or (
        word in ("back", "rear") and before[-1:] == ["the"] and before[-2:-1] == ["at"]
    ):
        return "behind"
    if word == "foreground" or (word == "front" and (before[-1:] == ["in"] or before[-2:] == ["at", "the"])):
        return "in front of"
    if word in ("holds", "holding", "held", "hold", "hands", "hand", "carries", "carrying", "clutching", "cradling"):
        return "holding"
    if word in ("wears", "wearing", "worn", "models", "modelling", "dressed"):
        return "wearing"
    return ""


INVERSE = {"behind": "in front of", "in front of": "behind", "beside": "beside"}


def where_is(words: list[Token], mention: Mention, found: list[Mention]) -> str:
    """Where a text says that somebody or something is; empty if it does not.

    ``"a basket behind them"`` and ``"behind them is a basket"`` say behind; ``"apples behind a basket"``
    says in front of.

    Args:
        words: Of the text.
        mention: Of whom or what.
        found: All mentions of the text.
    """
    return after_mention(words, mention, found) or before_mention(words, mention, found)


def starts(found: list[Mention]) -> dict[int, Mention]:
    """Mentions of things and people by their first token."""
    return {m.start: m for m in found if m.fact in ("thing", "person")}


def after_mention(words: list[Token], mention: Mention, found: list[Mention]) -> str:
    """Where something is by what follows it in its clause."""
    at, nouns, joined = mention.end, starts(found), False
    while at < min(len(words), mention.end + AROUND):
        if is_mark(words[at]):
            return ""
        if at in nouns:
            end = nouns[at].end
            if end < len(words) and words[end].word == "side":  # "at the runner's side"
                return "" if joined else "beside"
            if not joined:
                return ""
            at, joined = nouns[at].end, False
            continue
        if words[at].word == "and":
            joined = True
        said = cue(words, at)
        if said and not joined:
            return said
        if said:
            return ""
        at += 1
    return ""


def before_mention(words: list[Token], mention: Mention, found: list[Mention]) -> str:
    """Where something is by what stands before it in its clause."""
    inside = {
        i
        for m in found
        if m.fact in ("thing", "person") and not (m.end < len(words) and words[m.end].word in ("is", "are"))
        for i in range(m.start, m.end)
    }  # "next to the skier is a medal" goes on
    for at in range(mention.start - 1, max(-1, mention.start - AROUND), -1):
        if words[at].word in ".;:!?" or at in inside:
            return ""
        said = cue(words, at)
        if not said:
            continue
        between = [t.word for t in words[at + 1 : mention.start]]
        if words[at].word in ("background", "foreground", "back", "rear", "side"):
            return said
        if said in ("holding", "wearing"):
            return said
        if between and between[0] in ("of", "to"):
            between = between[1:]
        pronoun = {"them", "it", "him", "her", "is", "are", "stands", "sits", "there"} & set(between)
        return said if pronoun or not between or "," in between else INVERSE.get(said, said)
    return ""
