"""Model cards of the miniature models, with the numbers that were measured."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from altlib.core.files import whole_file
from altlib.core.statistics import proportion_interval

MODELS = ("clip", "gpt2", "clipcap")
LABELS = {  # facts whose names are not plain English
    "count": "number",
    "thing": "main thing",
    "companion": "other thing",
    "person_relation": "where the person is",
    "relation": "where the other thing is",
    "support": "what the main thing is on",
    "place": "kind of place",
    "detail": "type of chart, screen or artwork",
    "trend": "trend of a chart",
    "place_name": "name of the place",
}


def share(value: float, pictures: int) -> str:
    """A share with its 95% interval: ``50.4% (95% interval 46.1 to 54.7)``."""
    low, high = proportion_interval(round(value * pictures), pictures)
    return f"{100 * value:.1f}% (95% interval {100 * low:.1f} to {100 * high:.1f})"


def read_rows(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """The measurements during pretraining, by model."""
    return {
        model: [json.loads(line) for line in (folder / model / "measurements.jsonl").read_text("utf-8").splitlines()]
        for model in MODELS
    }


def write_cards(folder: Path, measured: dict[str, Any], parameters: dict[str, int]) -> None:
    """Write the card of each model beside its weights.

    Args:
        folder: With a folder per model, as :func:`altlib.pretraining.everything.pretrain_all` writes it.
        measured: From :func:`altlib.pretraining.measure.measure`.
        parameters: How many each model has.
    """
    templates = Environment(
        loader=PackageLoader("altlib.pretraining", "."),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    rows = read_rows(folder)
    last = {stage: [row for row in rows["clip"] if row["stage"] == stage][-1] for stage in ("vision", "contrastive")}
    last |= {"text": rows["gpt2"][-1], "clipcap": rows["clipcap"][-1]}
    for model in MODELS:
        card = templates.get_template(f"{model}.md.jinja").render(
            measured=measured, parameters=parameters, last=last, share=share, labels=LABELS
        )
        with whole_file(folder / model / "README.md") as part:
            part.write_text(card, encoding="utf-8")
