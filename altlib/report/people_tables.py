"""Tables and sentences about what people prefer (Twitter paper, Table 2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from altlib.core.estimates import Estimate
from altlib.core.measured import Results, of_estimate
from altlib.evaluation.study.analysis import agreement_estimates, of_pair, pair_counts, share_estimates, sign_test
from altlib.evaluation.study.comparisons import EQUAL, QUESTIONS
from altlib.generation.systems import FROM_SCRATCH, TEXT_AND_IMAGE

# The paper's name of each comparison -> the two systems, ours first.
PAPERS_COMPARISONS = {
    "frozen": (TEXT_AND_IMAGE, "ClipCap (Frozen), BS (NR)"),
    "from scratch": (TEXT_AND_IMAGE, FROM_SCRATCH),
}
OURS = "ours"  # what the published table calls the paper's own system
SIGNIFICANT = 0.05


def beside_paper(
    preferences: pd.DataFrame, paper: pd.DataFrame, comparisons: Mapping[str, tuple[str, str]]
) -> pd.DataFrame:
    """Table 2 of this run beside the paper's.

    Args:
        preferences: From :func:`altlib.evaluation.study.analysis.preference_table`.
        paper: The published table, with the columns comparison, question, preferred and "share (%)".
        comparisons: The paper's name of each comparison -> the two systems, ours first; of other comparisons nothing
            stands beside this run's.
    """
    published = paper.set_index(["comparison", "question", "preferred"])["share (%)"]
    named = {f"{ours} and {other}": (name, ours) for name, (ours, other) in comparisons.items()}

    def in_paper(row: pd.Series) -> float:
        name, ours = named.get(row["comparison"], ("", ""))
        who = EQUAL if row["preferred"] == EQUAL else OURS if row["preferred"] == ours else "ClipCap"
        return float(published.get((name, row["question"], who), float("nan")))

    if preferences.empty:
        return preferences
    shares = preferences.apply(in_paper, axis=1)
    p_values = [p_text(p).removeprefix("p = ").removeprefix("p ") for p in preferences["sign test p"]]
    table = preferences.assign(**{"paper (%)": shares, "sign test p": p_values})
    return table[
        ["comparison", "question", "preferred", "share (%) [95%]", "paper (%)", "answers", "items", "sign test p"]
    ]


def p_text(p: float) -> str:
    """``p = 0.031``, or ``p < 0.001`` for a smaller one."""
    return f"p = {p:.3f}" if p >= 0.001 else "p < 0.001"


def preference_verdicts(frame: pd.DataFrame, pairs: Sequence[tuple[str, str]], seed: int, who: str) -> list[str]:
    """One sentence for each comparison and question: which system is preferred, if the sign test tells.

    Args:
        frame: From :func:`altlib.evaluation.study.analysis.named_answers`.
        pairs: The compared systems, ours first.
        seed: Of the resamples.
        who: Who rated, such as "raters".
    """
    said = []
    for ours, other in pairs:
        for question in QUESTIONS:
            counts = pair_counts(of_pair(frame, question.key, (ours, other)), (ours, other))
            if not len(counts):
                continue
            wins, losses, p = sign_test(counts)
            shares = share_estimates(counts, seed)
            found = f"{who} prefer {ours} in {shares[0].text(1)}% of the answers and {other} in {shares[1].text(1)}%"
            if p >= SIGNIFICANT:
                verdict = "which the sign test does not tell apart"
            else:
                verdict = f"so {ours if wins > losses else other} is preferred"
            said.append(f"By {question.key}, {found}, {verdict} (sign test over {len(counts)} pictures, {p_text(p)}).")
    return said


def people_measures(frame: pd.DataFrame, comparisons: Mapping[str, tuple[str, str]], seed: int) -> Results:
    """Shares of the answers, margins between the systems and agreement of the raters, for the living index.

    Args:
        frame: From :func:`altlib.evaluation.study.analysis.named_answers`.
        comparisons: The paper's name of each comparison -> the two systems, ours first.
        seed: Of the resamples.
    """
    found: Results = {}
    for name, systems in comparisons.items():
        for question in QUESTIONS:
            counts = pair_counts(of_pair(frame, question.key, systems), systems)
            if not len(counts):
                continue
            shares = share_estimates(counts, seed)
            named = dict(zip((OURS, "ClipCap", EQUAL), shares, strict=True)) | {"margin": shares[0] - shares[1]}
            for who, share in named.items():
                found[f"{who} ({name})", f"{question.key} (%)"] = of_estimate(share, "compared pictures", len(counts))
    for key, (alpha, items, _) in agreement_estimates(frame, seed).items():
        found["raters", f"{key}, alpha"] = of_estimate(alpha, "compared pictures", items)
    return found


def flagging_measures(precision: Mapping[str, Estimate], poor: int, texts: int) -> Results:
    """How far the average precision of what flags poor alt text exceeds the share of poor ones, for the living index.

    Args:
        precision: By detector.
        poor: Poor texts.
        texts: All texts.
    """
    measure, share = "average precision minus share of poor texts", poor / max(texts, 1)
    return {
        (name, measure): of_estimate(Estimate(found.value - share, found.resamples - share), "texts", texts)
        for name, found in precision.items()
    }
