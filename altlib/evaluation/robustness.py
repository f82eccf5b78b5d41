"""Does a score move the right way when a text gets worse? Checks for any scorer, after ContextRef (arXiv 2309.11710).

Each check makes texts worse in a way that leaves no doubt, or gives them to a picture or post that
they do not belong to. A scorer passes if the score falls. Any scorer goes in with one line, such as
``"length": lambda texts: [len(t.text) for t in texts]``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random

import numpy as np
import pandas as pd

from altlib.core.statistics import derangement, proportion_interval
from altlib.evaluation.judges.interface import JudgedText, Scorer

PERSON_WORDS = re.compile(r"\b(?:an? |the )?(?:person|man|woman|boy|girl|child|baby)\b", re.IGNORECASE)
NAMES = ("Alex Morgan", "Sam Carter", "Robin Hughes", "Jo Fletcher")
TRUE_SENTENCES = (
    "Water boils at a lower temperature on high mountains.",
    "A year on Mars lasts almost two of ours.",
    "The longest side of a right triangle lies opposite the right angle.",
    "Copper conducts electricity well.",
)
BOILERPLATE = ("Image", "A photo.", "Picture attached", "alt text", "May be an image of one or more things.")
MOVES = 1e-9  # scores that differ by less have not moved


@dataclass(frozen=True)
class Example:
    """A text with what some checks put in its place.

    Attributes:
        judged: The text as it is.
        caption: A caption of the picture, which talks about it instead of describing it; empty if there is none.
    """

    judged: JudgedText
    caption: str = ""


Change = Callable[[list[Example], Random], list[JudgedText | None]]  # None where it does not apply


def shuffled_words(examples: list[Example], rng: Random) -> list[JudgedText | None]:
    """The words in random order."""
    changed: list[JudgedText | None] = []
    for example in examples:
        words = example.judged.text.split()
        order = rng.sample(words, len(words))
        changed.append(replace(example.judged, text=" ".join(order)) if order != words else None)
    return changed


def others(examples: list[Example], rng: Random) -> list[JudgedText]:
    """For each example another one."""
    order = np.array(rng.sample(range(len(examples)), len(examples)))
    return [examples[i].judged for i in derangement(order)]


def another_picture(examples: list[Example], rng: Random) -> list[JudgedText | None]:
    """The text with another picture, and what is known of that one."""
    return [
        replace(e.judged, image=o.image, reference=o.reference, facts=o.facts)
        for e, o in zip(examples, others(examples, rng), strict=True)
    ]


def another_post(examples: list[Example], rng: Random) -> list[JudgedText | None]:
    """Text and picture with another post."""
    pairs = zip(examples, others(examples, rng), strict=True)
    return [replace(e.judged, post=o.post) if o.post != e.judged.post else None for e, o in pairs]


def caption_instead(examples: list[Example], rng: Random) -> list[JudgedText | None]:
    """The caption in place of the description."""
    return [replace(e.judged, text=e.caption) if e.caption.strip() else None for e in examples]


def name_for_person(examples: list[Example], rng: Random) -> list[JudgedText | None]:
    """An invented name in place of the first word for a person, which nobody can know from the picture."""
    return [
        replace(e.judged, text=PERSON_WORDS.sub(rng.choice(NAMES), e.judged.text, count=1))
        if PERSON_WORDS.search(e.judged.text)
        else None
        for e in examples
    ]


def truncated(examples: list[Example], rng: Random) -> list[JudgedText | None]:
    """The first half of the words."""
    halves = [(e.judged, e.judged.text.split()) for e in examples]
    return [replace(j, text=" ".join(words[: len(words) // 2])) if len(words) > 3 else None for j, words in halves]


def true_sentence_added(examples: list[Example], rng: Random) -> list[JudgedText | None]:
    """A true sentence at the end that has nothing to do with the picture."""
    return [
        replace(e.judged, text=f"{e.judged.text.rstrip().rstrip('.')}. {rng.choice(TRUE_SENTENCES)}") for e in examples
    ]


def empty(examples: list[Example], rng: Random) -> list[JudgedText | None]:
    """No text."""
    return [replace(e.judged, text="") for e in examples]


def boilerplate(examples: list[Example], rng: Random) -> list[JudgedText | None]:
    """What software writes where nobody wrote anything."""
    return [replace(e.judged, text=rng.choice(BOILERPLATE)) for e in examples]


CHECKS: dict[str, Change] = {
    "words shuffled": shuffled_words,
    "another picture": another_picture,
    "another post": another_post,
    "caption for description": caption_instead,
    "name for person": name_for_person,
    "truncated": truncated,
    "irrelevant true sentence added": true_sentence_added,
    "empty": empty,
    "boilerplate": boilerplate,
}


def robustness(scorers: Mapping[str, Scorer], examples: Sequence[Example], seed: int = 0) -> pd.DataFrame:
    """Let every scorer score every example and every worse version of it.

    Args:
        scorers: By name.
        examples: At least two.
        seed: Of the changes.

    Returns:
        One row per scorer and check: scorer, check, texts (to which it applies and which have both scores),
        "falls (%)", its 95% interval "low (%)" and "high (%)" (Wilson), "stays (%)", and
        "mean change (sd)": in standard deviations of the scorer's scores of the unchanged texts.

    Raises:
        ValueError: There are fewer than two examples.
    """
    if len(examples) < 2:
        raise ValueError("robustness needs at least two texts, because some checks exchange their pictures")
    changed = {name: change(list(examples), Random(f"{name}/{seed}")) for name, change in CHECKS.items()}
    texts = [e.judged for e in examples] + [t for made in changed.values() for t in made if t is not None]
    rows = []
    for scorer, score in scorers.items():
        scores = np.asarray(score(texts), dtype=float)
        before, place = scores[: len(examples)], len(examples)
        spread = float(np.nanstd(before)) or float("nan")
        for check, made in changed.items():
            applies = np.array([t is not None for t in made])
            after = scores[place : place + int(applies.sum())]
            place += int(applies.sum())
            rows.append({"scorer": scorer, "check": check} | moves(after - before[applies], spread))
    return pd.DataFrame(rows)


def moves(differences: np.ndarray, spread: float) -> dict[str, float]:
    """How scores moved: a row of :func:`robustness`.

    Args:
        differences: After minus before, (n,); NaN where a score is missing.
        spread: Standard deviation of the scores before.
    """
    known = differences[~np.isnan(differences)]
    falls, stays = int((known < -MOVES).sum()), int((np.abs(known) <= MOVES).sum())
    low, high = proportion_interval(falls, len(known))
    share = 100 / len(known) if len(known) else float("nan")
    return {
        "texts": len(known),
        "falls (%)": falls * share,
        "low (%)": 100 * low,
        "high (%)": 100 * high,
        "stays (%)": stays * share,
        "mean change (sd)": float(known.mean()) / spread if len(known) else float("nan"),
    }
