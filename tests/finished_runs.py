"""Small runs in the format of finished ones, for the tests of what reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from PIL import Image

from altlib.core.files import write_json

GOLD = ["A red cup on a table.", "Two ships at sea.", "A map of a small town.", "A dog under a tree."]
CHAPTERS = {"collection": "01-collection", "training": "02-training", "results-and-decoding": "03-results-and-decoding"}
READS = {
    "training": ["corpus/posts.parquet"],
    "results-and-decoding": ["corpus/posts.parquet", "captioners/curves.json"],
}


def finished_run(
    folder: Path,
    systems: dict[str, list[str]] | None = None,
    parameters: dict[str, Any] | None = None,
    ids: str = "0",
    source: str = "miniworld",
    library: str = "a" * 64,
) -> Path:
    """Write a run with four pictures.

    Args:
        folder: Where.
        systems: Name of each system -> its four captions; those of one system by default.
        parameters: Of the chapter ``training``.
        ids: What the pictures' ids begin with.
        source: Of the posts.
        library: Fingerprint of the library for the chapter ``training``.

    Returns:
        The folder.
    """
    systems = systems or {"Ours": ["A cup.", "A ship at sea.", "A map.", "A dog."]}
    values = {name: {"seed": 0} for name in CHAPTERS}
    values["training"] |= parameters or {"epochs": 3}
    for name, stem in CHAPTERS.items():
        fingerprint = {"parameters": values[name], "notebook": "[]", "library": library if name == "training" else "b"}
        write_json(folder / "plan" / f"{name}.json", fingerprint)
        record = {
            "chapter": stem,
            "started": "2026-11-25T17:41:03+00:00",
            "wall_time_s": 17.8,
            "parameters": values[name],
        }
        write_json(folder / "records" / f"{stem}.json", record)
    chapters = [
        {
            "name": n,
            "inputs": [f"plan/{n}.json", *READS.get(n, [])],
            "outputs": [f"notebooks/{s}.ipynb", f"records/{s}.json"],
        }
        for n, s in CHAPTERS.items()
    ]
    write_json(folder / "plan" / "plan.json", {"run": folder.name, "chapters": chapters})
    write_json(folder / "parameters.json", values)
    write_json(folder / "run.json", {"commit": "abc", "versions": {"torch": "2.15.0"}, "hardware": {"cores": 2}})
    write_json(folder / "corpus" / "steps.json", {"source": source})
    write_json(folder / "captioners" / "curves.json", {"ours": [1.0]})
    items = [f"{ids}-{number}" for number in range(len(GOLD))]
    Image.effect_noise((24, 24), 50).convert("RGB").save(folder / "corpus" / "0.png")
    pd.DataFrame({"item_id": items, "image": ["0.png", *["none.png"] * 3]}).to_parquet(
        folder / "corpus" / "posts.parquet"
    )
    (folder / "results").mkdir()
    pd.DataFrame({"item_id": items, "gold": GOLD, **systems}).to_parquet(folder / "results" / "captions.parquet")
    scores = {name: {"BLEU@4": {"value": float(len(captions[0]))}} for name, captions in systems.items()}
    write_json(folder / "results" / "scores.json", {"pictures": 4, "source": source, "systems": scores})
    return folder
