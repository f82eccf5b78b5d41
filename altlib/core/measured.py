"""What a chapter measured, as a file that others can compare: each number with what its interval comes from.

One Parquet file per chapter, ``results/measured/<chapter>.parquet``, one row per number: of what
(``subject``), which ``measure``, its ``value``, and ``draws``, the values from which intervals of
differences and ratios follow. The draws are bootstrap resamples of the same examples for all rows of a
file that have as many ``examples``, or one value per seed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import stats

from altlib.core.errors import RunError
from altlib.core.estimates import Estimate
from altlib.core.files import whole_file
from altlib.core.statistics import RESAMPLES, ratio_interval, seed_interval

SEEDS = "seeds"
NOTHING = "nothing"  # a number that is counted or set, without an interval
QUANTILES = (np.arange(RESAMPLES) + 0.5) / RESAMPLES
COLUMNS = ("subject", "measure", "value", "draws", "over", "examples", "words", "paired")


@dataclass(frozen=True)
class Measured:
    """A number and what its interval comes from.

    Attributes:
        value: The number.
        draws: Bootstrap resamples, or one value per seed, (draws,); empty without an interval.
        over: What the draws are over, such as pictures; :data:`SEEDS` or :data:`NOTHING`.
        examples: How many pictures, texts or seeds there are.
        words: Mean words of the texts that were scored; NaN where the number is not of texts.
        paired: Whether the draws are of the same examples as those of the file's other numbers.
    """

    value: float
    draws: np.ndarray
    over: str
    examples: int
    words: float = float("nan")
    paired: bool = True

    @property
    def interval(self) -> tuple[float, float]:
        """The 95% interval: percentiles of resamples, or Student's t over seeds; NaN where there is none."""
        return interval_of(self.value, self.draws, self.over)


Results = dict[tuple[str, str], Measured]  # by subject and measure


def interval_of(value: float, draws: np.ndarray, over: str) -> tuple[float, float]:
    """The 95% interval of a number from its draws; NaN where there is none, as over seeds that do not differ at all."""
    if over == SEEDS and len(draws) and np.ptp(draws) > 0:
        mean, half = seed_interval(draws.tolist())
        return mean - half, mean + half
    if over in (NOTHING, SEEDS) or not len(draws) or not np.isfinite(value):
        return float("nan"), float("nan")
    return Estimate(value, draws).interval


def difference(one: Measured, other: Measured) -> tuple[float, tuple[float, float]]:
    """One number minus another, with its 95% interval; NaN where the two are not paired.

    Two numbers are paired over the same examples or the same seeds. Over seeds, a number without seeds
    (that of a model that was not trained) is subtracted from each.
    """
    value = one.value - other.value
    draws, over = paired(one, other)
    return value, (interval_of(value, draws[0] - draws[1], over) if over else (float("nan"), float("nan")))


def ratio(one: Measured, other: Measured) -> tuple[float, tuple[float, float]]:
    """One number divided by another, with its 95% interval from paired resamples; NaN where there is none."""
    value = one.value / other.value if other.value > 0 else float("nan")
    draws, over = paired(one, other)
    if not over or over == SEEDS or not np.isfinite(value):
        return value, (float("nan"), float("nan"))
    return value, ratio_interval(*draws)


def paired(one: Measured, other: Measured) -> tuple[tuple[np.ndarray, np.ndarray], str]:
    """The draws of two numbers side by side, and what they are over; empty text where they are not paired."""
    if SEEDS in (one.over, other.over) and one.over != other.over:
        seeds = one.draws if one.over == SEEDS else other.draws
        draws = [m.draws if m.over == SEEDS else np.full(len(seeds), m.value) for m in (one, other)]
        return (draws[0], draws[1]), SEEDS
    same = (one.over, one.examples, len(one.draws)) == (other.over, other.examples, len(other.draws))
    usable = same and one.paired and other.paired and one.over != NOTHING
    return (one.draws, other.draws), one.over if usable else ""


