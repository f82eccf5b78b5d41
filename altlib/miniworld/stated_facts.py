"""How often captions state the facts of drawn pictures correctly."""

from __future__ import annotations

import pandas as pd

from altlib.miniworld.judges import JUDGED, statements, true_facts

SAID_BY_POST = (
    "name",
    "place_name",
    "event",
    "date",
)  # facts that are known from the post alone, found by their own words


def stated_facts(systems: dict[str, list[str]], facts: list[str]) -> pd.DataFrame:
    """How often each system's texts state the facts of drawn pictures correctly.

    Args:
        systems: Name to one text per picture.
        facts: JSON of each picture, from :func:`altlib.miniworld.scene.scene_facts`; empty where nothing is known.

    Returns:
        One row per system and one column per fact, in % of the pictures that have the fact; empty
        where no facts are known.
    """
    known = [true_facts(value) for value in facts]
    if not any(known):
        return pd.DataFrame()
    rows = []
    for system, texts in systems.items():
        hits: dict[str, list[bool]] = {name: [] for name in (*JUDGED, *SAID_BY_POST)}
        for text, truth in zip(texts, known, strict=True):
            statement = statements(text, truth)
            for name in statement.asked:
                hits[name].append(name in statement.right)
            for name in SAID_BY_POST:
                if name in truth:
                    hits[name].append(truth[name].lower() in text.lower())
        rows.append({"system": system, **{n: 100 * sum(h) / len(h) for n, h in hits.items() if h}})
    return pd.DataFrame(rows)
