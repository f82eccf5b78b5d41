"""CLIPs as judges: how well a text fits its picture, by the pretrained model or by one that prefers descriptions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from torch import Tensor

from altlib.evaluation.clip_scores import base_scores, tuned_scores
from altlib.evaluation.judges.interface import JudgedText, ScoreJudge, Scorer
from altlib.models.clip import Clip
from altlib.models.description_clip import DescriptionClip

PictureScorer = Callable[[list[str], list[str]], Tensor]  # picture files and texts -> a score of each


def scored_once(score: PictureScorer) -> Scorer:
    """A score of pictures and texts as judges take it, which computes each picture with each text once.

    A judge's validation asks for most scores several times: in both orders, again, and in several comparisons.
    """
    known: dict[tuple[str, str], float] = {}

    def scores(texts: Sequence[JudgedText]) -> np.ndarray:
        asked = [(text.image, text.text) for text in texts]
        if new := [pair for pair in dict.fromkeys(asked) if pair not in known]:
            images, words = map(list, zip(*new, strict=True))
            known.update(zip(new, score(images, words).tolist(), strict=True))
        return np.array([known[pair] for pair in asked])

    return scores


def clip_judge(base: Clip, cache: Path | None = None) -> ScoreJudge:
    """CLIPScore of the pretrained model; ``cache`` is the folder with its image features."""
    return ScoreJudge("CLIPScore", scored_once(lambda images, texts: base_scores(base, images, texts, cache)))


def description_judge(tuned: DescriptionClip, base: Clip, cache: Path | None = None) -> ScoreJudge:
    """The score of a CLIP that prefers descriptions; ``base`` is the model that it was tuned from."""
    score = scored_once(lambda images, texts: tuned_scores(tuned, base, images, texts, cache))
    return ScoreJudge("CLIP that prefers descriptions", score)
