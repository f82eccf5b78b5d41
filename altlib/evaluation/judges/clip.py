"""CLIPs as judges: how well a text fits its picture, by the pretrained model or by one that prefers descriptions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from altlib.evaluation.clip_scores import base_scores, tuned_scores
from altlib.evaluation.judges.interface import JudgedText, ScoreJudge
from altlib.models.clip import Clip
from altlib.models.description_clip import DescriptionClip


def clip_judge(base: Clip, cache: Path | None = None) -> ScoreJudge:
    """CLIPScore of the pretrained model; ``cache`` is the folder with its image features."""

    def score(texts: Sequence[JudgedText]) -> np.ndarray:
        return base_scores(base, [t.image for t in texts], [t.text for t in texts], cache).numpy()

    return ScoreJudge("CLIPScore", score)


def description_judge(tuned: DescriptionClip, base: Clip, cache: Path | None = None) -> ScoreJudge:
    """The score of a CLIP that prefers descriptions; ``base`` is the model that it was tuned from."""

    def score(texts: Sequence[JudgedText]) -> np.ndarray:
        return tuned_scores(tuned, base, [t.image for t in texts], [t.text for t in texts], cache).numpy()

    return ScoreJudge("CLIP that prefers descriptions", score)
