"""Chapter 08's study: supervised fine-tuning, DPO and MCM-DPO in the four paradigms, several seeds, and ablations."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path

import pandas as pd
from torch import Tensor

from altlib.core.parallel import side_by_side
from altlib.data.comparisons import DPO_WEIGHTS, used_comparisons
from altlib.data.preferences import Pairs, ranked_pairs
from altlib.evaluation.attention_to_inputs import SwappedInputs, captioner_attention
from altlib.generation.decoding import Decoding, best_texts, decode_once
from altlib.generation.reranking import rouge_similarity
from altlib.models.captioner import load_captioner
from altlib.models.captioner_policy import CaptionerPolicy, load_captioner_policy
from altlib.models.clip import Clip
from altlib.models.features import picture_features
from altlib.models.policy import NegativeSettings
from altlib.training.loop import TrainingRecord
from altlib.training.paradigms import Paradigm
from altlib.training.preference import PreferenceSettings, train_policy
from altlib.training.preference_losses import PreferenceLoss

SFT, MORE_SFT, DPO, MCM_DPO = "SFT", "SFT, continued", "DPO", "MCM-DPO"
OBJECTIVES = (SFT, MORE_SFT, DPO, MCM_DPO)


@dataclass(frozen=True)
class PreferencePlan:
    """One run of the study.

    Attributes:
        objective: One of :data:`OBJECTIVES`, or an ablation of MCM-DPO.
        paradigm: Which stages the vision encoder learns in.
        seed: Of both stages.
        loss: Of the preference stage; None for supervised fine-tuning.
    """

    objective: str
    paradigm: Paradigm
    seed: int
    loss: PreferenceLoss | None

    @property
    def name(self) -> str:
        """Of the run's folder."""
        objective = re.sub(r"[^a-z0-9]+", "-", self.objective.lower())
        return f"{objective}-{self.paradigm.name}-{self.seed}"

    @property
    def system(self) -> str:
        """Of its row in tables, whatever the seed."""
        return f"{self.objective}, {self.paradigm.name}"


def study_plans(
    loss: PreferenceLoss, paradigms: Sequence[Paradigm], seeds: Sequence[int], other_seeds: int
) -> list[PreferencePlan]:
    """Every objective in every paradigm; continued supervised fine-tuning in the first one alone.

    Args:
        loss: MCM-DPO's; DPO has the same but for its weights.
        paradigms: At least one.
        seeds: Of the first paradigm.
        other_seeds: How many of them the other paradigms have.
    """
    plans = []
    for number, paradigm in enumerate(paradigms):
        objectives = {
            SFT: None,
            **({MORE_SFT: None} if number == 0 else {}),
            DPO: replace(loss, weights=DPO_WEIGHTS, anchor=0.0),
            MCM_DPO: loss,
        }
        chosen = seeds if number == 0 else seeds[:other_seeds]
        plans += [PreferencePlan(name, paradigm, seed, own) for name, own in objectives.items() for seed in chosen]
    return plans


def cost(plan: PreferencePlan) -> tuple[bool, int]:
    """What orders runs by how long they take: whether the vision encoder learns, and the number of comparisons."""
    return plan.paradigm.in_preference, len(used_comparisons(plan.loss.weights)) if plan.loss else 0


def ablation_plans(loss: PreferenceLoss, paradigm: Paradigm, seed: int) -> list[PreferencePlan]:
    """MCM-DPO without each of its comparisons, and with mDPO's anchor if it has none."""
    used = used_comparisons(loss.weights)
    plans = []
    for name in used if len(used) > 1 else ():
        weights = {other: weight for other, weight in loss.weights.items() if other != name}
        plans.append(PreferencePlan(f"{MCM_DPO} without {name}", paradigm, seed, replace(loss, weights=weights)))
    if not loss.anchor:
        plans.append(PreferencePlan(f"{MCM_DPO} with the anchor", paradigm, seed, replace(loss, anchor=1.0)))
    return plans


def sampled_pairs(run: Path, clip: Clip, posts: pd.DataFrame, device: str) -> Pairs:
    """Pairs from the texts that chapter 02's captioner writes, ranked by ROUGE-L with the published alt text.

    Args:
        run: The run's folder.
        clip: The encoder of its pictures.
        posts: Posts with the columns item_id, image, text, alt_text and split.
        device: Where it writes.
    """
    captioner = load_captioner(run / "captioners" / "text-image", device)
    features = picture_features(posts["image"].tolist(), clip, run / "features")
    search = Decoding(beams=5, max_tokens=60)
    found = decode_once(captioner, features, posts["text"].tolist(), search, run / "preference" / "samples")
    texts = [[candidate.text for candidate in candidates] for candidates in found]
    return ranked_pairs(posts, texts, rouge_similarity(posts["alt_text"].tolist()))


