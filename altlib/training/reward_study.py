"""Chapter 09's study: a supervised stage, then a reward; variants, numbers of labels, rewards, ablations."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from altlib.core.files import read_json
from altlib.core.parallel import side_by_side
from altlib.evaluation.refcompare import cosines
from altlib.generation.decoding import Decoding, best_texts, decode_once
from altlib.generation.sampling import sample_tokens
from altlib.models.captioner import CaptionerConfig, PrefixCaptioner, build_captioner, load_captioner
from altlib.models.clip import Clip
from altlib.models.clipcap import start_from_clipcap
from altlib.models.description_clip import DescriptionClip, load_tuned, settings_of
from altlib.models.features import picture_features
from altlib.models.vocabulary_bridge import VocabularyBridge
from altlib.training.captions import TrainingSettings, train
from altlib.training.clip_reward import GRADIENTS, Pictures, RewardSettings, train_on_reward
from altlib.training.examples import encode_posts
from altlib.training.rewards import REWARDS, Reward

NO_REWARD = "none"
CHAPTER_02 = "chapter-02"  # the supervised stage that chapter 02 made: its fine-tuned ClipCap


@dataclass(frozen=True)
class RewardPlan:
    """One run of the study.

    Attributes:
        mapper: Mapping network, mlp or transformer.
        trains_lm: Whether the language model learns, too.
        labelled: Pictures with alt text in the supervised stage; 0 is a run without this stage.
        reward: One of :data:`altlib.training.rewards.REWARDS`, or none: the supervised stage alone.
        gradient: Of the reward, one of :data:`altlib.training.clip_reward.GRADIENTS`.
        fluency: Weight of the fluency term.
        length: How many times as many updates of the reward stage as the settings say.
        seed: Of both stages.
    """

    mapper: str
    trains_lm: bool
    labelled: int
    reward: str = "clip"
    gradient: str = "gumbel"
    fluency: float = 0.0
    length: int = 1
    seed: int = 0

    @property
    def variant(self) -> str:
        """The paper's name for it."""
        name = {"mlp": "MLP", "transformer": "Transformer"}[self.mapper]
        return f"{name} + LM tuning" if self.trains_lm else name

    @property
    def name(self) -> str:
        """Of the run's folder."""
        language = "tuned" if self.trains_lm else "frozen"
        fluency = f"-fluency-{self.fluency:g}" if self.fluency else ""
        reward = self.reward if self.reward == NO_REWARD else f"{self.reward}-{self.gradient}"
        length = f"-times-{self.length}" if self.length > 1 else ""
        return f"{self.mapper}-{language}-{self.labelled}-{reward}{fluency}{length}-{self.seed}"

    @property
    def supervised(self) -> RewardPlan:
        """Its supervised stage."""
        return replace(self, reward=NO_REWARD, gradient=GRADIENTS[0], fluency=0.0, length=1)


def reward_plans(
    usual: RewardPlan,
    labels: Sequence[int],
    rewards: Sequence[str],
    fluency: float,
    seeds: int = 1,
    longest: int = 1,
) -> dict[str, list[RewardPlan]]:
    """The runs of the study by what they are for; the usual one is in all of them.

    Args:
        usual: The run of which the others are changes.
        labels: Numbers of labelled pictures.
        rewards: Of :data:`altlib.training.rewards.REWARDS`.
        fluency: Weight of the fluency term in the run that has one; 0 makes none.
        seeds: Of the usual run.
        longest: How many times as long the longest run learns from the reward; 1 makes none.
    """
    variants = [(mapper, tuned) for tuned in (False, True) for mapper in ("mlp", "transformer")]
    return {
        "variants": [replace(usual, mapper=mapper, trains_lm=tuned) for mapper, tuned in variants],
        "labels": [replace(usual, labelled=n) for n in sorted({*labels, usual.labelled})],
        "rewards": [replace(usual, reward=reward) for reward in dict.fromkeys([usual.reward, *rewards])],
        "guards": [usual, *([replace(usual, fluency=fluency)] if fluency else [])],
        "stages": [usual, replace(usual, labelled=0)],
        "gradients": [usual, *(replace(usual, gradient=other) for other in GRADIENTS if other != usual.gradient)],
        "lengths": [usual, *([replace(usual, length=longest)] if longest > 1 else [])],
        "seeds": [replace(usual, seed=usual.seed + number) for number in range(seeds)],
    }


