"""Reasons to leave a picture out, and what is stripped from alt text (Twitter paper, appendix B.1)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import pandas as pd

from altlib.data.shards import folded

LEADING_PHRASE = re.compile(
    r"^\s*(?:(?:this is|here is|here's|it's)\s+)?(?:an?\s+|the\s+)?(?:image|photo|photograph|picture|pic)"
    r"\s+(?:of|showing|depicting|shows)\s*[:\-]?\s+",
    re.IGNORECASE,
)

PLACEHOLDER = re.compile(
    r"^\W*(?:an?\s+|the\s+|my\s+)?(?:image|photo|photograph|picture|pic|img|alt(?:[- ]?text)?|description|screenshot|untitled|"
    r"image may contain(?::?\s+\w+)*|no (?:photo |image )?description(?: available)?|alt text (?:here|goes here)|"
    r"(?:img|dsc|dscn|pxl|screenshot)[-_ ]?\d[\w\- ]*|[\w\-]+\.(?:jpe?g|png|gif|webp|heic))\W*$",
    re.IGNORECASE,
)

URL = re.compile(r"https?://|\bwww\.|\b[\w-]+\.(?:com|org|net|co|io|ly|me|gov|edu)(?:/|\b)", re.IGNORECASE)

HANDLE = re.compile(r"(?<![\w.])@\w+")

HASHTAG = re.compile(r"(?<!\w)#\w+")

LETTER_OR_DIGIT = re.compile(r"[^\W_]")

MAX_TEXT = 10_000  # characters; no platform takes alt text or posts of this length


@dataclass(frozen=True)
class Filter:
    """A reason to leave a picture out: its name, what it means, and a mask of the rows it hits."""

    name: str
    meaning: str
    hits: Callable[[pd.DataFrame], pd.Series]


def matches(column: str, pattern: re.Pattern) -> Callable[[pd.DataFrame], pd.Series]:
    """Rows whose ``column`` contains ``pattern``."""
    return lambda posts: posts[column].map(lambda text: pattern.search(text) is not None).astype(bool)


def not_english(posts: pd.DataFrame) -> pd.Series:
    """Rows whose language the platform knows to be another than English."""
    return ~posts["language"].str.lower().str.split("-").str[0].isin(["en", ""])


def filters(minimum_tokens: int = 4) -> list[Filter]:
    """The exclusions, in the order of appendix B.1, with the blog's sensitive labels.

    Args:
        minimum_tokens: fewest space-separated tokens of an alt text that is kept.
    """
    return [
        Filter("repost", "somebody else's post passed on", lambda p: p["is_repost"]),
        Filter("not a still image", "a GIF or a video", lambda p: p["media_type"] != "photo"),
        Filter("not English", "the platform tells another language", not_english),
        Filter("sensitive label", "labelled as porn, nudity or graphic by its writer", lambda p: p["labels"] != ""),
        Filter(
            "text too long",
            f"alt text or post of more than {MAX_TEXT:,} characters",
            lambda p: (p["alt_text"].str.len() > MAX_TEXT) | (p["text"].str.len() > MAX_TEXT),
        ),
        Filter("no alt text", "the picture has none", lambda p: p["alt_text"].str.strip() == ""),
        Filter(
            "same as the post",
            "the alt text repeats the post",
            lambda p: p["alt_text"].map(folded) == p["text"].map(folded),
        ),
        Filter("placeholder", "says no more than that there is a picture", matches("alt_text", PLACEHOLDER)),
        Filter("URL", "the alt text holds a web address", matches("alt_text", URL)),
        Filter("user handle", "the alt text names an account", matches("alt_text", HANDLE)),
        Filter("hashtag", "the alt text holds a hashtag", matches("alt_text", HASHTAG)),
        Filter(
            "too short",
            f"fewer than {minimum_tokens} space-separated tokens",
            lambda p: p["alt_text"].str.split().str.len() < minimum_tokens,
        ),
    ]


def words_of(text: str) -> list[str]:
    """The words of a text in lower case."""
    return re.findall(r"\w+", text.casefold())


def repeats_post(alt_text: str, post: str) -> bool:
    """Whether an alt text is part of its post, word for word, or little more than the post."""
    words, told = words_of(alt_text), words_of(post)
    if not words or not told:
        return False
    joined, within = f" {' '.join(words)} ", f" {' '.join(told)} "
    return joined in within or (within in joined and len(words) <= 1.25 * len(told))


@cache
def language_identifier() -> Any:
    """The language identifier of py3langid, whose model is in the package."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def identified_language(text: str, certainty: float = 0.9) -> str:
    """The language of a text (ISO 639-1), or an empty string if its probability is below ``certainty``."""
    language, probability = language_identifier().classify(text)
    return language if probability >= certainty else ""


def further_filters() -> list[Filter]:
    """Checks that go beyond the papers': they judge what alt text says, not only its form."""
    return [
        Filter(
            "no words",
            "the alt text holds emoji or signs only",
            lambda p: ~p["alt_text"].str.contains(LETTER_OR_DIGIT, regex=True),
        ),
        Filter(
            "repeats the post",
            "the alt text is part of the post, or little more than it",
            lambda p: pd.Series(
                [repeats_post(a, t) for a, t in zip(p["alt_text"], p["text"], strict=True)], index=p.index, dtype=bool
            ),
        ),
        Filter(
            "identified as another language",
            "the alt text is in another language than English, whatever the platform says",
            lambda p: p["alt_text"].map(lambda text: identified_language(text) not in ("en", "")).astype(bool),
        ),
    ]


def strip_leading_phrase(alt_text: str) -> str:
    """Alt text without "Image of" and the like, with its capital restored (appendix B.1)."""
    stripped = LEADING_PHRASE.sub("", alt_text)
    if stripped == alt_text:
        return alt_text
    return stripped[:1].upper() + stripped[1:] if alt_text[:1].isupper() else stripped
