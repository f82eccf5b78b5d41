"""How often captions state the facts of drawn pictures rightly."""

from __future__ import annotations

import pandas as pd


def stated_facts(systems: dict[str, list[str]], facts: list[str]) -> pd.DataFrame:
    """How often each system's texts state the facts of drawn pictures rightly (%); empty where no facts are known.

    ``facts`` is the JSON of each picture (:func:`altlib.miniworld.scene.scene_facts`). One row a
    system and one column a fact; ``place`` and ``quality`` are known from the post alone.
    """
    from altlib.miniworld.judges import JUDGED, statements, true_facts

    known = [true_facts(value) for value in facts]
    if not any(known):
        return pd.DataFrame()
    rows = []
    for system, texts in systems.items():
        hits: dict[str, list[bool]] = {name: [] for name in (*JUDGED, "place", "quality")}
        for text, truth in zip(texts, known, strict=True):
            said = statements(text, truth)
            for name in said.asked:
                hits[name].append(name in said.right)
            for name in ("place", "quality"):
                if name in truth:
                    hits[name].append(truth[name].lower() in text.lower())
        rows.append({"system": system, **{n: 100 * sum(h) / len(h) for n, h in hits.items() if h}})
    return pd.DataFrame(rows)
