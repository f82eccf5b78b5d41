"""Texts with the attributions of their words, as HTML that can be read without colour."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from altlib.analysis.attribution import WordAttribution

UNMARKED = 0.1  # words below this share of the largest attribution are not marked
STRONG = 0.5  # words above this share are marked as strong
RAISES = ("raises", "+", "solid", "0,114,178")  # meaning, sign, underline, RGB colour
LOWERS = ("lowers", "−", "dashed", "213,94,0")


def render_word(word: WordAttribution, limit: float) -> str:
    """One word as HTML; marks as in :func:`render_words`."""
    text = html.escape(word.word)
    strength = abs(word.value) / limit if limit else 0.0
    if strength < UNMARKED:
        return text
    verb, sign, line, rgb = RAISES if word.value > 0 else LOWERS
    strong = strength > STRONG
    meaning = f"{'strongly ' if strong else ''}{verb} the score"
    look = f"border-bottom:3px {line} rgb({rgb});background:rgba({rgb},{min(0.35, 0.35 * strength):.2f});"
    look += "font-weight:bold" if strong else ""
    mark = f'<sup role="img" aria-label="{meaning}">{sign * (2 if strong else 1)}</sup>'
    return f'<span style="{look}" title="{meaning}">{text}{mark}</span>'


def render_words(words: Sequence[WordAttribution], limit: float, label: str) -> str:
    """A text as an HTML paragraph that marks the words with large attributions.

    A word that raises the score has a solid underline and a plus sign; a word that lowers it has a
    dashed underline and a minus sign. Strong ones are bold and have two signs. Colour repeats this.

    Args:
        words: The words of the text, in order.
        limit: The largest attribution, which words are compared with.
        label: What stands before the text.
    """
    parts = [("" if re.match(r"[,.;:!?)\]]", w.word) else " ") + render_word(w, limit) for w in words]
    return f'<p style="line-height:2;overflow-wrap:anywhere"><strong>{html.escape(label)}</strong>{"".join(parts)}</p>'


def strongest(words: Sequence[WordAttribution], count: int = 3) -> str:
    """The ``count`` words that raise and that lower the score most, as sentences for readers who cannot see the marks."""
    spoken = [w for w in words if any(c.isalnum() for c in w.word)]
    raised = sorted((w for w in spoken if w.value > 0), key=lambda w: -w.value)[:count]
    lowered = sorted((w for w in spoken if w.value < 0), key=lambda w: w.value)[:count]
    return (
        f"Raised most by: {', '.join(w.word for w in raised) or 'nothing'}. "
        f"Lowered most by: {', '.join(w.word for w in lowered) or 'nothing'}."
    )


def annotated(words: Sequence[WordAttribution], label: str) -> str:
    """A text with its marks, and below it a sentence that names its strongest words, as HTML."""
    limit = max((abs(w.value) for w in words), default=0.0)
    return f"{render_words(words, limit, label)}<p>{html.escape(strongest(words))}</p>"


def pair_example(label: str, picture: str, texts: dict[str, Sequence[WordAttribution]]) -> str:
    """A picture above annotated texts, as one HTML group.

    Args:
        label: What the group is called, such as ``"Example 1"``.
        picture: The picture as HTML, from :func:`altlib.report.figures.picture_tag`.
        texts: What stands before each text, to its words.
    """
    parts = [picture, *(annotated(words, f"{kind}:") for kind, words in texts.items())]
    return f'<div role="group" aria-label="{html.escape(label)}">{"".join(parts)}</div>'
