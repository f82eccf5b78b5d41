"""What preference optimisation learned from and what it reached, as tables and sentences (chapter 08).

Numbers of several seeds are means over the seeds, with 95% intervals over pictures; the same resamples
of the pictures stand behind all of them, so that differences are paired.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from altlib.core.estimates import Estimate, mean_estimate
from altlib.core.statistics import mean_and_range, resample_counts
from altlib.data.comparisons import COMPARISONS, used_comparisons
from altlib.data.preferences import Pairs
from altlib.miniworld.fact_errors import ERRORS, errors_in
from altlib.training.preference_study import PreferencePlan

ByMetric = Mapping[str, Estimate]  # of one run or system
BETTER_IF_LOWER = frozenset(ERRORS)


def pair_table(pairs: Pairs) -> pd.DataFrame:
    """How many pairs there are by kind of error, with an example each; those left out, with the reason."""
    rows = []
    for error, found in pairs.frame.groupby("error", sort=False):
        first = found.iloc[0]
        rows.append(
            {"error of the rejected": error or "not known", "pairs": len(found), "chosen, for example": first["chosen"],
             "rejected, for example": first["rejected"]}
        )  # fmt: skip
    rows += [
        {"error of the rejected": f"left out: {reason}", "pairs": count, "chosen, for example": "–",
         "rejected, for example": "–"}
        for reason, count in pairs.excluded.items()
    ]  # fmt: skip
    return pd.DataFrame(rows)


def comparison_table(weights: Mapping[str, float]) -> pd.DataFrame:
    """Each comparison with what is worse in it, its weight and its share, one row each."""
    used = used_comparisons(weights)
    kinds = ("own", "other")
    return pd.DataFrame(
        [
            {
                "comparison": name,
                "post": kinds[not worse.context],
                "picture": "own" if worse.picture else "spoilt",
                "response": "chosen" if worse.response else "rejected",
                "weight": weights.get(name, 0.0),
                "share of the margin (%)": 100 * used.get(name, 0.0),
            }
            for name, worse in COMPARISONS.items()
        ]
    )


def by_system(plans: Sequence[PreferencePlan], runs: Mapping[str, ByMetric]) -> dict[str, dict[str, Estimate]]:
    """Means over seeds: name of each system -> metric -> estimate.

    Args:
        plans: The runs.
        runs: Name of each run -> its scores.
    """
    systems: dict[str, list[ByMetric]] = {}
    for plan in plans:
        systems.setdefault(plan.system, []).append(runs[plan.name])
    return {
        system: {metric: mean_estimate([scores[metric] for scores in found]) for metric in found[0]}
        for system, found in systems.items()
    }


def texts_by_system(plans: Sequence[PreferencePlan], texts: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """The texts of all seeds of each system.

    Args:
        plans: The runs.
        texts: Name of each run -> its texts.
    """
    found: dict[str, list[str]] = {}
    for plan in plans:
        found.setdefault(plan.system, []).extend(texts[plan.name])
    return found


def score_table(systems: Mapping[str, ByMetric], plans: Sequence[PreferencePlan], digits: int = 2) -> pd.DataFrame:
    """Every system with its scores and intervals, one row each."""
    seeds = pd.Series([plan.system for plan in plans]).value_counts()
    return pd.DataFrame(
        [
            {"system": name, "seeds": int(seeds[name]), **{m: found.text(digits) for m, found in scores.items()}}
            for name, scores in systems.items()
        ]
    )


def error_rates(texts: Mapping[str, Sequence[str]], facts: Sequence[str], seed: int) -> dict[str, dict[str, Estimate]]:
    """How often each run's texts make each error, in % of the pictures for which the error is possible.

    Args:
        texts: Name of each run -> one text per picture.
        facts: JSON of each picture, empty where nothing is known.
        seed: Of the resamples.

    Returns:
        Name of each run -> error -> estimate; empty where no facts are known.
    """
    if not any(facts):
        return {}
    counts = resample_counts(len(facts), seed)
    found = {}
    for name, written in texts.items():
        judged = [errors_in(text, known) for text, known in zip(written, facts, strict=True)]
        found[name] = {error: rate_of(judged, error, counts) for error in ERRORS}
    return found


def rate_of(judged: Sequence[Mapping[str, bool]], error: str, counts: np.ndarray) -> Estimate:
    """The share in % of the texts that make an error, of those for which it is possible."""
    possible = np.array([error in found for found in judged], dtype=float)
    made = np.array([found.get(error, False) for found in judged], dtype=float)
    if not possible.sum():
        return Estimate(float("nan"), np.full(len(counts), np.nan))
    return Estimate(100 * made.sum() / possible.sum(), 100 * (counts @ made) / np.maximum(counts @ possible, 1))


def reward_table(plans: Sequence[PreferencePlan], curves: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Accuracy and margin of the rewards on validation pairs at the end, one row per system: means and ranges over seeds."""
    rows: dict[str, list[pd.Series]] = {}
    for plan in plans:
        if plan.loss is not None:
            rows.setdefault(plan.system, []).append(curves[plan.name].iloc[-1])
    shown = []
    for system, found in rows.items():
        row = {"system": system, "chosen response's reward": mean_and_range([r["best reward"] for r in found])}
        for name in ("response", "picture", "context"):
            column = f"accuracy: {name}"
            if column in found[0]:
                row[f"{name}: accuracy (%)"] = mean_and_range([100 * r[column] for r in found], 0)
                row[f"{name}: margin"] = mean_and_range([r[f"margin: {name}"] for r in found])
        shown.append(row)
    return pd.DataFrame(shown)


