"""Rules by which poor alt text is recognised from the words alone, each with what to do about it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from altlib.data.cleaning.filters import (
    HANDLE,
    HASHTAG,
    LEADING_PHRASE,
    LETTER_OR_DIGIT,
    PLACEHOLDER,
    URL,
    repeats_post,
)

FEWEST_WORDS = 4  # of an alt text in a post (Twitter paper, appendix B.1)
LONGEST = 1000  # characters; what X takes
FILE_NAME = re.compile(r"^\W*[\w\- ]+\.(?:jpe?g|png|gif|webp|heic|svg|bmp|tiff?)\W*$", re.IGNORECASE)
CAMERA_NAME = re.compile(r"^\W*(?:img|dsc|dscn|pxl|screenshot|image|photo)[-_ ]?\d[\w\- ]*\W*$", re.IGNORECASE)


@dataclass(frozen=True)
class Rule:
    """A reason to call alt text poor.

    Attributes:
        name: Short and unique.
        reason: What is wrong.
        suggestion: What to do.
        level: error, warning or note, as in SARIF.
        hits: Whether an alt text (first) of a post (second) is poor by it.
    """

    name: str
    reason: str
    suggestion: str
    level: str
    hits: Callable[[str, str], bool]


@dataclass(frozen=True)
class Finding:
    """A rule that an alt text breaks, or a score by which it stands out.

    Attributes:
        rule: Name of the rule.
        reason: What is wrong.
        suggestion: What to do.
        level: error, warning or note.
    """

    rule: str
    reason: str
    suggestion: str
    level: str


RULES = (
    Rule(
        "missing",
        "there is no alt text",
        "Say in one or two sentences what the picture shows.",
        "error",
        lambda alt, post: not alt.strip(),
    ),
    Rule(
        "no words",
        "the alt text holds emoji or signs only",
        "Say in words what the picture shows.",
        "error",
        lambda alt, post: bool(alt.strip()) and not LETTER_OR_DIGIT.search(alt),
    ),
    Rule(
        "file name",
        "the alt text is the name of a file",
        "Say what the picture shows; nobody sees the file's name.",
        "error",
        lambda alt, post: bool(FILE_NAME.match(alt) or CAMERA_NAME.match(alt)),
    ),
    Rule(
        "placeholder",
        "the alt text says no more than that there is a picture",
        "Say what the picture shows.",
        "error",
        lambda alt, post: bool(PLACEHOLDER.match(alt)) and not (FILE_NAME.match(alt) or CAMERA_NAME.match(alt)),
    ),
    Rule(
        "repeats the post",
        "the alt text repeats the text beside the picture",
        "A screen reader reads both: say what the picture shows and the text does not tell.",
        "warning",
        repeats_post,
    ),
    Rule(
        "too short",
        f"the alt text has fewer than {FEWEST_WORDS} words",
        "Add what matters: who or what is shown, doing what, and where.",
        "warning",
        lambda alt, post: bool(LETTER_OR_DIGIT.search(alt)) and len(alt.split()) < FEWEST_WORDS,
    ),
    Rule(
        "too long",
        f"the alt text has more than {LONGEST:,} characters",
        "Keep what matters for the post; put the rest into the text.",
        "warning",
        lambda alt, post: len(alt) > LONGEST,
    ),
    Rule(
        "address, account or hashtag",
        "the alt text holds a web address, an account or a hashtag",
        "Put links, credits and tags into the post; they cannot be followed from alt text.",
        "warning",
        lambda alt, post: any(p.search(alt) and not PLACEHOLDER.match(alt) for p in (URL, HANDLE, HASHTAG)),
    ),
    Rule(
        "leading phrase",
        "the alt text begins with “image of” or the like",
        "Begin with what is shown; a screen reader has said already that it is an image.",
        "note",
        lambda alt, post: bool(LEADING_PHRASE.match(alt)),
    ),
)


def findings(alt_text: str, post: str = "", without: tuple[str, ...] = ()) -> list[Finding]:
    """The rules that an alt text breaks.

    Args:
        alt_text: The alt text.
        post: What stands beside the picture.
        without: Names of rules that do not count here.
    """
    return [
        Finding(rule.name, rule.reason, rule.suggestion, rule.level)
        for rule in RULES
        if rule.name not in without and rule.hits(alt_text, post)
    ]
