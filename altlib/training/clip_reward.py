"""Self-supervised training of a captioner by a reward of what it writes (self-supervised captioning paper, section 2.2).

After a supervised stage on labelled pictures, each step samples captions for pictures whose texts it is not given,
sends them through CLIP's text encoder, and minimises minus the reward. The gradient comes in one of two ways.
With Gumbel-softmax (:mod:`altlib.generation.gumbel`), as in the paper, it flows from CLIP through the choice of
each word. With REINFORCE nothing flows through the choice: several captions of each picture are drawn, and those
whose reward is above the mean of the picture's others become likelier (Kool et al. 2019). A term that holds the
captioner to the language of its supervised start may be added; in the paper there is none. What is kept is the
last state.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from altlib.core.cache_keys import Key
from altlib.core.code_imports import code_fingerprint
from altlib.generation.decoding import Decoding, best_texts, decode, prompt_batch
from altlib.generation.gumbel import RelaxedCaptions, sample_relaxed
from altlib.generation.sampling import caption_log_likelihoods, sample_tokens
from altlib.models.captioner import Example, PrefixCaptioner
from altlib.models.policy import silence_dropout
from altlib.training.loop import Interval, Plan, TrainingRecord, finished, fit
from altlib.training.rewards import Reward

CODE = code_fingerprint("training.clip_reward")
GRADIENTS = ("gumbel", "reinforce")


@dataclass(frozen=True)
class RewardSettings:
    """How a captioner learns from a reward.

    Attributes:
        epochs: Passes over the pictures that captions are written for.
        steps: Updates at most, however many pictures there are; 0 is all of the epochs.
        batch_size: Pictures per update.
        learning_rate: Of Adam.
        schedule: constant, linear or cosine.
        gradient: Of :data:`GRADIENTS`: gumbel, the paper's, or reinforce.
        samples: Captions of each picture in an update with reinforce, two or more.
        first_temperature: Of Gumbel-softmax in the first update.
        last_temperature: In the last one; between them it falls by equal factors.
        straight_through: Whether the reward reads the sampled text itself, rather than mixtures of tokens.
        max_tokens: Of the longest caption.
        fluency: Weight of the divergence (nats per token) from the supervised start; 0 is off, as in the paper.
        evaluations: How often captions are written for the validation pictures, besides once before the first update.
        gradient_clip: Largest norm of the gradient.
        seed: Of the order of pictures and of the noise.

    Raises:
        ValueError: A value is impossible.
    """

    epochs: int = 10
    steps: int = 0
    batch_size: int = 64
    learning_rate: float = 1e-5
    schedule: str = "constant"
    gradient: str = "gumbel"
    samples: int = 4
    first_temperature: float = 1.0
    last_temperature: float = 0.5
    straight_through: bool = True
    max_tokens: int = 30
    fluency: float = 0.0
    evaluations: int = 5
    gradient_clip: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.gradient not in GRADIENTS:
            raise ValueError(f"unknown gradient of the reward {self.gradient!r}; known: {', '.join(GRADIENTS)}")
        if self.samples < 2:
            raise ValueError(
                f"reinforce compares a caption with the others of its picture, so samples must be 2 or more, not {self.samples}"
            )

    def temperature(self, done: float) -> float:
        """The temperature after a share of all updates."""
        return self.first_temperature * (self.last_temperature / self.first_temperature) ** done


@dataclass(frozen=True)
class Pictures:
    """Pictures with their posts, without any alt text.

    Attributes:
        features: CLIP features, (n, d_clip).
        posts: n posts; ignored by a captioner that reads none.
    """

    features: Tensor
    posts: Sequence[str]

    def __len__(self) -> int:
        return len(self.posts)


def start_logits(start: PrefixCaptioner, features: Tensor, examples: list[Example], tokens: Tensor) -> Tensor:
    """What a captioner would have said at each place of given captions, (B, T, V)."""
    prompts, mask = prompt_batch(start, features, examples)
    embedded = torch.cat([prompts, start.embedding(tokens[:, :-1])], 1)
    mask = torch.cat([mask, mask.new_ones(tokens[:, :-1].shape)], 1)
    model: Any = start.language_model
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    hidden = model.base_model(inputs_embeds=embedded, attention_mask=mask, position_ids=positions, use_cache=False)[0]
    return model.get_output_embeddings()(hidden[:, -tokens.shape[1] :]).float()


def divergence(captions: RelaxedCaptions, before: Tensor) -> Tensor:
    """KL from the supervised start's next-token distributions, mean over the captions' tokens, () in nats."""
    own, other = captions.logits.log_softmax(-1), before.log_softmax(-1)
    each = (own.exp() * (own - other)).sum(-1)  # (B, T)
    return each[captions.counted].mean()


def above_the_others(rewards: Tensor) -> Tensor:
    """How far each caption's reward is above the mean of its picture's other captions, (B, K) -> (B, K)."""
    samples = rewards.shape[1]
    return (rewards - rewards.mean(1, keepdim=True)) * samples / (samples - 1)


class RewardLearner:
    """A captioner for the training loop.

    Args:
        captioner: What learns.
        reward: What it learns from.
        unlabelled: The pictures that it writes for, without their alt texts, whether there are any or not.
        validation: The pictures whose captions are kept with each evaluation.
        settings: How.
        name: Of the run.
    """

    def __init__(
        self,
        captioner: PrefixCaptioner,
        reward: Reward,
        unlabelled: Pictures,
        validation: Pictures,
        settings: RewardSettings,
        name: str,
    ):
        self.name, self.module = f"reward {name}", captioner
        self.reward, self.unlabelled, self.validation, self.settings = reward, unlabelled, validation, settings
        self.examples = [captioner.encode(post) for post in unlabelled.posts]
        self.start = copy.deepcopy(captioner).requires_grad_(False).eval() if settings.fluency else None
        self.device = captioner.embedding.weight.device
        self.facts = {"precision": "float32", "device": self.device.type}

    @property
    def steps_an_epoch(self) -> int:
        """Updates of one pass over the pictures."""
        return math.ceil(len(self.unlabelled) / self.settings.batch_size)

    def plan(self) -> Plan:
        """How long it learns, with evaluations at equal distances."""
        settings = self.settings
        whole = settings.epochs * self.steps_an_epoch
        steps = min(whole, settings.steps or whole)
        points = frozenset(round(i * steps / settings.evaluations) for i in range(settings.evaluations + 1))
        return Plan(steps, points, schedule=settings.schedule, gradient_clip=settings.gradient_clip)

    def batches(self, start: int) -> Iterator[tuple[int, list[int]]]:
        """The step and its rows of the pictures, for each update after the first ``start``."""
        for step in count(start):
            epoch, place = divmod(step, self.steps_an_epoch)
            order = np.random.default_rng((self.settings.seed, epoch)).permutation(len(self.unlabelled))
            size = self.settings.batch_size
            yield step, order[place * size : (place + 1) * size].tolist()

    def backward(self, batch: tuple[int, list[int]]) -> tuple[float, float]:
        """Gradients of minus the mean reward, and of the fluency term; the summed loss and the number of pictures."""
        step, rows = batch
        features = self.unlabelled.features[rows].to(self.device)
        examples = [self.examples[row] for row in rows]
        if self.settings.gradient == "gumbel":
            loss = self.gumbel_loss(features, examples, step)
            loss.backward()
        else:
            surrogate, loss = self.reinforce_loss(features, examples)
            surrogate.backward()
        return loss.item() * len(rows), float(len(rows))

    def gumbel_loss(self, features: Tensor, examples: list[Example], step: int) -> Tensor:
        """Minus the mean reward of one caption of each picture, with the fluency term; its gradient is that of training."""
        settings = self.settings
        temperature = settings.temperature(step / max(1, self.plan().steps - 1))
        captions = sample_relaxed(
            self.module, features, examples, temperature, settings.max_tokens, settings.straight_through
        )
        images = F.normalize(features, dim=-1)
        loss = -self.reward(captions.tokens, captions.relaxed, images, settings.straight_through).mean()
        if self.start is not None:
            with torch.no_grad():
                before = start_logits(self.start, features, examples, captions.tokens)
            loss = loss + settings.fluency * divergence(captions, before)
        return loss

    def reinforce_loss(self, features: Tensor, examples: list[Example]) -> tuple[Tensor, Tensor]:
        """What has the gradient of the loss, and the loss itself: minus the mean reward, with the fluency term."""
        settings = self.settings
        tokens = sample_tokens(self.module, features, examples, settings.samples, settings.max_tokens)
        each = features.repeat_interleave(settings.samples, 0)  # (B * K, d_clip)
        posts = [example for example in examples for _ in range(settings.samples)]
        said, lengths = caption_log_likelihoods(self.module, each, posts, tokens)
        rewards = self.reward.of_texts(self.reward.bridge.texts(tokens), F.normalize(each, dim=-1))
        if self.start is not None:
            with torch.no_grad():
                before, _ = caption_log_likelihoods(self.start, each, posts, tokens)
            rewards = rewards - settings.fluency * (said.detach() - before) / lengths
        advantages = above_the_others(rewards.view(-1, settings.samples)).flatten()
        return -(advantages * said).mean(), -rewards.mean()

    def evaluate(self, step: int, interval: Interval, curve: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """The row of an evaluation: step, epoch, loss, seconds, and the greedy captions of the validation pictures."""
        search = Decoding(beams=1, block_trigrams=False, max_tokens=self.settings.max_tokens)
        found = decode(self.module, self.validation.features, list(self.validation.posts), search, name=self.name)
        return {
            "step": step,
            "epoch": step / self.steps_an_epoch,
            "loss": interval.mean,
            "seconds": interval.seconds,
            "texts": best_texts(found),
        }

    def score(self, row: dict[str, Any]) -> float:
        """The step: the last state is the one that is kept."""
        return float(row["step"])

    def save(self, folder: Path, row: dict[str, Any]) -> None:
        """Write the captioner."""
        self.module.save(folder)


def reward_key(
    captioner: PrefixCaptioner, reward: Reward, unlabelled: Pictures, validation: Pictures, settings: RewardSettings
) -> str:
    """The key of everything that a run follows from."""
    key = Key(CODE, config=captioner.config, weights=captioner, settings=settings, reward=reward.name)
    key.add(references=reward.references, width=reward.width, places=reward.bridge.places)
    key.add(text_encoder=reward.bridge.tower.text, device=captioner.embedding.weight.device.type)
    for name, pictures in (("unlabelled", unlabelled), ("validation", validation)):
        posts = [captioner.encode(post) for post in pictures.posts]  # as tokens, since the tokenizer chooses them
        key.add(**{f"{name}_features": pictures.features, f"{name}_posts": posts})
    return str(key)


def train_on_reward(
    captioner: PrefixCaptioner,
    reward: Reward,
    unlabelled: Pictures,
    validation: Pictures,
    settings: RewardSettings,
    folder: Path,
    name: str,
) -> TrainingRecord:
    """Train a captioner on a reward; what learns is what its configuration says, the mapping network or all.

    A killed run goes on exactly where it was. A finished one is found by its key; the captioner is then
    left as it was given, and the caller reads the finished one from ``folder``.

    Args:
        captioner: What learns, after its supervised stage.
        reward: What it learns from.
        unlabelled: Pictures that it writes for, without their alt texts, whether there are any or not.
        validation: Pictures whose captions are kept with each evaluation.
        settings: How.
        folder: Where the captioner and its record are written.
        name: Of the run.

    Returns:
        The record; its rows are those of :meth:`RewardLearner.evaluate`, where loss is the mean since the row before.

    Raises:
        ValueError: There is no picture, the captioner does not see pictures, or the loss is no longer finite.
    """
    if not len(unlabelled) or not len(validation):
        raise ValueError(
            f"{name}: {len(unlabelled)} unlabelled and {len(validation)} validation pictures; both are needed"
        )
    if not captioner.config.uses_image:
        raise ValueError(f"{name}: a captioner that does not see the picture cannot learn to fit it")
    silence_dropout(captioner)
    key = reward_key(captioner, reward, unlabelled, validation, settings)
    if record := finished(folder, key):
        return record
    torch.manual_seed(settings.seed)
    learner = RewardLearner(captioner, reward, unlabelled, validation, settings, name)
    learning = [p for p in captioner.parameters() if p.requires_grad]
    return fit(learner, torch.optim.Adam(learning, lr=settings.learning_rate), learner.plan(), folder, key)