def difference_table(systems: Mapping[str, ByMetric], pairs: Sequence[tuple[str, str]]) -> pd.DataFrame:
    """Differences of systems on the same pictures, one row per pair of systems and metric."""
    rows = []
    for one, other in pairs:
        for metric in systems[one]:
            difference = systems[one][metric] - systems[other][metric]
            if np.isfinite(difference.value):
                rows.append({"system": one, "against": other, "metric": metric, "difference": difference.text()})
    return pd.DataFrame(rows)


def comparison_verdict(systems: Mapping[str, ByMetric], one: str, other: str, metrics: Sequence[str]) -> str:
    """A sentence: on which metrics a system is better, worse or neither than another, by paired intervals.

    What is zero at the digit that is shown is neither: BLEU@4 of a few texts without a shared 4-gram differs only
    by what keeps its logarithm finite.
    """
    outcomes: dict[str, list[str]] = {"better": [], "worse": [], "neither": []}
    for metric in metrics:
        difference = systems[one][metric] - systems[other][metric]
        if not np.isfinite(difference.value):
            continue
        low, high = difference.interval
        sign = -1 if metric in BETTER_IF_LOWER else 1
        better, worse = (low > 0, high < 0) if sign > 0 else (high < 0, low > 0)
        shown = round(difference.value, 1) + 0.0
        outcomes["neither" if not shown else "better" if better else "worse" if worse else "neither"].append(
            f"{metric} ({shown:+.1f})"
        )
    said = [
        f"{word} in {', '.join(found)}"
        for word, found in (("better", outcomes["better"]), ("worse", outcomes["worse"]))
        if found
    ]
    if outcomes["neither"]:
        said.append(f"not measurably different in {', '.join(outcomes['neither'])}")
    return f"{one} against {other}: {'; '.join(said) or 'nothing to compare'}."


def what_could_show(
    errors: Mapping[str, ByMetric],
    plans: Sequence[PreferencePlan],
    texts: Mapping[str, Sequence[str]],
    curves: Mapping[str, pd.DataFrame],
    start: str,
    learned: Sequence[str],
) -> list[str]:
    """Sentences: how much of what was learned reaches the texts, and how large a difference in errors would show.

    Args:
        errors: Name of each system -> its error rates in %; may be empty.
        plans: The runs.
        texts: Name of each run -> its n texts.
        curves: Name of each run -> its evaluations.
        start: The system before the preference stage.
        learned: Systems after it.
    """
    before = {plan.seed: texts[plan.name] for plan in plans if plan.system == start}
    said = []
    for system in learned:
        own = [plan for plan in plans if plan.system == system]
        ranked = np.mean([curves[plan.name]["accuracy: response"].iloc[-1] for plan in own])
        changed = np.mean([a != b for plan in own for a, b in zip(texts[plan.name], before[plan.seed], strict=True)])
        said.append(
            f"{system}: at the end of training it ranks {100 * ranked:.0f}% of the validation pairs correctly (a coin: 50%), "
            f"and {100 * changed:.0f}% of its texts for the test pictures differ from those of {start}."
        )
    if errors:
        differences = [errors[system][error] - errors[start][error] for system in learned for error in errors[system]]
        widths = [(d.interval[1] - d.interval[0]) / 2 for d in differences if np.isfinite(d.value)]
        said.append(
            f"The intervals of differences in errors reach {min(widths):.0f} to {max(widths):.0f} points to either side; "
            "a smaller one does not show with these pictures."
        )
    return said
