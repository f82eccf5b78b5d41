"""Tables and sentences about captioners: losses, scores beside the paper's, one system against others, what captions look like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from IPython.display import HTML

from altlib.core.estimates import Estimate
from altlib.core.statistics import ratio_interval, resample_counts
from altlib.evaluation.caption_metrics import METRICS, Scores
from altlib.generation.systems import BLIP
from altlib.report.figures import note

CLAIMED_RATIOS = {"BLEU@4": 2, "CIDEr": 4}  # text and image to the better single source (Twitter paper, section 5)
FEW_PICTURES = 20  # fewer test pictures than this get a warning


def loss_per_token(losses: np.ndarray, seed: int = 0) -> Estimate:
    """Mean loss per token (nats) with bootstrap resamples of the examples.

    Args:
        losses: Each example's summed loss (nats) and its number of tokens, (n, 2).
        seed: Seed of the resamples; equal seeds draw equal resamples.

    Returns:
        The estimate; its resamples are NaN for a single example, which gives no interval.
    """
    total, tokens = losses.sum(0)
    drawn = resample_counts(len(losses), seed) @ losses if len(losses) > 1 else np.full((1, 2), np.nan)
    return Estimate(float(total / tokens), drawn[:, 0] / drawn[:, 1])


def training_summary(curves: Mapping[str, pd.DataFrame], losses: Mapping[str, Estimate]) -> pd.DataFrame:
    """How training went, one row per captioner: epochs, validation loss with its interval, time, speed.

    Args:
        curves: Name of each captioner -> its curve, one row per epoch.
        losses: Name of each captioner -> its validation loss per token.
    """
    rows = [
        {
            "captioner": name,
            "epochs": len(curve),
            "best epoch": int(curve.loc[curve["validation_loss"].idxmin(), "epoch"]),
            "validation loss (nats per token) [95%]": losses[name].text(3),
            "seconds": curve["seconds"].sum(),
            "pictures per second": curve["examples_per_second"].mean(),
        }
        for name, curve in curves.items()
    ]
    return pd.DataFrame(rows)


def loss_verdict(losses: Mapping[str, Estimate], ours: str, others: Sequence[str]) -> str:
    """A sentence that compares the loss of ``ours`` with the lowest loss of ``others``."""
    best = min(others, key=lambda name: losses[name].value)
    more, less = losses[ours] - losses[best], losses[best] - losses[ours]
    if less.interval[0] > 0:
        found = f"better than {best}: its loss is lower by {less.text(3)}"
    elif more.interval[0] > 0:
        found = f"worse than {best}: its loss is higher by {more.text(3)}"
    else:
        found = f"not clearly different from {best}: its loss minus the other's is {more.text(3)}"
    return f"{ours} is {found} nats per token on the same pictures."


def beside_paper(
    scores: Mapping[str, Scores], paper: pd.DataFrame, further: Mapping[str, Mapping[str, Estimate]] | None = None
) -> pd.DataFrame:
    """Scores with 95% intervals, one row per system, with the paper's below each in the same cell.

    Args:
        scores: Name of each system -> its scores.
        paper: The paper's scores, one row per system and one column per metric.
        further: Name of each metric that the paper does not have -> name of each system -> its score.

    Returns:
        The paper's systems in its order, then the others. The paper's row of BLIP-2 is there even
        if this run has no such system.
    """

    def both(system: str, metric: str) -> str:
        ours = scores[system][metric].text() if system in scores else "not run"
        return f"{ours}\npaper: {paper.loc[system, metric]:.3f}" if system in paper.index else ours

    systems = [s for s in paper.index if s in scores or s == BLIP]
    systems += [s for s in scores if s not in paper.index]
    rows = [
        {"system": s}
        | {m: both(s, m) for m in METRICS}
        | {m: found[s].text() if s in found else "not run" for m, found in (further or {}).items()}
        for s in systems
    ]
    return pd.DataFrame(rows)


def by_fact(stated: pd.DataFrame) -> pd.DataFrame:
    """A table of stated facts turned, so that many facts fit on a page: one row per fact, one column per system.

    Args:
        stated: One row per system, as from :func:`altlib.miniworld.stated_facts.stated_facts`; may be empty.
    """
    if stated.empty:
        return stated
    turned = stated.set_index("system").T.rename_axis(columns=None)
    return turned.rename_axis("fact").reset_index().assign(fact=lambda frame: frame["fact"].str.replace("_", " "))


def against_better(
    scores: Mapping[str, Scores], system: str, others: Sequence[str], paper: pd.DataFrame
) -> pd.DataFrame:
    """A system against the better of ``others``, one row per metric: ratio and difference with 95% intervals.

    The other system is the one that scores best by that metric. The ratio is NaN if it scores 0.
    ``paper`` is as in :func:`beside_paper`; its ratio stands beside ours.
    """
    rows = []
    for metric in METRICS:
        better = max(others, key=lambda s: scores[s][metric].value)
        ours, theirs = scores[system][metric], scores[better][metric]
        ratio_low, ratio_high = ratio_interval(ours.resamples, theirs.resamples)
        difference = ours - theirs
        low, high = difference.interval
        rows.append(
            {
                "metric": metric,
                "better single source": better,
                "ratio": ours.value / theirs.value if theirs.value else float("nan"),
                "ratio 95% interval": f"{ratio_low:.2f} to {ratio_high:.2f}"
                if np.isfinite(ratio_high)
                else f"{ratio_low:.2f} upwards",
                "paper's ratio": paper.loc[system, metric] / paper.loc[list(others), metric].max(),
                "difference": difference.value,
                "difference 95% interval": f"{low:.2f} to {high:.2f}",
                "p (bootstrap)": difference.p,
            }
        )
    return pd.DataFrame(rows)


def ratio_verdicts(compared: pd.DataFrame) -> list[str]:
    """Whether the ratios of :func:`against_better` reach those that the paper claims, one sentence per claim.

    A claim holds if the whole interval reaches it, and does not if none of the interval does.
    """
    ratios, intervals = compared.set_index("metric")["ratio"], compared.set_index("metric")["ratio 95% interval"]
    said = []
    for metric, claimed in CLAIMED_RATIOS.items():
        if np.isnan(ratios[metric]):
            said.append(f"{metric}: no single source scores above 0 in this run, so there is no ratio.")
            continue
        low, _, high = intervals[metric].partition(" ")
        top = float("inf") if high == "upwards" else float(high.removeprefix("to "))
        verdict = "holds" if float(low) >= claimed else "does not hold" if top < claimed else "is undecided"
        said.append(
            f"{metric}: text + image scores {ratios[metric]:.2f} times [{intervals[metric]}] as much as the better "
            f"single source; the paper's claim of at least {claimed} times {verdict} in this run."
        )
    return said


def differences(
    scores: Mapping[str, Scores], system: str, others: Sequence[str], metrics: Sequence[str] = ("BLEU@4", "CIDEr")
) -> pd.DataFrame:
    """A system's scores minus those of others on the same pictures, one row per other system and metric."""
    rows = []
    for other in others:
        for metric in metrics:
            difference = scores[system][metric] - scores[other][metric]
            low, high = difference.interval
            rows.append(
                {
                    "against": other,
                    "metric": metric,
                    "difference": difference.value,
                    "95% low": low,
                    "95% high": high,
                    "p (bootstrap)": difference.p,
                }
            )
    return pd.DataFrame(rows)


