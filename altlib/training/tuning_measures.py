"""What chapter 06 measured of CLIPs that prefer descriptions, for the living index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from altlib.core.measured import Measured, Results, counted, of_correlation, of_seeds, of_share
from altlib.data.corpus_measures import VALUE
from altlib.evaluation.clip_scores import CLIPSCORE_PROMPT
from altlib.evaluation.ratings import RatedItems
from altlib.training.tuning_study import BaseResult

PREFERRED, KEPT = "description preferred (%)", "transfer score (%)"
BASE = "none, none"


def tuning_measures(
    base: Sequence[BaseResult],
    pictures: int,
    preferred: tuple[int, int],
    transfer: Mapping[str, float],
    runs: pd.DataFrame,
) -> Results:
    """What the base model and the fine-tuned ones reach: Tables 1 and 2 of the paper.

    The base model scores bare texts, as the fine-tuned ones do, on the same test pictures. Its correlations
    as CLIPScore, and how often it prefers the description on all pictures, stand apart.

    Args:
        base: What the base model reaches, with texts in each form.
        pictures: Test pictures.
        preferred: Pictures of all splits on which the base model prefers the description, and all of these.
        transfer: Its macro-F1 by task.
        runs: The fine-tuned models, one row per seed.
    """
    forms = {form.prompt: form for form in base}
    bare, clipscore = forms[""], forms[CLIPSCORE_PROMPT]
    found: Results = {
        (BASE, PREFERRED): of_share(round(bare.accuracy * pictures), pictures, "pictures"),
        (f"{BASE}, all pictures", PREFERRED): of_share(*preferred, "pictures"),
        (BASE, KEPT): counted(100),
    }
    found |= {(BASE, f"{task}, F1 (%)"): counted(100 * f1) for task, f1 in transfer.items()}
    for subject, form in ((BASE, bare), ("CLIPScore", clipscore)):
        found |= {(subject, measure): number for measure, number in agreements([form.agreement]).items()}
    for (objective, tuning), rows in runs.sort_values("seed").groupby(["objective", "fine-tuning"], sort=False):
        subject = f"{objective}, {tuning}"
        found[subject, PREFERRED] = of_seeds((100 * rows["accuracy"]).tolist())
        found[subject, KEPT] = of_seeds((100 * rows["transfer"]).tolist())
        found |= {(subject, f"{task}, F1 (%)"): of_seeds((100 * rows[task]).tolist()) for task in transfer}
        found |= {(subject, measure): number for measure, number in agreements(rows["agreement"].tolist()).items()}
    return found


def agreements(tables: Sequence[pd.DataFrame]) -> dict[str, Measured]:
    """Correlations with ratings by group and question; of one model with Fisher's interval, of several over seeds."""
    found = {}
    for row, first in tables[0].iterrows():
        measure = f"r of {first['group']}, {first['question']}"
        values = [float(table["r"].loc[row]) for table in tables]
        one = of_correlation(values[0], int(first["items"]), "rated texts")
        found[measure] = of_seeds(values) if len(values) > 1 else one
    return found


def sample_measures(split: Mapping[str, object], rated: RatedItems) -> Results:
    """How many pictures were learned from and rated."""
    sizes = {name: len(part) for name, part in split.items()}  # type: ignore[arg-type]
    return {
        ("pictures of Concadia", VALUE): counted(sum(sizes.values())),
        ("training triplets", VALUE): counted(sizes["train"]),
        ("validation triplets", VALUE): counted(sizes["val"]),
        ("rated texts", VALUE): counted(len(rated.pairs)),
        ("rated pictures", VALUE): counted(rated.pairs["img_id"].nunique()),
    }
