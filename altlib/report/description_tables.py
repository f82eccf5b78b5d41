"""What fine-tuned CLIPs prefer, keep and agree with, as tables with means and 95% intervals over seeds (CLIP paper, Tables 1 and 2).

``runs`` has one row per fine-tuned model: objective, fine-tuning, seed, accuracy, transfer (the
transfer score), one column per transfer task, and agreement (a table of
:func:`altlib.evaluation.ratings.correlations`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from torch import Tensor

from altlib.core.statistics import plus_minus, proportion_interval, seed_interval
from altlib.evaluation.clip_scores import CLIPSCORE_PROMPT
from altlib.models.triplets import Triplets
from altlib.training.tuning_study import BaseResult

QUESTIONS_SHOWN = ("overall", "imaginability")  # the questions of Table 1
PAPER_ACCURACY = {("behavioural", "lora"): 0.90, ("iit-das", "lora"): 0.86}  # of Table 1
CONFIGURATION = ["objective", "fine-tuning"]
BARE = "bare"  # the form of a text that is scored as it is


def triplet_table(splits: Mapping[str, Triplets]) -> pd.DataFrame:
    """How many pictures have a caption and a description, and how many were left out, one row per split."""
    rows = [
        {
            "split": name,
            "triplets": len(found),
            "left out: no caption or description": found.incomplete,
            "texts cropped to the context": found.cropped,
        }
        for name, found in splits.items()
    ]
    return pd.DataFrame(rows)


def agreement_with(agreement: pd.DataFrame, group: str, question: str, column: str = "r") -> float:
    """One number of a table of correlations; NaN if it has no such row.

    Args:
        agreement: As from :func:`altlib.evaluation.ratings.correlations`.
        group: Who rated.
        question: What they rated.
        column: Which number of the row.
    """
    found = agreement[(agreement["group"] == group) & (agreement["question"] == question)][column]
    return float(found.iloc[0]) if len(found) else float("nan")


def text_form(prompt: str) -> str:
    """How a table says in which form texts are scored: bare, or after a prompt."""
    return f'after "{prompt.strip()}"' if prompt else BARE


def main_table(
    base: Sequence[BaseResult],
    pictures: int,
    transfer: Mapping[str, float],
    runs: pd.DataFrame,
    group: str,
) -> pd.DataFrame:
    """Table 1: how often the description is preferred, macro-F1 of the transfer tasks, correlation with ratings.

    Args:
        base: What the base model reaches, with texts in each form.
        pictures: How many test pictures there are; the base model's intervals are over these.
        transfer: The base model's macro-F1 by transfer task.
        runs: The fine-tuned models.
        group: Whose ratings the correlations are shown for.

    Returns:
        The base model in the first rows, one per form of texts, then one row per objective and way of
        fine-tuning.
    """
    rows: list[dict[str, Any]] = []
    for form in base:
        low, high = proportion_interval(round(form.accuracy * pictures), pictures)
        rows.append(
            {
                "objective": "none",
                "fine-tuning": "none",
                "text": text_form(form.prompt),
                "description preferred (%)": f"{100 * form.accuracy:.1f} [{100 * low:.1f}, {100 * high:.1f}]",
                **{f"{task}, F1 (%)": f"{100 * f1:.1f}" for task, f1 in transfer.items()},
                "transfer score (%)": "100",
                **{f"r, {q}": plus_minus([agreement_with(form.agreement, group, q)]) for q in QUESTIONS_SHOWN},
            }
        )
    for (objective, tuning), found in runs.groupby(CONFIGURATION, sort=False):
        rows.append(
            {
                "objective": objective,
                "fine-tuning": tuning,
                "text": BARE,
                "description preferred (%)": plus_minus(100 * found["accuracy"], 1),
                **{f"{task}, F1 (%)": plus_minus(100 * found[task], 1) for task in transfer},
                "transfer score (%)": plus_minus(100 * found["transfer"], 1),
                **{
                    f"r, {q}": plus_minus(agreement_with(a, group, q) for a in found["agreement"])
                    for q in QUESTIONS_SHOWN
                },
            }
        )
    return pd.DataFrame(rows)


def base_preference(preferred: int, pictures: int) -> str:
    """A sentence on how often the base model prefers the description, over all pictures and with a 95% interval."""
    low, high = proportion_interval(preferred, pictures)
    return (
        f"The base model has learned from none of these pictures. On all {pictures:,} of them, training pictures included, "
        f"it prefers the description on {100 * preferred / pictures:.1f}% [{100 * low:.1f}, {100 * high:.1f}] "
        "(paper's test split: 49.4%)."
    )


def verdicts(runs: pd.DataFrame) -> list[str]:
    """Whether LoRA reaches the accuracy of the paper's Table 1, and whether it keeps more of transfer than full fine-tuning.

    That LoRA keeps more holds if the 95% interval of the difference over seeds lies above 0. Returns one
    sentence per finding.
    """
    found = dict(iter(runs.groupby(CONFIGURATION)))
    said = []
    for (objective, tuning), level in PAPER_ACCURACY.items():
        if (objective, tuning) in found:
            reached = found[objective, tuning]["accuracy"].mean()
            kept = found[objective, tuning]["transfer"].mean()
            said.append(
                f"{objective} with LoRA prefers the description on {100 * reached:.1f}% of test pictures (the paper's level of "
                f"{100 * level:.0f}% {'is reached' if reached >= level else 'is not reached'}) and keeps {100 * kept:.0f}% "
                "of the base model's transfer."
            )
    for objective in runs["objective"].unique():
        if {(objective, "full"), (objective, "lora")} <= set(found):
            full, lora = (found[objective, tuning].set_index("seed")["transfer"] for tuning in ("full", "lora"))
            mean, half = seed_interval((100 * (lora - full).dropna()).tolist())
            low, high = mean - half, mean + half
            verdict = "holds" if low > 0 else "does not hold" if high < 0 else "is undecided"
            said.append(
                f"{objective}: LoRA keeps {100 * lora.mean():.0f}% of transfer, full fine-tuning {100 * full.mean():.0f}%, a "
                f"difference of {plus_minus(100 * (lora - full), 1)} points over seeds; that LoRA keeps more {verdict} in this run."
            )
    return said


def agreement_rows(agreements: Sequence[pd.DataFrame], objective: str, tuning: str, text: str = BARE) -> pd.DataFrame:
    """Correlations of several seeds in the columns of Table 2, with intervals over the seeds.

    Args:
        agreements: As from :func:`altlib.evaluation.ratings.correlations`, one per seed.
        objective: Of the models.
        tuning: How they were fine-tuned.
        text: The form in which they read texts.
    """
    first = agreements[0]

    def over_seeds(column: str) -> list[str]:
        return [plus_minus(agreement[column].iloc[row] for agreement in agreements) for row in range(len(first))]

    return pd.DataFrame(
        {
            "group": first["group"],
            "objective": objective,
            "fine-tuning": tuning,
            "text": text,
            "question": first["question"],
            "items": first["items"],
            "r": over_seeds("r"),
            "r of length alone": first["length_r"],
            "partial r, length taken out": over_seeds("partial_r"),
        }
    )


def agreement_table(
    base: Sequence[BaseResult], runs: pd.DataFrame, published: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Table 2: correlations with ratings, by group and question.

    Args:
        base: What the base model reaches, with texts in each form.
        runs: The fine-tuned models.
        published: Correlations of published CLIPScores, if there are any.
    """
    parts = [agreement_rows([form.agreement], "none", "none", text_form(form.prompt)) for form in base]
    if published is not None:
        parts.append(agreement_rows([published], "none (published scores)", "none", text_form(CLIPSCORE_PROMPT)))
    parts += [
        agreement_rows(found["agreement"].tolist(), objective, tuning)
        for (objective, tuning), found in runs.groupby(CONFIGURATION, sort=False)
    ]
    return pd.concat(parts).sort_values(["group", "question"], kind="stable")