def counted(value: float) -> Measured:
    """A number that is counted or set, without an interval."""
    return Measured(float(value), np.empty(0), NOTHING, 1)


def of_estimate(estimate: Estimate, over: str, examples: int, words: float = float("nan")) -> Measured:
    """A number with the bootstrap resamples of its examples."""
    return Measured(float(estimate.value), estimate.resamples, over, examples, words)


def of_mean(values: Sequence[float], over: str) -> Measured:
    """The mean of one value per example; its draws are quantiles of the mean's normal distribution.

    This needs no resamples, which would not fit into memory for a corpus of hundreds of thousands.
    """
    array = np.asarray(values, dtype=float)
    if len(array) < 2:
        return Measured(float(array.mean()) if len(array) else float("nan"), np.empty(0), NOTHING, len(array))
    spread = stats.sem(array)
    return Measured(
        float(array.mean()), array.mean() + spread * stats.norm.ppf(QUANTILES), over, len(array), paired=False
    )


def of_share(successes: int, examples: int, over: str) -> Measured:
    """A share in percent; its draws are quantiles of the posterior with Jeffreys' prior."""
    if not examples:
        return Measured(float("nan"), np.empty(0), NOTHING, 0)
    draws = stats.beta.ppf(QUANTILES, successes + 0.5, examples - successes + 0.5)
    return Measured(100 * successes / examples, 100 * draws, over, examples, paired=False)


def of_correlation(r: float, examples: int, over: str) -> Measured:
    """Pearson's r; its draws are quantiles by Fisher's z."""
    if not np.isfinite(r) or examples < 4:
        return Measured(float(r), np.empty(0), NOTHING, examples)
    limit = 1 - 1e-12  # a perfect correlation has no finite z
    draws = np.tanh(stats.norm.ppf(QUANTILES, np.arctanh(np.clip(r, -limit, limit)), (examples - 3) ** -0.5))
    return Measured(float(r), draws, over, examples, paired=False)


def of_seeds(values: Sequence[float]) -> Measured:
    """The mean over seeds of one value per seed."""
    draws = np.asarray(values, dtype=float)
    return Measured(seed_interval(list(values))[0], draws, SEEDS, len(draws))


def mean_words(texts: Sequence[str]) -> float:
    """Mean number of words of texts; NaN for none."""
    return float(np.mean([len(text.split()) for text in texts])) if len(texts) else float("nan")


def of_scores(
    scores: Mapping[str, Mapping[str, Estimate]],
    examples: int,
    texts: Mapping[str, Sequence[str]] | None = None,
) -> Results:
    """Scores of texts over the same pictures.

    Args:
        scores: Name of each system -> metric -> estimate.
        examples: How many pictures there are.
        texts: Name of each system -> its texts, whose lengths stand beside the scores.
    """
    known = texts or {}
    return {
        (system, metric): of_estimate(found, "pictures", examples, mean_words(known.get(system, ())))
        for system, by_metric in scores.items()
        for metric, found in by_metric.items()
    }


def write_measured(path: Path, results: Results) -> None:
    """Write a chapter's numbers; the file appears whole or not at all."""
    import pandas as pd

    rows = [
        (subject, measure, m.value, m.draws.astype(float), m.over, m.examples, m.words, m.paired)
        for (subject, measure), m in results.items()
    ]
    with whole_file(path) as part:
        pd.DataFrame(rows, columns=list(COLUMNS)).to_parquet(part, index=False)


def read_measured(path: Path) -> Results:
    """Read a chapter's numbers; none if the chapter has not run.

    Raises:
        RunError: The file is there and cannot be read.
    """
    import pandas as pd

    if not path.is_file():
        return {}
    try:
        frame = pd.read_parquet(path, columns=list(COLUMNS))
    except (OSError, ValueError, KeyError) as error:
        raise RunError(f"{path} is not a file of measured numbers ({error}); run its chapter again") from error
    return {
        (row.subject, row.measure): Measured(
            row.value, np.asarray(row.draws), row.over, int(row.examples), row.words, bool(row.paired)
        )
        for row in frame.itertuples(index=False)
    }
