"""How much texts are like those that people write: lengths, variety, names, overlap and sentence skeletons."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import cache

import pandas as pd

from altlib.miniworld.binding import NUMBERS
from altlib.miniworld.lexicon import lexicon
from altlib.miniworld.network import network
from altlib.miniworld.reading import NAME, read_text

WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
VOWELS = re.compile(r"[aeiouy]+")
# Mean lengths of the Twitter paper's corpus (section 4).
PUBLISHED = {"alt text": {"characters": 144.0}, "post": {"characters": 152.0}}
SKELETON_ARTICLES = frozenset({"a", "an", "some", "the"})


@cache
def given_names() -> frozenset[str]:
    """Given names, months and surnames of the world, in lower case."""
    said = lexicon()["said"]
    return frozenset(name.lower() for key in ("given_names", "surnames", "months") for name in said[key])


def skeleton(text: str) -> str:
    """A text with every name, number and word of the lexicon replaced by the kind of fact that it states.

    ``"Two red Fairlane guitars on a mat"`` -> ``"# <colour> <thing> on * <support>"``.
    """
    words, found = read_text(text)
    parts: list[str] = []
    named = {m.start: m for m in found}
    at = 0
    while at < len(words):
        if at in named:
            parts.append(f"<{named[at].fact}>")
            at = named[at].end
            continue
        word = words[at].word
        if word == NAME or word in given_names():
            word = NAME
        elif word in SKELETON_ARTICLES:
            word = "*"
        elif word in NUMBERS or word.isdigit():
            word = "#"
        if not (word == NAME and parts[-1:] == [NAME]):
            parts.append(word)
        at += 1
    return " ".join(parts)


def commonest_skeleton(texts: Sequence[str]) -> tuple[str, float]:
    """The skeleton that most texts have, and its share."""
    counts = Counter(skeleton(text) for text in texts)
    best, number = counts.most_common(1)[0]
    return best, number / len(texts)


def syllables(word: str) -> int:
    """About how many syllables an English word has: its groups of vowels, without a silent e."""
    word = word.lower()
    groups = len(VOWELS.findall(word))
    if word.endswith("e") and not word.endswith("le") and groups > 1:
        groups -= 1
    return max(1, groups)


def reading_ease(texts: Sequence[str]) -> float:
    """Flesch's reading ease of all texts together (Flesch 1948): 60 to 70 is plain English, higher is easier."""
    words = [word for text in texts for word in WORD.findall(text)]
    sentences = sum(max(1, len(re.findall(r"[.!?]+(?:\s|$)", text))) for text in texts)
    return 206.835 - 1.015 * len(words) / sentences - 84.6 * sum(syllables(word) for word in words) / len(words)


def type_token_ratio(texts: Sequence[str], sample: int = 1000) -> float:
    """Distinct words among the first ``sample`` words, so that corpora of different sizes compare."""
    words = [word.lower() for text in texts for word in WORD.findall(text)][:sample]
    return len(set(words)) / len(words)


def held_by_post(texts: Sequence[str], posts: Sequence[str]) -> float:
    """Share of the words of alt texts that their posts hold too."""
    shares = []
    for text, post in zip(texts, posts, strict=True):
        words, told = [w.lower() for w in WORD.findall(text)], {w.lower() for w in WORD.findall(post)}
        if words:
            shares.append(sum(word in told for word in words) / len(words))
    return sum(shares) / len(shares)


def share_of_names(texts: Sequence[str]) -> float:
    """Share of words that begin with a capital but begin no sentence."""
    names = total = 0
    for text in texts:
        for match in WORD.finditer(text):
            before = text[: match.start()].rstrip(" \"'(")
            total += 1
            names += match.group()[0].isupper() and match.group() != "I" and bool(before) and before[-1] not in ".!?:"
    return names / total


def openings(texts: Sequence[str], sample: int = 100) -> float:
    """Share of distinct first three words among the first ``sample`` texts."""
    first = [" ".join(text.lower().split()[:3]) for text in texts[:sample]]
    return len(set(first)) / len(first)


def realism(texts: Sequence[str], posts: Sequence[str] | None = None) -> dict[str, float]:
    """Measures of how natural a corpus of texts is.

    Args:
        texts: Of one kind, such as alt text.
        posts: The post of each, to measure what it holds already.

    Returns:
        Name of the measure to its value; shares in %.
    """
    measured = {
        "characters": sum(len(text) for text in texts) / len(texts),
        "words": sum(len(WORD.findall(text)) for text in texts) / len(texts),
        "types per 1,000 words": 1000 * type_token_ratio(texts),
        "reading ease": reading_ease(texts),
        "names (% of words)": 100 * share_of_names(texts),
        "distinct openings (% of 100)": 100 * openings(texts),
        "commonest skeleton (%)": 100 * commonest_skeleton(texts)[1],
    }
    if posts is not None:
        measured["words that the post holds (%)"] = 100 * held_by_post(texts, posts)
    return measured


def realism_table(corpora: dict[str, tuple[Sequence[str], Sequence[str] | None]]) -> pd.DataFrame:
    """One row per measure, one column per corpus."""
    return pd.DataFrame({name: realism(texts, posts) for name, (texts, posts) in corpora.items()})


def world_table(seed: int = 0, stories: int = 1500) -> pd.DataFrame:
    """The measures of the miniature world's own texts beside those that the Twitter paper gives.

    Posts count once; alt text and captions are those of English posts that nobody spoilt or repeated.

    Args:
        seed: Of the network.
        stories: How many posts.
    """
    clean = [
        p for p in network(seed, stories) if p.language == "en" and '"as written"' in p.facts and "r" not in p.item_id
    ]
    posts = list({p.post_id: p.text for p in clean}.values())
    alt_texts, texts = [p.alt_text for p in clean], [p.text for p in clean]
    table = realism_table(
        {"post": (posts, None), "alt text": (alt_texts, texts), "caption": ([p.caption for p in clean], None)}
    )
    for kind, measures in PUBLISHED.items():
        table[f"{kind}, Twitter paper"] = pd.Series(measures)
    return table


def markdown(table: pd.DataFrame) -> str:
    """A table as Markdown, numbers with one digit after the point, a dash where there is none."""
    lines = ["| measure | " + " | ".join(table.columns) + " |", "|---|" + "---:|" * len(table.columns)]
    for measure, row in table.iterrows():
        values = ("–" if pd.isna(value) else f"{value:.1f}" for value in row)
        lines.append(f"| {measure} | " + " | ".join(values) + " |")
    return "\n".join(lines)