def length_verdicts(base: pd.DataFrame, runs: pd.DataFrame, group: str) -> list[str]:
    """Whether scores say more of a group's ratings than the length of a text does, one sentence per configuration and question.

    Args:
        base: The base model's correlations, with texts in the form that the fine-tuned models read.
        runs: The fine-tuned models.
        group: Whose ratings.
    """
    said = []
    for question in QUESTIONS_SHOWN if len(base) else ():
        length = agreement_with(base, group, question, "length_r")
        untrained = agreement_with(base, group, question)
        for (objective, tuning), found in runs.groupby(CONFIGURATION, sort=False):
            r = np.mean([agreement_with(agreement, group, question) for agreement in found["agreement"]])
            said.append(
                f"{question}, {objective} {tuning}: r {r:.2f}, and {untrained:.2f} before fine-tuning. The length of the text "
                f"alone has {length:.2f}, so the score says {'more' if r > length else 'less'} than the length."
            )
    return said


def changed_order(before: Tensor, after: Tensor, count: int) -> list[int]:
    """The pictures whose texts changed their order most.

    Args:
        before: Score of the description minus that of the caption, (n,).
        after: The same after fine-tuning, (n,).
        count: At most how many.

    Returns:
        Rows whose margin was negative before and is positive after, the largest change first.
    """
    order = np.argsort(-(after - before).numpy())
    return [int(row) for row in order if before[row] < 0 < after[row]][:count]
