"""Models times prompts, as the blog compared them: what each writes, how it is rated, and what it costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
from torch import Tensor

from altlib.core.estimates import Estimate
from altlib.core.measured import Results, counted, mean_words, of_estimate
from altlib.core.statistics import resample_counts
from altlib.evaluation.judges.interface import CRITERIA, Judge, JudgedText
from altlib.generation.decoding import Decoding, best_texts, decode_once
from altlib.generation.prompting import Described, Picture, Wish, endpoint_writer
from altlib.models.captioner import PrefixCaptioner
from altlib.models.endpoint import Endpoint
from altlib.models.replies import spent_in


@dataclass(frozen=True)
class GridCell:
    """What one model writes with one prompt.

    Attributes:
        model: Its name.
        prompt: The prompt's name.
        described: For each picture.
        dollars: Price of a thousand alt texts; NaN if it is not known.
    """

    model: str
    prompt: str
    described: list[Described]
    dollars: float


def parse_prices(prices: Sequence[str], models: Sequence[str]) -> list[tuple[float, float]]:
    """Prices such as ``0.4/1.2`` as dollars per million tokens read and written, one for each model; 0 without any.

    Raises:
        ValueError: There are prices, but not one for each model, or one is no price.
    """
    if not prices:
        return [(0.0, 0.0)] * len(models)
    if len(prices) != len(models):
        raise ValueError(f"there are {len(prices)} prices for {len(models)} models; give one for each, or none")
    found = []
    for price in prices:
        read, slash, written = price.partition("/")
        try:
            both = float(read), float(written)
        except ValueError as error:
            raise ValueError(
                f"{price!r} is no price; write dollars per million tokens read/written, such as 0.4/1.2"
            ) from error
        if not slash or min(both) < 0 or not np.isfinite(both).all():
            raise ValueError(f"{price!r} is no price; write dollars per million tokens read/written, such as 0.4/1.2")
        found.append(both)
    return found


def endpoint_grid(
    endpoints: Sequence[Endpoint], prompts: Sequence[str], pictures: Sequence[Picture], replies: Path, wish: Wish
) -> list[GridCell]:
    """What models behind endpoints write with each prompt.

    What is asked is the same in a later run, so nothing is asked or paid twice; then the price of a
    thousand is not known anew and stays that of the answers, which the file of replies keeps.

    Args:
        endpoints: One per model.
        prompts: Names of prompts, or paths of TOML files.
        pictures: The pictures with their posts.
        replies: SQLite file of answers and costs; each cell has one of its own beside it.
        wish: Language and length.
    """
    cells = []
    for endpoint in endpoints:
        for prompt in prompts:
            name = "".join(c if c.isalnum() else "-" for c in f"{endpoint.model} {Path(prompt).stem}")
            file = replies / f"{name}.sqlite"
            described = endpoint_writer(endpoint, replace(wish, prompt=prompt), file)(pictures)
            spent = spent_in(file)
            written = sum(not d.problem for d in described)
            free = spent.dollars == Decimal(0)
            dollars = float("nan") if free or not written else float(1000 * spent.dollars / written)
            cells.append(GridCell(endpoint.model, prompt, described, dollars))
    return cells


def captioner_grid(
    captioners: Mapping[str, PrefixCaptioner],
    decodings: Mapping[str, Decoding],
    features: Tensor,
    posts: Sequence[str],
    cache: Path,
) -> list[GridCell]:
    """What a run's captioners write with each way of decoding, which stands in for the prompt.

    Args:
        captioners: By name.
        decodings: By name.
        features: CLIP features of the pictures, (n, width).
        posts: n posts.
        cache: Folder of what was decoded before.
    """
    cells = []
    for name, captioner in captioners.items():
        for label, decoding in decodings.items():
            texts = best_texts(decode_once(captioner, features, list(posts), decoding, cache, f"{name}, {label}"))
            described = [Described(text, "" if text else "the captioner wrote nothing") for text in texts]
            cells.append(GridCell(name, label, described, float("nan")))
    return cells


@dataclass(frozen=True)
class RatedCell:
    """A cell with its ratings.

    Attributes:
        cell: What was written.
        ratings: By criterion, with ``overall``: means over the rated pictures with resamples.
        overall: The overall rating of each picture, (n,); NaN where it was not rated.
    """

    cell: GridCell
    ratings: dict[str, Estimate]
    overall: np.ndarray


def rate_grid(cells: Sequence[GridCell], judge: Judge, shown: Sequence[JudgedText], seed: int) -> list[RatedCell]:
    """Let a judge rate every text of a grid.

    Args:
        cells: The grid.
        judge: Who rates.
        shown: For each picture what a judge may look at; its text is replaced.
        seed: Of the resamples, which are those of the same pictures in every cell.
    """
    rated = []
    for cell in cells:
        texts = [replace(s, text=d.text) for s, d in zip(shown, cell.described, strict=True)]
        found = judge.rate(texts)
        columns = {name: found.scores[name].to_numpy(dtype=float) for name in found.scores}
        columns["overall"] = found.overall
        known = ~np.isnan(found.overall) & np.array([not d.problem for d in cell.described])
        ratings = {name: mean_estimate(values[known], seed) for name, values in columns.items()}
        rated.append(RatedCell(cell, ratings, np.where(known, found.overall, np.nan)))
    return rated


def mean_estimate(values: np.ndarray, seed: int) -> Estimate:
    """The mean with bootstrap resamples; NaN for none, and without an interval for one."""
    if len(values) < 2:
        return Estimate(float(values.mean()) if len(values) else float("nan"), np.array([np.nan]))
    return Estimate(float(values.mean()), resample_counts(len(values), seed) @ values / len(values))


def grid_table(rated: Sequence[RatedCell]) -> pd.DataFrame:
    """One row per cell, the best overall first: ratings with intervals, words, failures and the price of a thousand."""
    rows = []
    for found in sorted(rated, key=lambda r: -np.nan_to_num(r.ratings["overall"].value, nan=-1.0)):
        cell = found.cell
        written = [d.text for d in cell.described if not d.problem]
        rows.append(
            {"model": cell.model, "prompt": cell.prompt}
            | {name: estimate.text(2) for name, estimate in found.ratings.items() if name in (*CRITERIA, "overall")}
            | {
                "words": float(np.mean([len(t.split()) for t in written])) if written else float("nan"),
                "rated": int((~np.isnan(found.overall)).sum()),
                "failed": sum(bool(d.problem) for d in cell.described),
                "dollars per 1,000": cell.dollars,
            }
        )
    return pd.DataFrame(rows)


def grid_scores(rated: Sequence[RatedCell]) -> pd.DataFrame:
    """One row per cell: model, prompt, value, low, high of the overall rating, words, dollars."""
    rows = []
    for found in rated:
        low, high = found.ratings["overall"].interval
        row = {"model": found.cell.model, "prompt": found.cell.prompt, "value": found.ratings["overall"].value}
        rows.append(row | {"low": low, "high": high, "dollars per 1,000": found.cell.dollars})
    return pd.DataFrame(rows)


def best_cell(rated: Sequence[RatedCell]) -> RatedCell:
    """The cell with the highest overall rating."""
    return max(rated, key=lambda r: np.nan_to_num(r.ratings["overall"].value, nan=-1.0))


def grid_verdicts(rated: Sequence[RatedCell], judge: str) -> list[str]:
    """Which cell is best, and whether it is better than the second, in sentences."""
    order = sorted(rated, key=lambda r: -np.nan_to_num(r.ratings["overall"].value, nan=-1.0))
    best = order[0]
    said = [
        f"By {judge}, {best.cell.model} with “{best.cell.prompt}” is rated highest: {best.ratings['overall'].text(2)} of 5."
    ]
    if len(order) > 1 and np.isfinite(order[1].ratings["overall"].value):
        second = order[1]
        both = ~np.isnan(best.overall) & ~np.isnan(second.overall)
        difference = mean_estimate(best.overall[both] - second.overall[both], 0)
        low, _ = difference.interval
        better = "better" if low > 0 else "not clearly better"
        said.append(
            f"On the same pictures it is {better} than {second.cell.model} with “{second.cell.prompt}”: the difference "
            f"is {difference.text(2)}."
        )
    return said


def grid_measures(rated: Sequence[RatedCell], pictures: int) -> Results:
    """Ratings of each model and prompt by criterion, and what they cost, for the living index.

    Args:
        rated: The grid.
        pictures: How many there are.
    """
    found: Results = {("pictures with good alt text", "value"): counted(pictures)}
    for one in rated:
        subject = f"{one.cell.model}, {one.cell.prompt}"
        written = [d.text for d in one.cell.described if not d.problem]
        examples = int((~np.isnan(one.overall)).sum())
        for criterion, estimate in one.ratings.items():
            found[subject, criterion] = of_estimate(estimate, "pictures", examples, mean_words(written))
        found[subject, "pictures"] = counted(examples)
    dollars = [one.cell.dollars for one in rated if np.isfinite(one.cell.dollars)]
    if dollars:
        found["cost of all experiments", "value"] = counted(sum(dollars) * pictures / 1000)
        best = best_cell(rated).cell.dollars
        if best > 0:  # NaN or nothing where no price is known
            found["alt texts that 5 dollars of credit pay for", "value"] = counted(5000 / best)
    return found
