"""What people prefer: shares with intervals, sign test, agreement, and how each rater rates (Twitter paper, Table 2)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats

from altlib.core.estimates import Estimate
from altlib.core.statistics import resample_counts
from altlib.evaluation.study.answers import Answers
from altlib.evaluation.study.comparisons import EQUAL, QUESTIONS, WRITER

UNQUALIFIED = "rater did not pass the qualification round"
TOO_FAST = "rater answered too fast"
MINIMUM_SECONDS = 3.0  # per item, the median of a rater; faster answers cannot have been thought about
FEW_RESAMPLES = 200  # for agreement, whose resamples are slow


def named_answers(answers: Answers, key: pd.DataFrame) -> pd.DataFrame:
    """Answers with the system that each one prefers.

    Args:
        answers: As merged.
        key: Of the comparisons, from :class:`altlib.evaluation.study.comparisons.Comparisons`.

    Returns:
        The columns of the answers and of the key, and ``preferred``: a system's name or "equal".
    """
    frame = answers.frame.merge(key, on="item_id", how="inner", validate="many_to_one")
    preferred = np.select(
        [frame["answer"] == "first", frame["answer"] == "second"], [frame["first"], frame["second"]], EQUAL
    )
    return frame.assign(preferred=preferred)


def qualified(answers: Answers, key: pd.DataFrame) -> list[str]:
    """The raters who preferred the writer's alt text by every question in every qualifying comparison."""
    frame = named_answers(answers, key[key["round"] == "qualification"])
    needed = len(QUESTIONS) * frame_items(key, "qualification")
    right = frame[frame["preferred"] == WRITER].groupby("rater").size()
    return sorted(right.index[right == needed]) if needed else sorted(answers.frame["rater"].unique())


def frame_items(key: pd.DataFrame, name: str) -> int:
    """How many comparisons a round has."""
    return int((key["round"] == name).sum())


def exclude_raters(answers: Answers, key: pd.DataFrame, minimum_seconds: float = MINIMUM_SECONDS) -> Answers:
    """Leave out the raters who did not qualify, and those who answered too fast.

    Args:
        answers: Of both rounds.
        key: Of both rounds.
        minimum_seconds: A rater whose median time per item is lower is left out; items without a time do not count.
    """
    passed = set(qualified(answers, key))
    kept = answers.without(set(answers.frame["rater"]) - passed, UNQUALIFIED)
    timed = kept.frame[kept.frame["seconds"] > 0].drop_duplicates(["rater", "item_id"])
    median = timed.groupby("rater")["seconds"].median()
    return kept.without(median.index[median < minimum_seconds], TOO_FAST)


def pair_counts(frame: pd.DataFrame, systems: tuple[str, str]) -> np.ndarray:
    """How often each item's raters preferred the first system, the second and neither, (items, 3)."""
    options = (*systems, EQUAL)
    table = frame.groupby(["item_id", "preferred"]).size().unstack(fill_value=0)
    return table.reindex(columns=list(options), fill_value=0).to_numpy(dtype=float)


def of_pair(frame: pd.DataFrame, question: str, systems: tuple[str, str]) -> pd.DataFrame:
    """The answers to a question on the comparisons of two systems, whichever stood first."""
    pair = (
        frame[["first", "second"]].apply(lambda row: frozenset(row), axis=1) if len(frame) else pd.Series(dtype=object)
    )
    return frame[(frame["question"] == question) & (pair == frozenset(systems))]


def share_estimates(counts: np.ndarray, seed: int) -> list[Estimate]:
    """The shares (%) of the columns of counts, with resamples of the items: raters of one item are not independent.

    Args:
        counts: (items, columns).
        seed: Of the resamples.
    """
    drawn = resample_counts(len(counts), seed) @ counts
    return [
        Estimate(100 * counts[:, i].sum() / counts.sum(), 100 * drawn[:, i] / drawn.sum(1))
        for i in range(counts.shape[1])
    ]


def sign_test(counts: np.ndarray) -> tuple[int, int, float]:
    """The sign test of two systems over items, by the majority of each item's raters.

    Args:
        counts: As from :func:`pair_counts`.

    Returns:
        Items won by the first and by the second system, and the two-sided p-value; ties count for neither.
    """
    wins, losses = int((counts[:, 0] > counts[:, 1]).sum()), int((counts[:, 0] < counts[:, 1]).sum())
    return wins, losses, float(stats.binomtest(wins, wins + losses).pvalue) if wins + losses else 1.0