@dataclass
class RewardStudy:
    """What the runs learn from, and where they are kept.

    Attributes:
        run: The run's folder.
        clip: The encoder of the pictures, whose text encoder rewards.
        config: The captioner of which the plans are changes; it sees the picture alone.
        posts: Posts by split: train, val and test, with image, text and alt_text. The reward stage writes for
            all pictures of train and is not given their alt texts.
        training: How the supervised stage learns; its epochs follow from ``supervised_steps``.
        supervised_steps: Updates of the supervised stage at most, however many labels there are.
        settings: How the reward stage learns.
        device: Where models learn.
        starts_from: What MLPs start from: nothing; clipcap (the miniature one, which has seen pictures with
            captions); or :data:`CHAPTER_02`, where a captioner whose language model learns, too, has its
            supervised stage from chapter 02, if that is on all alt texts, and the others start from clipcap.
            A run without labels starts from a new mapping network in any case, as it is to show what the
            reward teaches a captioner that has seen no picture with a text.
    """

    run: Path
    clip: Clip
    config: CaptionerConfig
    posts: Mapping[str, pd.DataFrame]
    training: TrainingSettings
    supervised_steps: int
    settings: RewardSettings
    device: str
    starts_from: str = "nothing"

    @cached_property
    def features(self) -> dict[str, Tensor]:
        """Picture features by split, (n, width)."""
        cache = self.run / "features"
        return {name: picture_features(rows["image"].tolist(), self.clip, cache) for name, rows in self.posts.items()}

    @cached_property
    def description_clip(self) -> DescriptionClip:
        """Chapter 06's CLIP that prefers descriptions: its first behavioural model with LoRA, else its first.

        Raises:
            ValueError: It was tuned from another CLIP, or its vision encoder learned, too.
        """
        folders = [
            self.run / "tuned-clip" / name for name in read_json(self.run / "tuned-clip" / "models.json")["models"]
        ]
        usual = [f for f in folders if (how := settings_of(f)).objective == "behavioural" and how.tuning == "lora"]
        tuned, _ = load_tuned([*usual, *folders][0], self.clip)
        if tuned.settings.towers != "text":
            raise ValueError(
                "the reward needs a CLIP whose text encoder alone was tuned; set towers=text in chapter 06"
            )
        return tuned

    def comes_from_chapter_02(self, plan: RewardPlan) -> bool:
        """Whether a plan is a supervised stage that chapter 02 made."""
        everything = plan.labelled == len(self.posts["train"]) and plan == plan.supervised
        return self.starts_from == CHAPTER_02 and plan.trains_lm and plan.mapper == self.config.mapper and everything

    def folder(self, plan: RewardPlan) -> Path:
        """Where a run is kept."""
        return clipcap_of(self.run) if self.comes_from_chapter_02(plan) else self.run / "reward" / plan.name

    def untrained(self, plan: RewardPlan) -> PrefixCaptioner:
        """A captioner before its supervised stage, or before its reward if it has no such stage."""
        config = replace(self.config, mapper=plan.mapper, trains_lm=plan.trains_lm)
        captioner = build_captioner(config, plan.seed, self.device)
        if self.starts_from != "nothing" and plan.mapper == "mlp" and plan.labelled:
            start_from_clipcap(captioner, "miniature", language_model=False)
        return captioner

    def train_supervised(self, plan: RewardPlan) -> PrefixCaptioner:
        """A captioner after its supervised stage, made or read back; as it was built if the plan has none."""
        if self.comes_from_chapter_02(plan.supervised):
            return self.captioner(plan.supervised)
        captioner = self.untrained(plan)
        if not plan.labelled:
            return captioner
        posts, features = self.posts, self.features
        order = np.random.default_rng(plan.seed).permutation(len(posts["train"]))[: plan.labelled]
        rows = posts["train"].iloc[order]
        data = encode_posts(captioner, features["train"][order], rows["text"].tolist(), rows["alt_text"].tolist())
        watched = encode_posts(
            captioner, features["val"], posts["val"]["text"].tolist(), posts["val"]["alt_text"].tolist()
        )
        updates = math.ceil(len(rows) / self.training.batch_size)
        epochs = math.ceil(self.supervised_steps / updates)
        settings = replace(self.training, epochs=epochs, steps=self.supervised_steps, seed=plan.seed)
        return train(
            captioner, data, watched, settings, self.folder(plan.supervised), plan.supervised.name, self.device
        )[0]

    def bridge(self, captioner: PrefixCaptioner, reward: str) -> VocabularyBridge:
        """From a captioner's tokens into the text encoder of a reward."""
        tower = self.description_clip.tower if reward == "description" else None
        return VocabularyBridge(captioner.tokenizer, self.clip, tower)

    def reward(self, captioner: PrefixCaptioner, plan: RewardPlan) -> Reward:
        """The reward of a plan; RefCompare compares with the alt texts of the labelled pictures."""
        bridge = self.bridge(captioner, plan.reward)
        if plan.reward != "refcompare":
            return Reward(plan.reward, bridge)
        order = np.random.default_rng(plan.seed).permutation(len(self.posts["train"]))[: plan.labelled]
        texts = self.posts["train"]["alt_text"].iloc[order].tolist()
        known = cosines(self.features["train"][order], self.clip.encode_texts(texts))
        return Reward(plan.reward, bridge, torch.from_numpy(known).float())

    def train(self, plan: RewardPlan) -> list[dict[str, Any]]:
        """A run's evaluations, each with the texts of the validation pictures; made or read back."""
        captioner = self.train_supervised(plan)
        pictures = {name: Pictures(self.features[name], self.posts[name]["text"].tolist()) for name in ("train", "val")}
        given = self.settings
        settings = replace(
            given,
            epochs=given.epochs * plan.length,
            steps=given.steps * plan.length,
            gradient=plan.gradient,
            fluency=plan.fluency,
            seed=plan.seed,
        )
        reward = self.reward(captioner, plan)
        record = train_on_reward(
            captioner, reward, pictures["train"], pictures["val"], settings, self.folder(plan), plan.name
        )
        return record.curve

    def train_all(self, plans: Sequence[RewardPlan]) -> dict[str, list[dict[str, Any]]]:
        """All runs, side by side on the processor, supervised stages first; their evaluations by name."""
        distinct = list(dict.fromkeys(plans))
        for needed in ("features", *(["description_clip"] if any(p.reward == "description" for p in plans) else [])):
            getattr(self, needed)  # computed once, before processes are forked
        if self.device == "cpu":
            stages = dict.fromkeys(plan.supervised for plan in distinct)
            side_by_side({p.name: partial(self.train_supervised, p) for p in stages}, "supervised stages")
            # The longest first, so that no core waits for another at the end.
            later = sorted(distinct, key=lambda plan: plan.length, reverse=True)
            side_by_side({p.name: partial(self.train, p) for p in later}, "reward stages")
        return {plan.name: self.train(plan) for plan in distinct}

    def captions(self, plan: RewardPlan, decoding: Decoding) -> list[str]:
        """What a run writes for the test pictures."""
        captioner = self.captioner(plan)
        kept = self.run / "reward" / "captions"
        posts = self.posts["test"]["text"].tolist()
        return best_texts(decode_once(captioner, self.features["test"], posts, decoding, kept, plan.name))

    def all_captions(self, plans: Sequence[RewardPlan], decoding: Decoding) -> dict[str, list[str]]:
        """:meth:`captions` of every run by name, side by side on the processor."""
        if self.device == "cpu":
            side_by_side({plan.name: partial(self.captions, plan, decoding) for plan in plans}, "captions")
        return {plan.name: self.captions(plan, decoding) for plan in plans}

    def best_of(self, plan: RewardPlan, samples: int, max_tokens: int) -> list[str]:
        """Of some captions that a run draws for each test picture, the one that CLIP scores highest."""
        captioner, images = self.captioner(plan), self.features["test"]
        bridge = VocabularyBridge(captioner.tokenizer, self.clip)
        torch.manual_seed(plan.seed)
        examples = [captioner.encode(post) for post in self.posts["test"]["text"]]
        tokens = sample_tokens(captioner, images, examples, samples, max_tokens)
        texts = bridge.texts(tokens)
        scores = cosines(images.repeat_interleave(samples, 0), self.clip.encode_texts(texts)).reshape(-1, samples)
        return [texts[row * samples + best] for row, best in enumerate(scores.argmax(1).tolist())]

    def captioner(self, plan: RewardPlan) -> PrefixCaptioner:
        """The captioner of a finished run."""
        return load_captioner(self.folder(plan), self.device)