def search_finding(scores: Mapping[str, Scores], system: str, others: Sequence[str], metric: str = "CIDEr") -> str:
    """Against how many other ways of decoding a system's score is higher, on the same pictures.

    Args:
        scores: Name of each system -> its scores.
        system: The captioner with beam search and trigram blocking.
        others: The same captioner with other ways of decoding.
        metric: By which they are compared.
    """
    differences = {other: scores[system][metric] - scores[other][metric] for other in others}
    higher = sum(difference.interval[0] > 0 for difference in differences.values())
    lower = sum(difference.interval[1] < 0 for difference in differences.values())
    largest = max(differences, key=lambda other: differences[other].value)
    return (
        f"By {metric}, beam search with trigram blocking is measurably better than {higher or 'none'} of the {len(others)} other ways "
        f"of decoding and worse than {lower or 'none'}; the largest difference, to “{largest}”, is "
        f"{differences[largest].text()}. In the paper it is better than all."
    )


def scores_record(scores: Mapping[str, Scores]) -> dict[str, dict[str, dict[str, float]]]:
    """Scores as JSON keeps them: system -> metric -> ``value``, ``low`` and ``high`` (95% interval)."""
    return {
        system: {
            metric: {"value": found.value, "low": found.interval[0], "high": found.interval[1]}
            for metric, found in by_metric.items()
        }
        for system, by_metric in scores.items()
    }


def repeats_trigram(text: str) -> bool:
    """Whether any three consecutive words occur twice; case does not matter."""
    words = text.lower().split()
    trigrams = list(zip(words, words[1:], words[2:], strict=False))
    return len(set(trigrams)) < len(trigrams)


def caption_looks(systems: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """Mean length, and the share of captions that repeat a trigram or are empty, one row per system."""
    rows = [
        {
            "system": system,
            "mean words": np.mean([len(text.split()) for text in captions]),
            "repeat a trigram (%)": 100 * np.mean([repeats_trigram(text) for text in captions]),
            "empty (%)": 100 * np.mean([not text.strip() for text in captions]),
        }
        for system, captions in systems.items()
    ]
    return pd.DataFrame(rows)


def gallery_items(posts: pd.DataFrame, systems: Mapping[str, Sequence[str]]) -> list[dict[str, str]]:
    """Pictures with their post, their alt text and what each system writes, for :func:`altlib.report.figures.gallery`.

    Args:
        posts: The pictures to show: the first rows of those that the systems wrote for.
        systems: Name of each system -> its texts.
    """
    return [
        {"image": post.image, "alt": post.alt_text, "Post": post.text, "Gold alt text": post.alt_text}
        | {name: texts[row] for name, texts in systems.items()}
        for row, post in enumerate(posts.itertuples())
    ]


def small_sample_note(pictures: int) -> HTML | None:
    """A warning that results on so few test pictures say little; None if there are enough."""
    if pictures >= FEW_PICTURES:
        return None
    return note(
        f"There are only {pictures} test pictures. Their scores say little, and bootstrap intervals do not show how little.",
        "warning",
    )
