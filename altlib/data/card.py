"""The data card of a corpus: what is in it, where it comes from, what was left out, and what one owes the writers."""

from __future__ import annotations

from datetime import UTC, datetime

import pandas as pd

ORIGINS = {
    "miniworld": "Pictures drawn and texts written by the program of this book (the miniature world). No person posted any of it. "
    "The pictures contain OpenMoji glyphs, CC BY-SA 4.0, and are under that licence.",
    "concadia": "Concadia (Kreiss et al. 2022): pictures of Wikipedia articles with description and caption. Each picture carries "
    "its own licence from Wikimedia; the corpus states none. Do not redistribute it.",
    "bluesky": "Public posts of Bluesky, from its stream of events. The texts and pictures belong to those who posted them. Keep "
    "them private, publish addresses only (`altlib dehydrate`), and take out what is deleted (`altlib collect` follows the "
    "stream's deletions, `altlib forget` takes out what you are asked to).",
}


OTHER = "Posts from a file of one's own. Say here whose they are, how they were collected and under which licence."


def data_card(
    source: str, index: pd.DataFrame, steps: list[dict], collected: int, lengths: dict[str, pd.DataFrame]
) -> str:
    """The card as Markdown, from what is known.

    ``index`` what is kept, with columns when, post_id and split; ``steps`` the cleaning steps;
    ``lengths`` as from :func:`altlib.data.lengths.text_lengths`.
    """
    times = index["when"].dropna()
    span = f"{times.min():%Y-%m-%d} to {times.max():%Y-%m-%d}" if len(times) else "not known"
    splits = index["split"].value_counts()
    lines = [
        f"# Data card: {len(index):,} pictures from {source}",
        "",
        ORIGINS.get(source, OTHER),
        "",
        f"- **Written**: {datetime.now(UTC):%Y-%m-%d}; posts of {span}",
        f"- **Pictures**: {len(index):,} of {index['post_id'].nunique():,} posts, of {collected:,} that were collected",
        f"- **Splits, by post**: {', '.join(f'{name} {count:,}' for name, count in splits.items())}",
        f"- **Length**: alt text {lengths['alt_text']['characters'].mean():.0f} characters on average, posts {lengths['text']['characters'].mean():.0f}",
        "- **Fields**: posts.parquet, a row a picture; see `altlib/posts.py`",
        "",
        "## Cleaning",
        "",
        "| step | what | pictures |",
        "|---|---|---|",
        *(f"| {s['step']} | {s['action']}: {s['meaning']} | {s['pictures']:,} |" for s in steps),
        "",
        "## Known limits",
        "",
        "Alt text is what one person wrote for their own picture: it varies in style, leaves things out, and is wrong at times. Person "
        'names were replaced by "person" where the recogniser found them; it does not find all. The corpus says nothing of people '
        "who do not write alt text.",
        "",
    ]
    return "\n".join(lines)