def chosen_rewards(names: str) -> list[str]:
    """Rewards that are named between commas.

    Raises:
        ValueError: One is unknown.
    """
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    for name in wanted:
        if name not in REWARDS:
            raise ValueError(f"rewards: {name!r} is none of {', '.join(REWARDS)}")
    return wanted


def clipcap_of(run: Path) -> Path:
    """Where chapter 02 keeps the ClipCap that it fine-tuned on alt text."""
    return run / "captioners" / "clipcap-finetuned"


def chosen_start(starts_from: str, pictures: int, run: Path) -> str:
    """What MLPs start from, checked.

    Args:
        starts_from: As in :class:`RewardStudy`.
        pictures: How many training pictures are used; 0 for all.
        run: The run's folder.

    Raises:
        ValueError: It is :data:`CHAPTER_02`, but only a part of the pictures that chapter 02 learned from is
            used, or chapter 02 made no such captioner.
    """
    if starts_from == CHAPTER_02 and pictures:
        raise ValueError(f"starts_from={CHAPTER_02} goes with pictures=0, as chapter 02 learned from all pictures")
    if starts_from == CHAPTER_02 and not (clipcap_of(run) / "captioner.json").is_file():
        raise ValueError(f"starts_from={CHAPTER_02}, but there is no {clipcap_of(run)}; run chapter 02 first")
    return starts_from


def label_counts(counts: Sequence[int], available: int) -> list[int]:
    """Numbers of labelled pictures that are there; 0 stands for all of them."""
    return sorted({available if not n else min(n, available) for n in counts})
