"""The captions of several runs on the pictures that all of them have: scores, paired tests, largest differences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from altlib.core.estimates import Estimate
from altlib.core.statistics import RESAMPLES, holm
from altlib.evaluation.caption_metrics import METRICS, rouge_l, score_systems, tokenise_all

NOT_SYSTEMS = ("item_id", "gold", "run")


@dataclass(frozen=True)
class Compared:
    """A system's score in two runs on the same pictures.

    Attributes:
        system: Its name.
        metric: What is measured.
        run: The run that is compared with the first.
        before: The score in the first run.
        after: The score in the other run.
        p: Holm's p-value of the difference among the systems whose captions differ; 1 for the same captions.
        differs: Whether any caption differs.
    """

    system: str
    metric: str
    run: str
    before: Estimate
    after: Estimate
    p: float
    differs: bool

    @property
    def difference(self) -> Estimate:
        """The other run's score minus that of the first."""
        return self.after - self.before


@dataclass(frozen=True)
class PictureDifference:
    """A picture for which the runs' captions differ much.

    Attributes:
        item_id: The picture's.
        system: The system whose captions differ most for it.
        gold: The reference.
        captions: Of each run.
        scores: ROUGE-L of each run's caption, from 0 to 1.
    """

    item_id: str
    system: str
    gold: str
    captions: dict[str, str]
    scores: dict[str, float]


def shared_captions(frames: Mapping[str, pd.DataFrame]) -> tuple[dict[str, pd.DataFrame], list[str]]:
    """The captions of several runs for the pictures that all of them have, in the same order.

    A picture is the same if its id and its reference are.

    Args:
        frames: Name of each run -> its captions, with the columns item_id, gold and one per system.

    Returns:
        The rows of each run, and the systems that all runs have.
    """
    keyed = {
        name: frame.drop_duplicates(["item_id", "gold"]).set_index(["item_id", "gold"])
        for name, frame in frames.items()
    }
    first, *others = keyed.values()
    keys = [key for key in first.index if all(key in frame.index for frame in others)]
    systems = [c for c in first.columns if c not in NOT_SYSTEMS and all(c in frame.columns for frame in others)]
    return {name: frame.loc[keys].reset_index() for name, frame in keyed.items()}, systems


def compare_captions(frames: Mapping[str, pd.DataFrame], systems: Sequence[str], seed: int = 0) -> list[Compared]:
    """Paired tests of every system and metric between the first run and each other.

    Holm's correction is among the systems whose captions differ at all, within a metric and a run.

    Args:
        frames: From :func:`shared_captions`; the first is what the others are compared with.
        systems: Which systems.
        seed: Of the bootstrap.

    Raises:
        ValueError: The runs share no picture.
    """
    first, *others = frames
    texts = {
        f"{number} {system}": frame[system].fillna("").astype(str).tolist()
        for number, frame in enumerate(frames.values())
        for system in systems
    }
    scores = score_systems(texts, frames[first]["gold"].tolist(), seed)
    found = []
    for metric in METRICS:
        for number, run in enumerate(others, start=1):
            pairs = [(scores[f"0 {system}"][metric], scores[f"{number} {system}"][metric]) for system in systems]
            differ = [texts[f"0 {system}"] != texts[f"{number} {system}"] for system in systems]
            tested = [(after - before).p for (before, after), d in zip(pairs, differ, strict=True) if d]
            corrected = iter(holm(tested))
            found += [
                Compared(system, metric, run, before, after, next(corrected) if d else 1.0, d)
                for system, (before, after), d in zip(systems, pairs, differ, strict=True)
            ]
    order = {system: place for place, system in enumerate(systems)}
    return sorted(found, key=lambda compared: order[compared.system])


def least_p(tests: Sequence[Compared]) -> float:
    """The least p-value that the largest set of tests that are corrected together can give."""
    together = Counter((t.metric, t.run) for t in tests if t.differs)
    return min(1.0, max(together.values(), default=0) * 2 / (RESAMPLES + 1))


def largest_differences(
    frames: Mapping[str, pd.DataFrame], systems: Sequence[str], pictures: int = 10
) -> list[PictureDifference]:
    """The pictures for which some system's captions differ most between runs by ROUGE-L, the largest first.

    Args:
        frames: From :func:`shared_captions`.
        systems: Which systems.
        pictures: At most; those whose captions have the same score in all runs are left out.
    """
    first = next(iter(frames.values()))
    texts = {
        f"{column} {system}": frame[system].fillna("").astype(str).tolist()
        for column, frame in enumerate(frames.values())
        for system in systems
    }
    tokenised, gold = tokenise_all(texts, [[text] for text in first["gold"]])
    each = np.array([[rouge_l(tokenised[f"{c} {s}"], gold) for c in range(len(frames))] for s in systems])
    spread = np.ptp(each, axis=1)  # (systems, pictures)
    found = []
    for picture in np.argsort(-spread.max(axis=0), kind="stable")[:pictures]:
        row = int(spread[:, picture].argmax())
        if spread[row, picture] <= 0:
            break
        captions = {run: str(frame[systems[row]].iloc[picture]) for run, frame in frames.items()}
        scores = dict(zip(frames, each[row, :, picture].tolist(), strict=True))
        item = first.iloc[picture]
        found.append(PictureDifference(item["item_id"], systems[row], item["gold"], captions, scores))
    return found
