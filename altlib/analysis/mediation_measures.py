"""What chapter 07 measured of attributions, for the living index."""

from __future__ import annotations

import pandas as pd

from altlib.core.measured import Results, of_seeds

PUBLISHED = {"base": "none"}  # what the paper calls a training
PATHS = {"none": "on all paths", "through": "through the subspace"}


def mediation_measures(correlations: pd.DataFrame, named: pd.DataFrame) -> Results:
    """Correlations of attributions with ratings of words, and what names in captions contribute, over seeds.

    Args:
        correlations: As from :func:`altlib.analysis.mediation.norm_correlations`.
        named: As from :func:`altlib.analysis.mediation.names_and_others`.
    """
    found: Results = {}
    for (training, path, norm), rows in correlations.groupby(["training", "path", "norm"]):
        found[f"{PUBLISHED.get(training, training)}, {path}", f"r, {norm}"] = of_seeds(in_order(rows, "r"))
    for (training, path), rows in named.groupby(["training", "path"]):
        subject = f"{PUBLISHED.get(training, training)}, names in captions"
        found[subject, f"attribution {PATHS[path]}"] = of_seeds(in_order(rows, "names"))
    return found


def in_order(rows: pd.DataFrame, column: str) -> list[float]:
    """A column in the order of the seeds, so that differences are paired."""
    return rows.sort_values("seed")[column].tolist()
