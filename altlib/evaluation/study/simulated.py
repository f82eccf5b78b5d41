"""Simulated raters for the miniature world, where nobody can be asked: a stand-in that reads the facts.

They are labelled as simulated wherever their answers are shown. A simulated rater prefers the text
that states more of the picture's facts correctly, and the one whose neighbouring words the writers of
the corpus put side by side more often; small differences count as equal, and each rater errs in its
own way. One of them is careless, so that the rules for leaving raters out have something to find.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from random import Random

import numpy as np
import pandas as pd

from altlib.evaluation.bigrams import BigramFluency
from altlib.evaluation.judges.facts import FactsJudge
from altlib.evaluation.judges.interface import JudgedText
from altlib.evaluation.study.answers import COLUMNS, Answers

SIMULATED = "simulated"  # what the names of these raters begin with
NOTE = (
    "Nobody rated these texts. The raters are simulated: they read the facts of the drawn pictures and err at random. "
    "Their answers show how a study is analysed, not what people think."
)
JUST_NOTICEABLE = {"descriptiveness": 0.15, "fluency": 0.15}  # smaller differences are equal to a rater
ERRING = {"descriptiveness": 0.25, "fluency": 0.3}  # standard deviation of what a rater misjudges
CARELESS_SECONDS, CAREFUL_SECONDS = 1.0, 14.0


def differences(key: pd.DataFrame, facts: Mapping[str, str], fluency: BigramFluency) -> dict[str, np.ndarray]:
    """By how much the first text of each comparison is better by each question, (n,); NaN where no facts are known."""
    sides = [
        FactsJudge().rate(
            [JudgedText(t, facts=facts.get(i, "")) for t, i in zip(key[side], key["source_item"], strict=True)]
        )
        for side in ("first_text", "second_text")
    ]
    fluent = [[fluency.score(text) for text in key[side]] for side in ("first_text", "second_text")]
    described = [(s.scores["accuracy"] + s.scores["completeness"]).to_numpy() / 2 for s in sides]
    return {"descriptiveness": described[0] - described[1], "fluency": np.array(fluent[0]) - np.array(fluent[1])}


def simulated_answers(
    keys: Sequence[pd.DataFrame], facts: Mapping[str, str], fluency: BigramFluency, raters: int, seed: int
) -> Answers:
    """What simulated raters answer, the last of whom is careless.

    Args:
        keys: Of the qualification round and of the comparisons.
        facts: item_id of a picture -> its facts as JSON.
        fluency: Of the corpus.
        raters: How many, the careless one included.
        seed: Of their errors.
    """
    key = pd.concat(keys, ignore_index=True)
    better = differences(key, facts, fluency)
    rows = []
    for number in range(1, raters + 1):
        rng, careless = Random(f"rater/{seed}/{number}"), number == raters > 1
        name = f"{SIMULATED} {number}"
        for place, item in enumerate(key["item_id"]):
            seconds = round((CARELESS_SECONDS if careless else CAREFUL_SECONDS) * rng.uniform(0.6, 1.8), 1)
            for question, values in better.items():
                seen = values[place] + rng.gauss(0, ERRING[question])
                if np.isnan(seen):
                    continue
                answer = "equal" if abs(seen) < JUST_NOTICEABLE[question] else "first" if seen > 0 else "second"
                answer = rng.choice(["first", "first", "second"]) if careless else answer
                rows.append((name, item, question, answer, seconds, ""))
    return Answers(pd.DataFrame(rows, columns=list(COLUMNS)), Counter())