def preference_table(frame: pd.DataFrame, pairs: Sequence[tuple[str, str]], seed: int = 0) -> pd.DataFrame:
    """Table 2: which share of the answers prefers which system, one row per pair, question and answer.

    Args:
        frame: From :func:`named_answers`.
        pairs: The compared systems.
        seed: Of the resamples.

    Returns:
        comparison, question, preferred, "share (%) [95%]", answers, items, and the p-value of the sign test.
    """
    rows = []
    for systems in pairs:
        for question in QUESTIONS:
            counts = pair_counts(of_pair(frame, question.key, systems), systems)
            if not len(counts):
                continue
            _, _, p = sign_test(counts)
            estimates = share_estimates(counts, seed)
            for name, estimate in zip((*systems, EQUAL), estimates, strict=True):
                rows.append(
                    {
                        "comparison": f"{systems[0]} and {systems[1]}",
                        "question": question.key,
                        "preferred": name,
                        "share (%) [95%]": estimate.text(1),
                        "answers": int(counts.sum()),
                        "items": len(counts),
                        "sign test p": p,
                    }
                )
    return pd.DataFrame(rows)


def krippendorff_alpha(values: np.ndarray) -> float:
    """Krippendorff's alpha of nominal answers.

    Args:
        values: Codes by rater and item, (raters, items); NaN where a rater did not answer.

    Returns:
        Alpha; NaN if no item has two raters or there is only one answer overall, which leaves no chance agreement.
    """
    import krippendorff

    given = values[:, (~np.isnan(values)).sum(0) > 1]
    if given.size == 0 or len(np.unique(given[~np.isnan(given)])) < 2:
        return float("nan")
    return float(krippendorff.alpha(reliability_data=given, level_of_measurement="nominal"))


def agreement_estimates(frame: pd.DataFrame, seed: int = 0) -> dict[str, tuple[Estimate, int, int]]:
    """How far raters agree on each question: Krippendorff's alpha, items with two raters or more, and raters."""
    estimates = {}
    for question in QUESTIONS:
        found = frame[frame["question"] == question.key]
        codes = {value: code for code, value in enumerate(question.choices)}
        matrix = found.assign(code=found["answer"].map(codes).astype(float)).pivot_table(
            index="rater", columns="item_id", values="code"
        )
        values = matrix.to_numpy(dtype=float)
        rng = np.random.default_rng(seed)
        drawn = [
            krippendorff_alpha(values[:, rng.integers(0, values.shape[1], values.shape[1])])
            for _ in range(FEW_RESAMPLES if values.size else 0)
        ]
        rated_twice = int(((~np.isnan(values)).sum(0) > 1).sum()) if values.size else 0
        finite = np.array([a for a in drawn if np.isfinite(a)] or [np.nan])
        alpha = krippendorff_alpha(values) if values.size else float("nan")
        estimates[question.key] = Estimate(alpha, finite), rated_twice, values.shape[0]
    return estimates


def agreement_table(frame: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    """How far raters agree, one row per question: Krippendorff's alpha with an interval over items."""
    return pd.DataFrame(
        {
            "question": question,
            "Krippendorff's alpha [95%]": alpha.text(),
            "items with two raters or more": rated_twice,
            "raters": raters,
        }
        for question, (alpha, rated_twice, raters) in agreement_estimates(frame, seed).items()
    )


def rater_table(frame: pd.DataFrame) -> pd.DataFrame:
    """How each rater rates: answers, time, ties, how often the first text is preferred, agreement with the others.

    Agreement is the share of a rater's answers that equal the most frequent answer of the other
    raters of the item, where there is one.
    """
    rows = []
    for rater, own in frame.groupby("rater"):
        others = frame[frame["rater"] != rater]
        most = others.groupby(["item_id", "question"])["answer"].agg(
            lambda a: a.mode().iloc[0] if len(a.mode()) == 1 else ""
        )
        matched = own.join(most.rename("most"), on=["item_id", "question"])
        comparable = matched[matched["most"].fillna("") != ""]
        decided = own[own["answer"] != EQUAL]
        rows.append(
            {
                "rater": rater,
                "answers": len(own),
                "median seconds per item": own.drop_duplicates("item_id")["seconds"].median(),
                "equal (%)": 100 * (own["answer"] == EQUAL).mean(),
                "first text preferred (% of the decided)": 100 * (decided["answer"] == "first").mean(),
                "agrees with the others (%)": 100 * (comparable["answer"] == comparable["most"]).mean(),
            }
        )
    return pd.DataFrame(rows)
