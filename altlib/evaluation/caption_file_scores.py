"""Scores of captions from files: those of the COCO evaluation, and those that look at the pictures.

CLIPScore and RefCLIPScore are Hessel et al.'s; the description score is that of a CLIP that prefers
descriptions; RefCompare is the self-supervised captioning paper's. An empty caption scores 0. Scores that
look at pictures are of those captions whose picture can be read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from altlib.core.errors import PictureError
from altlib.core.estimates import Estimate
from altlib.core.images import picture_problem
from altlib.core.measured import mean_words
from altlib.core.progress import progress_bar
from altlib.core.statistics import holm
from altlib.data.caption_files import CaptionSets
from altlib.data.samples import random_rows
from altlib.evaluation.caption_metrics import COCO_METRICS, mean_of_pictures, score_systems
from altlib.evaluation.clip_scores import CLIPSCORE_PROMPT, clip_score, ref_clip_score
from altlib.evaluation.judges.interface import JudgedText, Scorer
from altlib.evaluation.refcompare import cosines, share_of_all_references, share_of_own_references
from altlib.evaluation.robustness import Example, robustness
from altlib.models.clip import Clip
from altlib.models.description_clip import DescriptionClip, picture_embeddings
from altlib.models.features import SHARD, encode_pictures

CLIP_METRICS = ("CLIPScore", "RefCLIPScore", "description score", "RefCompare (own)", "RefCompare (all)")
Scores = dict[str, Estimate]


@dataclass(frozen=True)
class Pictures:
    """The pictures that can be read, with their features.

    Attributes:
        rows: Which captions they belong to, (m,).
        base: Unit vectors of the pretrained model, (m, width).
        tuned: Those of the fine-tuned model, (m, width), if there is one.
        broken: Why the others cannot be read -> how many.
        unnamed: How many captions have no picture.
    """

    rows: np.ndarray
    base: Tensor
    tuned: Tensor | None
    broken: dict[str, int]
    unnamed: int


@dataclass(frozen=True)
class Evaluation:
    """What is found about the captions of one file or several.

    Attributes:
        scores: Name of each file -> metric -> its score.
        words: Name of each file -> mean number of words of a caption.
        reference_words: Mean number of words of a reference.
        empty: Name of each file -> how many captions are empty.
        pictures: What the scores that look at pictures come from; None if there are none.
        robust: From :func:`altlib.evaluation.robustness.robustness`; empty without pictures.
    """

    scores: dict[str, Scores]
    words: dict[str, float]
    reference_words: float
    empty: dict[str, int]
    pictures: Pictures | None = None
    robust: pd.DataFrame = field(default_factory=pd.DataFrame)


@dataclass(frozen=True)
class Difference:
    """A paired test between two files.

    Attributes:
        metric: What is compared.
        first: Name of the one file.
        second: Name of the other.
        estimate: The first's score minus the second's.
        p: Holm's p-value among all pairs of files; the test's own for a single pair.
    """

    metric: str
    first: str
    second: str
    estimate: Estimate
    p: float


def read_features(paths: Sequence[str], clip: Clip, tuned: DescriptionClip | None = None) -> Pictures:
    """Features of the pictures that can be read.

    Args:
        paths: A path for each of n captions; empty where there is none.
        clip: The pretrained model.
        tuned: A fine-tuned model; it has features of its own if its vision tower learned too.
    """
    named = [row for row, path in enumerate(paths) if path]
    broken: Counter[str] = Counter()
    rows, base, of_tuned = [], [torch.zeros(0, clip.width)], [torch.zeros(0, clip.width)]
    own = tuned is not None and tuned.settings.towers == "both"
    with progress_bar(total=len(named), desc="CLIP features", unit=" pictures", disable=None) as bar:
        for start in range(0, len(named), SHARD):
            part = named[start : start + SHARD]
            try:
                features = encode_pictures([paths[row] for row in part], clip, 128, 2)
            except PictureError:
                reasons = {row: picture_problem(paths[row]) for row in part}
                broken.update(reason for reason in reasons.values() if reason)
                part = [row for row in part if not reasons[row]]
                features = encode_pictures([paths[row] for row in part], clip, 128, 2) if part else base[0]
            if own and tuned is not None and part:
                of_tuned.append(picture_embeddings(tuned, [paths[row] for row in part], clip))
            rows += part
            base.append(features)
            bar.update(min(SHARD, len(named) - start))
    stacked = torch.cat(base)
    for_tuned = None if tuned is None else torch.cat(of_tuned) if own else stacked
    return Pictures(np.array(rows, dtype=int), stacked, for_tuned, dict(broken), len(paths) - len(named))


def clip_metrics(
    sets: CaptionSets, pictures: Pictures, clip: Clip, tuned: DescriptionClip | None = None
) -> dict[str, dict[str, np.ndarray]]:
    """The scores of each caption that look at its picture, (m,) each.

    Args:
        sets: The captions.
        pictures: From :func:`read_features`, m of them.
        clip: The pretrained model.
        tuned: The fine-tuned model, if the description score is wanted.

    Returns:
        Name of each file -> metric, of :data:`CLIP_METRICS` -> its scores.
    """
    gold = [sets.references[row] for row in pictures.rows]
    owners = np.repeat(np.arange(len(gold)), [len(several) for several in gold])
    flat = [text for several in gold for text in several]
    prompted = clip.encode_texts([CLIPSCORE_PROMPT + text for text in flat])
    of_references = cosines(pictures.base[owners], clip.encode_texts(flat))
    by_picture = np.split(of_references, np.cumsum([len(several) for several in gold])[:-1])
    out = {}
    for name, captions in sets.captions.items():
        texts = [captions[row] for row in pictures.rows]
        said = np.array([bool(text.strip()) for text in texts])
        encoded = clip.encode_texts([CLIPSCORE_PROMPT + text for text in texts])
        fit = clip_score(pictures.base, encoded)
        bare = cosines(pictures.base, clip.encode_texts(texts))
        found = {
            "CLIPScore": fit.numpy(),
            "RefCLIPScore": ref_clip_score(fit, encoded, prompted, torch.from_numpy(owners)).numpy(),
            "RefCompare (own)": share_of_own_references(bare, by_picture),
            "RefCompare (all)": share_of_all_references(bare, by_picture),
        }
        if tuned is not None and pictures.tuned is not None:
            found["description score"] = clip_score(pictures.tuned, tuned.encode_texts(clip.tokenize(texts))).numpy()
        out[name] = {m: np.where(said, found[m], 0.0) for m in CLIP_METRICS if m in found}
    return out


def robustness_of(
    sets: CaptionSets, pictures: Pictures, clip: Clip, tuned: DescriptionClip | None, texts: int, seed: int
) -> pd.DataFrame:
    """Whether the scores without references fall when good texts are made worse, on these very pictures.

    The good texts are the first references of some pictures.

    Args:
        sets: The captions with their references.
        pictures: From :func:`read_features`.
        clip: The pretrained model.
        tuned: The fine-tuned model, if there is one.
        texts: How many texts are made worse.
        seed: Of the choice and of the changes.

    Returns:
        As :func:`altlib.evaluation.robustness.robustness`; empty for fewer than two pictures.
    """
    chosen = random_rows(len(pictures.rows), texts, seed)
    if len(chosen) < 2:
        return pd.DataFrame()
    place = {str(number): number for number in chosen}  # a picture is known by its row of the features
    examples = [Example(JudgedText(sets.references[pictures.rows[n]][0], image=str(n))) for n in chosen]

    def score(judged: Sequence[JudgedText]) -> np.ndarray:
        encoded = clip.encode_texts([CLIPSCORE_PROMPT + t.text for t in judged])
        return clip_score(pictures.base[[place[t.image] for t in judged]], encoded).numpy()

    def description_score(judged: Sequence[JudgedText]) -> np.ndarray:
        assert tuned is not None and pictures.tuned is not None
        encoded = tuned.encode_texts(clip.tokenize([t.text for t in judged]))
        return clip_score(pictures.tuned[[place[t.image] for t in judged]], encoded).numpy()

    scorers: dict[str, Scorer] = {"CLIPScore": score}
    if tuned is not None:
        scorers["description score"] = description_score
    found = robustness(scorers, examples, seed)
    return found[found["texts"] > 0].reset_index(drop=True)


def evaluate_captions(
    sets: CaptionSets,
    clip: Clip | None = None,
    tuned: DescriptionClip | None = None,
    seed: int = 0,
    robustness_texts: int = 200,
) -> Evaluation:
    """Score the captions of one file or several.

    Args:
        sets: The captions.
        clip: The model of the scores that look at pictures; without one they are left out.
        tuned: A model tuned from it that prefers descriptions; without one its score is left out.
        seed: Of the bootstrap, and of the robustness checks.
        robustness_texts: How many texts are made worse for them.
    """
    scores = score_systems(sets.captions, sets.references, seed, COCO_METRICS)
    pictures, robust = None, pd.DataFrame()
    if clip is not None and any(sets.images):
        pictures = read_features(sets.images, clip, tuned)
        if len(pictures.rows):
            for name, metrics in clip_metrics(sets, pictures, clip, tuned).items():
                scores[name] |= {metric: mean_of_pictures(each, seed) for metric, each in metrics.items()}
            robust = robustness_of(sets, pictures, clip, tuned, robustness_texts, seed)
    return Evaluation(
        scores,
        {name: mean_words(texts) for name, texts in sets.captions.items()},
        mean_words([text for several in sets.references for text in several]),
        {name: sum(not text.strip() for text in texts) for name, texts in sets.captions.items()},
        pictures,
        robust,
    )


def paired_differences(scores: Mapping[str, Scores]) -> list[Difference]:
    """Paired tests of every metric between all pairs of files, with Holm's correction within a metric.

    Args:
        scores: Name of each file -> metric -> its score, all on the same pictures.
    """
    found = []
    pairs = list(combinations(scores, 2))
    for metric in next(iter(scores.values())):
        estimates = [scores[first][metric] - scores[second][metric] for first, second in pairs]
        corrected = holm([estimate.p for estimate in estimates])
        found += [
            Difference(metric, first, second, estimate, p)
            for (first, second), estimate, p in zip(pairs, estimates, corrected, strict=True)
        ]
    return found
