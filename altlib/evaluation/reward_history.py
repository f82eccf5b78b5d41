"""What the texts of a run's evaluations score by everything that the run was not trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from torch import Tensor

from altlib.evaluation.caption_metrics import bleu, bleu_statistics, ptb_tokenize
from altlib.evaluation.fluency import repeated_share, token_log_likelihoods
from altlib.evaluation.refcompare import cosines, share_of_all_references, share_of_own_references
from altlib.models.clip import Clip
from altlib.models.description_clip import DescriptionClip

MEASURES = {
    "CLIP reward": "cosine",
    "description-preferring CLIP": "cosine",
    "RefCompare": "share",
    "RefCompare among all": "share",
    "BLEU@4": "score",
    "perplexity": "of a frozen language model",
    "repetition": "share of word pairs",
    "words": "of a text",
}


@dataclass
class HistoryScorer:
    """Scores texts for the same pictures; what does not depend on the texts is computed once.

    Attributes:
        images: Unit-length features, (n, width).
        references: n alt texts.
        clip: The CLIP whose relevance is the reward.
        tuned: A CLIP that prefers descriptions, tuned from it; None leaves its score out.
        tokenizer: Of the language model.
        language_model: A frozen one.
    """

    images: Tensor
    references: Sequence[str]
    clip: Clip
    tuned: DescriptionClip | None
    tokenizer: Any
    language_model: Any

    @cached_property
    def gold(self) -> list[list[str]]:
        """The reference of each picture, tokenised, as a list of one."""
        return [[text] for text in ptb_tokenize(list(self.references))]

    @cached_property
    def reference_scores(self) -> list[np.ndarray]:
        """CLIP's cosine of each picture's reference."""
        return [np.array([s]) for s in cosines(self.images, self.clip.encode_texts(list(self.references)))]

    def score(self, runs: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, pd.DataFrame]:
        """Scores of each run's evaluations, one row each with the columns :data:`MEASURES` beside step and epoch.

        Args:
            runs: Name of each run -> its evaluations with the keys step, epoch and texts, one text per picture.
        """
        evaluations = [row for rows in runs.values() for row in rows]
        distinct = list(dict.fromkeys(text for row in evaluations for text in row["texts"]))
        tokenised = dict(zip(distinct, ptb_tokenize(distinct), strict=True))
        known = {texts: self.score_texts(texts, tokenised) for texts in {tuple(row["texts"]) for row in evaluations}}

        def scored(row: Mapping[str, Any]) -> dict[str, Any]:
            return {"step": row["step"], "epoch": row["epoch"], **known[tuple(row["texts"])]}

        return {name: pd.DataFrame(map(scored, rows)) for name, rows in runs.items()}

    def score_texts(self, texts: Sequence[str], tokenised: Mapping[str, str]) -> dict[str, float]:
        """Scores of one text per picture, by :data:`MEASURES`.

        Args:
            texts: n texts.
            tokenised: Each of them as the n-gram metrics read it.
        """
        own = cosines(self.images, self.clip.encode_texts(list(texts)))
        nats, tokens = token_log_likelihoods(texts, self.tokenizer, self.language_model).sum(0)
        statistics = bleu_statistics([tokenised[text] for text in texts], self.gold)
        scores = {
            "CLIP reward": own.mean(),
            "RefCompare": share_of_own_references(own, self.reference_scores).mean(),
            "RefCompare among all": share_of_all_references(own, self.reference_scores).mean(),
            "BLEU@4": 100 * float(bleu(statistics.sum(0))),
            "perplexity": float(np.exp(-nats / tokens)),
            "repetition": np.mean([repeated_share(text) for text in texts]),
            "words": np.mean([len(text.split()) for text in texts]),
        }
        if self.tuned is not None:
            embedded = self.tuned.encode_texts(self.clip.tokenize(list(texts)))
            scores["description-preferring CLIP"] = cosines(self.images, embedded).mean()
        return scores


def parting_step(history: pd.DataFrame, reward: str, held_out: str) -> int | None:
    """The step at which a reward and a held-out measure part: the last at which both have risen.

    From the evaluation with the best held-out value on, the reward goes on rising while the held-out
    measure ends lower.

    Args:
        history: From :meth:`HistoryScorer.score`.
        reward: Column that is trained on; higher is better.
        held_out: Column that is not; higher is better.

    Returns:
        The step; None if they do not part.
    """
    # Scores are compared as they are read; smoothing makes a BLEU of 0 differ in its tenth decimal.
    history = history.assign(**{held_out: history[held_out].round(4)})
    best = int(history[held_out].to_numpy().argmax())
    after, last = history.iloc[best], history.iloc[-1]
    parted = best < len(history) - 1 and last[reward] > after[reward] and last[held_out] < after[held_out]
    return int(after["step"]) if parted else None
