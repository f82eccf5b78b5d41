"""The data card of a corpus: what is in it, where it comes from, what was left out, and what one owes the writers."""

from __future__ import annotations

from datetime import UTC, datetime

import pandas as pd

from altlib.data.sources.registry import source_named

LIMITS = (
    "Alt text is what one person wrote for their own picture: it varies in style, leaves things out, and is wrong at "
    'times. Person names were replaced by "person" where the recogniser found them; it does not find all. The corpus '
    "says nothing of people who do not write alt text."
)


def data_card(
    source: str, index: pd.DataFrame, steps: list[dict], collected: int, lengths: dict[str, pd.DataFrame]
) -> str:
    """The card as Markdown.

    Args:
        source: name of the source.
        index: what is kept, one row per picture, with the columns when, post_id and split.
        steps: the cleaning steps, each with step, action, meaning and pictures.
        collected: number of pictures that came in.
        lengths: as from :func:`altlib.data.lengths.text_lengths`.
    """
    times = index["when"].dropna()
    span = f"{times.min():%Y-%m-%d} to {times.max():%Y-%m-%d}" if len(times) else "not known"
    splits = ", ".join(f"{name} {count:,}" for name, count in index["split"].value_counts().items())
    means = {column: frame["characters"].mean() for column, frame in lengths.items()}
    lines = [
        f"# Data card: {len(index):,} pictures from {source}",
        "",
        source_named(source).origin,
        "",
        f"- **Written**: {datetime.now(UTC):%Y-%m-%d}; posts of {span}",
        f"- **Pictures**: {len(index):,} of {index['post_id'].nunique():,} posts, of {collected:,} that were collected",
        f"- **Splits, by post**: {splits}",
        f"- **Length**: alt text {means['alt_text']:.0f} characters on average, posts {means['text']:.0f}",
        "- **Fields**: posts.parquet, one row per picture; see `altlib/data/posts.py`",
        "",
        "## Cleaning",
        "",
        "| step | what | pictures |",
        "|---|---|---|",
        *(f"| {s['step']} | {s['action']}: {s['meaning']} | {s['pictures']:,} |" for s in steps),
        "",
        "## Known limits",
        "",
        LIMITS,
        "",
    ]
    return "\n".join(lines)