@dataclass
class PreferenceStudy:
    """What the runs learn from, and where they are kept.

    Attributes:
        run: The run's folder, in which chapter 02's captioner is.
        clip: The encoder of its pictures.
        pairs: Preference pairs by split, train and val.
        negatives: How worse pictures and posts are made.
        supervised: How the supervised stage learns; its loss is None.
        preference: How the preference stage learns; each plan brings its loss.
        device: Where models learn.
        captioner: The captioner of the run that the supervised stage starts from.
    """

    run: Path
    clip: Clip
    pairs: Mapping[str, pd.DataFrame]
    negatives: NegativeSettings
    supervised: PreferenceSettings
    preference: PreferenceSettings
    device: str
    captioner: str = "text-image"

    @cached_property
    def cache(self) -> Path:
        """Folder of picture features."""
        return self.run / "features"

    def load(self, folder: Path, trains_vision: bool = False) -> CaptionerPolicy:
        """The policy in a folder."""
        return load_captioner_policy(folder, self.clip, trains_vision, self.device, self.cache)

    def supervised_folder(self, in_sft: bool, seed: int) -> Path:
        """Where the supervised stage is kept, which paradigms with the same first stage share."""
        return self.run / "preference" / f"sft-{'vision-trained' if in_sft else 'vision-frozen'}-{seed}"

    def folder(self, plan: PreferencePlan) -> Path:
        """Where a plan's policy is kept."""
        if plan.objective == SFT:
            return self.supervised_folder(plan.paradigm.in_sft, plan.seed)
        return self.run / "preference" / plan.name

    def train_supervised(self, in_sft: bool, seed: int) -> TrainingRecord:
        """The supervised stage, made or read back."""
        policy = self.load(self.run / "captioners" / self.captioner, trains_vision=in_sft)
        folder = self.supervised_folder(in_sft, seed)
        settings = replace(self.supervised, seed=seed)
        return train_policy(
            policy, self.pairs["train"], self.pairs["val"], self.negatives, settings, folder, folder.name
        )

    def train(self, plan: PreferencePlan) -> TrainingRecord:
        """A run, made or read back, after its supervised stage."""
        first = self.train_supervised(plan.paradigm.in_sft, plan.seed)
        if plan.objective == SFT:
            return first
        start = self.supervised_folder(plan.paradigm.in_sft, plan.seed)
        policy = self.load(start, trains_vision=plan.paradigm.in_preference)
        settings = replace(self.preference, seed=plan.seed, loss=plan.loss)
        return train_policy(
            policy,
            self.pairs["train"],
            self.pairs["val"],
            self.negatives,
            settings,
            self.folder(plan),
            plan.name,
            reference=self.load(start),
        )

    def train_all(self, plans: Sequence[PreferencePlan]) -> dict[str, pd.DataFrame]:
        """All runs, side by side on the processor, supervised stages first; their curves by name."""
        stages = dict.fromkeys((plan.paradigm.in_sft, plan.seed) for plan in plans)
        if self.device == "cpu":
            jobs = {f"SFT {i}": partial(self.train_supervised, *stage) for i, stage in enumerate(stages)}
            side_by_side(jobs, "supervised stages")
            # The longest first, so that no core waits for another at the end.
            later = sorted((p for p in plans if p.objective != SFT), key=cost, reverse=True)
            side_by_side({p.name: partial(self.train, p) for p in later}, "preference stages")
        return {plan.name: self.train(plan).frame() for plan in plans}

    def features(self, policy: CaptionerPolicy, images: list[str]) -> Tensor:
        """Features of pictures by the policy's own encoder, (n, width)."""
        if policy.vision is None:
            return picture_features(images, self.clip, self.cache)
        return policy.picture_features(images)

    def captions(self, plan: PreferencePlan, posts: pd.DataFrame, decoding: Decoding) -> list[str]:
        """What a run writes for posts (columns image and text), kept in the run's folder."""
        policy = self.load(self.folder(plan))
        features = self.features(policy, posts["image"].tolist())
        kept = self.run / "preference" / "captions"
        return best_texts(decode_once(policy.captioner, features, posts["text"].tolist(), decoding, kept, plan.name))

    def all_captions(
        self, plans: Sequence[PreferencePlan], posts: pd.DataFrame, decoding: Decoding
    ) -> dict[str, list[str]]:
        """:meth:`captions` of every run by name, side by side on the processor."""
        if self.device == "cpu":
            side_by_side({plan.name: partial(self.captions, plan, posts, decoding) for plan in plans}, "captions")
        return {plan.name: self.captions(plan, posts, decoding) for plan in plans}

    def attention(self, plan: PreferencePlan, posts: pd.DataFrame, seed: int) -> SwappedInputs:
        """Whether a run looks at the pictures and reads the posts (columns image, text and alt_text)."""
        policy = self.load(self.folder(plan))
        features = self.features(policy, posts["image"].tolist())
        return captioner_attention(policy.captioner, features, posts["text"].tolist(), posts["alt_text"].tolist(), seed)
