"""What an author's habits do to any text: letter case, spelling, digits, the last full stop."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from altlib.miniworld.lexicon import read

DIGITS = {"two": "2", "three": "3", "four": "4", "five": "5"}
NUMBER = re.compile(r"\b(two|three|four|five)\b", re.IGNORECASE)


@cache
def american_words() -> tuple[re.Pattern[str], dict[str, str]]:
    """A pattern that finds British spellings, and what replaces each."""
    words = read("sentences.toml")["spelling"]
    return re.compile(r"\b(" + "|".join(words) + r")(s?)\b", re.IGNORECASE), words


def american(text: str) -> str:
    """The text in American spelling; capitals stay."""
    pattern, words = american_words()

    def replaced(match: re.Match[str]) -> str:
        new = words[match.group(1).lower()]
        return (new[0].upper() + new[1:] if match.group(1)[0].isupper() else new) + match.group(2)

    return pattern.sub(replaced, text)


def styled(text: str, author: dict[str, Any]) -> str:
    """The text as an author types it.

    Args:
        text: In plain British English.
        author: Habits, of ``authors.toml``.
    """
    if author.get("american"):
        text = american(text)
    if author.get("digits"):
        text = NUMBER.sub(lambda match: DIGITS[match.group(1).lower()], text)
    if author.get("case") == "lower":
        text = text.lower()
    if not author.get("stop", True) and text.endswith("."):
        text = text[:-1]
    return text
