"""Captions' scores as tables: beside the paper's, one system against the better of others, what the captions look like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from altlib.core.statistics import ratio_interval, resample_counts
from altlib.evaluation.caption_metrics import METRICS, SystemScores, paired_test


def beside_paper(scores: dict[str, SystemScores], paper: pd.DataFrame) -> pd.DataFrame:
    """Scores with 95% intervals and the paper's, a row a system in the paper's order, others after them.

    ``paper`` has a row a system and a column a metric. Its row of BLIP-2 is there even if that
    was not run.
    """

    def with_interval(system: str, metric: str) -> str:
        if system not in scores:
            return "not run"
        low, high = scores[system].interval(metric)
        return f"{scores[system].values[metric]:.2f} [{low:.2f}, {high:.2f}]"

    systems = [s for s in paper.index if s in scores or s.startswith("BLIP")]
    systems += [s for s in scores if s not in paper.index]
    rows = [
        {"system": s}
        | {m: with_interval(s, m) for m in METRICS}
        | {f"paper {m}": float(paper.loc[s, m]) if s in paper.index else float("nan") for m in METRICS}
        for s in systems
    ]
    return pd.DataFrame(rows)


def against_better(
    scores: dict[str, SystemScores], system: str, others: Sequence[str], paper: pd.DataFrame
) -> pd.DataFrame:
    """A system against the better of ``others``, a row a metric: ratio and difference with 95% intervals, the paper's ratio.

    The other is the one that scores best by that metric; the ratio is NaN if that scores 0.
    """
    rows = []
    for metric in METRICS:
        better = max(others, key=lambda s: scores[s].values[metric])
        ours, theirs = scores[system], scores[better]
        below = theirs.values[metric]
        low, high = ratio_interval(ours.resamples[metric], theirs.resamples[metric])
        test = paired_test(ours, theirs, metric)
        rows.append(
            {
                "metric": metric,
                "better single source": better,
                "ratio": ours.values[metric] / below if below else float("nan"),
                "ratio 95% interval": f"{low:.2f} to {high:.2f}" if np.isfinite(high) else f"{low:.2f} upwards",
                "paper's ratio": paper.loc[system, metric] / paper.loc[list(others), metric].max(),
                "difference": test["difference"],
                "difference 95% interval": f"{test['low']:.2f} to {test['high']:.2f}",
                "p (bootstrap)": test["p"],
            }
        )
    return pd.DataFrame(rows)


@dataclass(frozen=True)
class LossEstimate:
    """A mean loss a token (nats), or a difference of two, with its values in bootstrap resamples of the examples."""

    value: float
    resamples: np.ndarray

    @property
    def interval(self) -> tuple[float, float]:
        """The 95% bootstrap interval."""
        low, high = np.percentile(self.resamples, [2.5, 97.5])
        return float(low), float(high)

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.value:.3f} [{low:.3f}, {high:.3f}]" if np.isfinite(low) else f"{self.value:.3f}"

    def __sub__(self, other: LossEstimate) -> LossEstimate:
        """The difference on the same examples."""
        return LossEstimate(self.value - other.value, self.resamples - other.resamples)


def loss_a_token(losses: np.ndarray, seed: int = 0) -> LossEstimate:
    """Mean loss a token from each example's loss (nats) and number of tokens, (n, 2).

    Equal seeds draw equal resamples. A single example gives no interval (NaN).
    """
    total, tokens = losses.sum(0)
    drawn = resample_counts(len(losses), seed) @ losses if len(losses) > 1 else np.full((1, 2), np.nan)
    return LossEstimate(float(total / tokens), drawn[:, 0] / drawn[:, 1])


def loss_verdict(losses: Mapping[str, LossEstimate], ours: str, others: Sequence[str]) -> str:
    """How the loss of ``ours`` stands to the lowest of ``others``, as a sentence."""
    best = min(others, key=lambda name: losses[name].value)
    more, less = losses[ours] - losses[best], losses[best] - losses[ours]
    if less.interval[0] > 0:
        found = f"better than {best}: its loss is lower by {less}"
    elif more.interval[0] > 0:
        found = f"worse than {best}: its loss is higher by {more}"
    else:
        found = f"not told apart from {best}: its loss minus the other's is {more}"
    return f"{ours} is {found} nats a token on the same pictures."


def repeats(text: str) -> bool:
    """Whether some three words come twice, whatever their case."""
    words = text.lower().split()
    trigrams = list(zip(words, words[1:], words[2:], strict=False))
    return len(set(trigrams)) < len(trigrams)


def caption_looks(systems: dict[str, list[str]]) -> pd.DataFrame:
    """Mean length, and the share of captions that repeat a trigram or are empty, a row a system."""
    rows = [
        {
            "system": system,
            "mean words": np.mean([len(text.split()) for text in captions]),
            "repeat a trigram (%)": 100 * np.mean([repeats(text) for text in captions]),
            "empty (%)": 100 * np.mean([not text.strip() for text in captions]),
        }
        for system, captions in systems.items()
    ]
    return pd.DataFrame(rows)
