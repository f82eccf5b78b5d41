"""Texts with their attributions, as HTML that needs no colour to be read."""

from __future__ import annotations

import html
import re

from altlib.analysis.attribution import WordAttribution


def render_words(words: list[WordAttribution], limit: float, label: str) -> str:
    """A text with its attributions as HTML that needs no colour to be read.

    A word that raises the score has a solid underline and a plus sign, one that lowers it a
    dashed line and a minus sign; stronger ones (over half of ``limit``) are bold and have two
    signs. Colour repeats this. Words below a tenth of ``limit`` are left as they are.
    """
    parts = []
    for w in words:
        strength = abs(w.value) / limit if limit else 0.0
        text = html.escape(w.word)
        parts.append("" if re.match(r"[,.;:!?)\]]", w.word) else " ")
        if strength < 0.1:
            parts.append(text)
            continue
        sign, line, rgb = ("+", "solid", "0,114,178") if w.value > 0 else ("−", "dashed", "213,94,0")
        marks = sign * (2 if strength > 0.5 else 1)
        meaning = f"{'strongly ' if strength > 0.5 else ''}{'raises' if w.value > 0 else 'lowers'} the score"
        parts.append(
            f'<span style="border-bottom:3px {line} rgb({rgb});background:rgba({rgb},{min(0.35, 0.35 * strength):.2f});'
            f'{"font-weight:bold" if strength > 0.5 else ""}" title="{meaning}">{text}<sup role="img" aria-label="{meaning}">{marks}</sup></span>'
        )
    return f'<p style="line-height:2;overflow-wrap:anywhere"><strong>{html.escape(label)}</strong>{"".join(parts)}</p>'


def strongest(words: list[WordAttribution], count: int = 3) -> str:
    """The words that raise and lower the score most, as a sentence for readers who cannot see colours."""
    spoken = [w for w in words if any(c.isalnum() for c in w.word)]  # not a comma
    raised = sorted((w for w in spoken if w.value > 0), key=lambda w: -w.value)[:count]
    lowered = sorted((w for w in spoken if w.value < 0), key=lambda w: w.value)[:count]
    return (
        f"Raised most by: {', '.join(w.word for w in raised) or 'nothing'}. "
        f"Lowered most by: {', '.join(w.word for w in lowered) or 'nothing'}."
    )


def annotated(words: list[WordAttribution], label: str) -> str:
    """A text with its attributions, and its strongest words as a sentence below it, as HTML."""
    limit = max((abs(w.value) for w in words), default=0.0)
    return f"{render_words(words, limit, label)}<p>{html.escape(strongest(words))}</p>"
