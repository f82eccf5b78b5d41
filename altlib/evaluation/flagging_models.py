"""The models of a run as judges of alt text, calibrated on the run's own validation texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from altlib.data.described import sample_rows
from altlib.data.posts import read_corpus
from altlib.evaluation.clip_scores import tuned_scores
from altlib.evaluation.flagging import (
    DESCRIPTION,
    LIFT,
    LIKELIHOOD,
    rule_hits,
    rule_p_values,
    signal_p_values,
)
from altlib.evaluation.second_captions import open_tuned, tuned_runs
from altlib.models.captioner import PrefixCaptioner, load_captioner
from altlib.models.clip import Clip, load_clip
from altlib.models.description_clip import DescriptionClip
from altlib.models.features import picture_features

BOTH, TEXT_ONLY = "text-image", "text-only"  # names of the captioners


@torch.inference_mode()
def likelihoods(
    captioner: PrefixCaptioner, features: Tensor, posts: Sequence[str], alt_texts: Sequence[str], batch_size: int = 64
) -> tuple[np.ndarray, np.ndarray]:
    """Log-likelihood per token of alt texts, and their numbers of tokens with the end.

    Args:
        captioner: The captioner.
        features: CLIP features of the pictures, (n, width).
        posts: n posts.
        alt_texts: n alt texts.
        batch_size: Texts at a time.

    Returns:
        Nats per token, (n,), and tokens, (n,).
    """
    examples = [captioner.encode(post, alt) for post, alt in zip(posts, alt_texts, strict=True)]
    tokens = np.array([len(e.alt_text) + 1 for e in examples])
    device = captioner.embedding.weight.device
    total = np.zeros(len(examples))
    order = np.argsort(tokens + np.array([len(e.text) for e in examples]), kind="stable")
    for start in range(0, len(order), batch_size):
        rows = order[start : start + batch_size]
        chosen = torch.from_numpy(rows)
        total[rows] = captioner.log_likelihoods(features[chosen].to(device), [examples[i] for i in rows]).cpu().numpy()
    return total / tokens, tokens


@dataclass(frozen=True)
class RunModels:
    """What of a run judges alt text.

    Attributes:
        clip: The picture encoder of its captioners.
        both: The captioner that sees picture and post.
        text_only: The captioner that sees the post alone; None if the run has none.
        tuned: The CLIP that prefers descriptions, after its base model; None if the run has none.
        cache: Folder of picture features.
    """

    clip: Clip
    both: PrefixCaptioner
    text_only: PrefixCaptioner | None
    tuned: tuple[Clip, DescriptionClip] | None
    cache: Path | None

    def signals(self, posts: pd.DataFrame) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """The scores of n alt texts by every signal, each (n,), lower is poorer, and their tokens, (n,).

        Args:
            posts: With the columns image, text and alt_text.
        """
        pictures, texts, alts = (posts[c].tolist() for c in ("image", "text", "alt_text"))
        features = picture_features(pictures, self.clip, self.cache)
        with_picture, tokens = likelihoods(self.both, features, texts, alts)
        scores = {LIKELIHOOD: with_picture}
        if self.text_only is not None:
            scores[LIFT] = with_picture - likelihoods(self.text_only, features, texts, alts)[0]
        if self.tuned is not None:
            base, tuned = self.tuned
            scores[DESCRIPTION] = tuned_scores(tuned, base, pictures, alts, self.cache).numpy()
        return scores, tokens


def run_models(run: Path, device: str = "cpu") -> RunModels:
    """The models of a run.

    Raises:
        BackboneError: The run has no trained captioner.
    """
    both = load_captioner(run / "captioners" / BOTH, device)
    clip = load_clip(both.config.clip_name, both.config.clip_pretrained, device)
    has_text_only = (run / "captioners" / TEXT_ONLY / "captioner.json").is_file()
    text_only = load_captioner(run / "captioners" / TEXT_ONLY, device) if has_text_only else None
    return RunModels(clip, both, text_only, open_tuned(run) if tuned_runs(run) else None, run / "features")


@dataclass(frozen=True)
class Flagger:
    """Judges alt text by rules and by a run's models, calibrated on validation texts.

    Attributes:
        models: Of the run.
        good: Signals of the validation texts.
        good_tokens: Their tokens.
        good_hits: Which rules they break.
    """

    models: RunModels
    good: dict[str, np.ndarray]
    good_tokens: np.ndarray
    good_hits: pd.DataFrame

    def p_values(self, posts: pd.DataFrame) -> pd.DataFrame:
        """One column per rule and signal, n rows; see :mod:`altlib.evaluation.flagging`.

        Args:
            posts: With the columns image, text and alt_text; every picture can be read.
        """
        scores, tokens = self.models.signals(posts)
        rules = rule_p_values(rule_hits(posts["alt_text"].tolist(), posts["text"].tolist()), self.good_hits)
        return pd.concat([rules, signal_p_values(scores, self.good, tokens, self.good_tokens)], axis=1)


def calibrated(models: RunModels, validation: pd.DataFrame) -> Flagger:
    """A flagger that takes some texts as the measure of what is usual.

    Args:
        models: Of a run.
        validation: Posts with the columns image, text and alt_text.
    """
    good, tokens = models.signals(validation)
    return Flagger(models, good, tokens, rule_hits(validation["alt_text"].tolist(), validation["text"].tolist()))


def run_flagger(run: Path, pictures: int = 500, seed: int = 0, device: str = "cpu") -> Flagger:
    """The flagger of a run, calibrated on its validation split.

    Args:
        run: The run's folder.
        pictures: At most so many validation pictures are used.
        seed: Of their sample.
        device: Where the models compute.
    """
    return calibrated(run_models(run, device), sample_rows(read_corpus(run / "corpus"), "val", pictures, seed))
