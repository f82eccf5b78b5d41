"""Fine-tune CLIP to prefer descriptions; the checkpoint is chosen by accuracy and transfer (CLIP paper, appendices B and C)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from altlib.core.cache_keys import Key
from altlib.core.code_imports import code_fingerprint
from altlib.evaluation.transfer import TransferTask
from altlib.models.clip import Clip
from altlib.models.description_clip import DescriptionClip, TuningSettings, load_tuned
from altlib.models.features import read_pictures
from altlib.models.triplets import Triplets
from altlib.training.description_objectives import TripletBatch, objective_loss
from altlib.training.loop import Interval, Plan, finished, fit

CODE = code_fingerprint("training.description_tuning")


@dataclass(frozen=True)
class Measurement:
    """What an evaluation of a model found.

    Attributes:
        accuracy: Share of the pictures whose description outscores the caption.
        transfer: Macro-F1 by transfer task.
    """

    accuracy: float
    transfer: dict[str, float]

    def score(self, before: Measurement) -> float:
        """The transfer score: the mean share of the base model's F1 that is kept (appendix C); NaN without tasks."""
        kept = [self.transfer[task] / before.transfer[task] for task in self.transfer if before.transfer[task] > 0]
        return float(np.mean(kept)) if kept else float("nan")

    def trade_off(self, before: Measurement, weight: float) -> float:
        """``weight`` accuracy + (1 - weight) transfer score; accuracy alone where there is no transfer task."""
        transfer = self.score(before)
        return self.accuracy if np.isnan(transfer) else weight * self.accuracy + (1 - weight) * transfer


def triplet_batches(size: int, settings: TuningSettings, start: int = 0) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rows of pictures and rows of their partners for each update: a function of the seed and the step.

    Pictures come in random order, every one once per pass. The partner of each, whose description
    the intervention uses, is drawn from the whole corpus.

    Args:
        size: Number of pictures.
        settings: The run's.
        start: Number of the first update, from 0.
    """
    for step in range(start, settings.steps):
        first = step * settings.batch_size
        epochs = range(first // size, (first + settings.batch_size - 1) // size + 1)
        order = np.concatenate([np.random.default_rng((settings.seed, e)).permutation(size) for e in epochs])
        begin = first - epochs[0] * size
        partners = np.random.default_rng((settings.seed, step, 1)).integers(0, size, settings.batch_size)
        yield order[begin : begin + settings.batch_size], partners


class DescriptionLearner:
    """A CLIP for the training loop.

    Args:
        tuned: What learns.
        base: What it is tuned from.
        training: What it learns from.
        evaluate: What chooses the checkpoint.
        before: What ``evaluate`` finds of the base model, if that is known already.
    """

    def __init__(
        self,
        tuned: DescriptionClip,
        base: Clip,
        training: Triplets,
        evaluate: Callable[[DescriptionClip], Measurement],
        before: Measurement | None = None,
    ):
        self.name, self.module, self.settings = tuned.settings.name, tuned, tuned.settings
        self.base, self.training, self.measure, self.before = base, training, evaluate, before
        self.device = tuned.model.logit_scale.device
        self.facts = {"precision": "float32", "device": self.device.type}

    def batches(self, start: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """See :func:`triplet_batches`."""
        return triplet_batches(len(self.training), self.settings, start)

    def backward(self, batch: tuple[np.ndarray, np.ndarray]) -> tuple[float, float]:
        """Gradients of the objective; its loss and the weight 1."""
        tuned, settings = self.module, self.settings
        loss = objective_loss(
            settings.objective,
            tuned.tower,
            self.triplets(*batch),
            tuned.scale(),
            tuned.site,
            tuned.subspace,
            settings.alpha,
        )
        loss.backward()
        return loss.item(), 1.0

    def triplets(self, rows: np.ndarray, partners: np.ndarray) -> TripletBatch:
        """The triplets of an update, with the partners whose descriptions the intervention uses."""

        def images(which: np.ndarray) -> Tensor:
            if self.settings.towers == "both":
                return self.module.encode_images(read_pictures([self.training.images[i] for i in which], self.base))
            return self.training.features[which].to(self.device)

        return TripletBatch(
            images(rows),
            self.training.captions[rows].to(self.device),
            self.training.descriptions[rows].to(self.device),
            images(partners),
            self.training.descriptions[partners].to(self.device),
        )

    def evaluate(self, step: int, interval: Interval, curve: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """The row of an evaluation, see :func:`tune`."""
        measured = self.before if step == 0 and self.before else self.measure(self.module)
        start = Measurement(curve[0]["accuracy"], {t: curve[0][t] for t in measured.transfer}) if curve else measured
        return {
            "step": step,
            "loss": interval.mean,
            "accuracy": measured.accuracy,
            "transfer_score": measured.score(start),
            "trade_off": measured.trade_off(start, self.settings.trade_off),
            **measured.transfer,
        }

    def score(self, row: dict[str, Any]) -> float:
        """The trade-off of accuracy and transfer."""
        return row["trade_off"]

    def save(self, folder: Path, row: dict[str, Any]) -> None:
        """Write the model."""
        self.module.save(folder, row)


def tuning_key(settings: TuningSettings, base: Clip, training: Triplets, evaluated_on: str, device: str) -> str:
    """The key of everything that a tuning run follows from."""
    texts = (training.captions, training.descriptions)
    key = Key(CODE, settings=settings, base=base.fingerprint, features=training.features, texts=texts)
    return str(key.add(evaluated_on=evaluated_on, device=torch.device(device).type))


def evaluation_key(validation: Triplets, tasks: Sequence[TransferTask]) -> str:
    """The key of the data that choose a checkpoint; features stand for the pictures."""
    key = Key(CODE, texts=(validation.captions, validation.descriptions), features=validation.features)
    return str(key.add(tasks=[(t.name, t.labels, t.features, t.targets, t.reports) for t in tasks]))


def tune(
    base: Clip,
    training: Triplets,
    settings: TuningSettings,
    evaluate: Callable[[DescriptionClip], Measurement],
    folder: Path,
    evaluated_on: str,
    device: str = "cpu",
    before: Measurement | None = None,
) -> tuple[DescriptionClip, pd.DataFrame]:
    """Fine-tune ``base``; keep the checkpoint with the best trade-off of accuracy and transfer.

    A killed run goes on exactly where it was, and a finished one is read back
    (:mod:`altlib.training.loop`).

    Args:
        base: The pretrained model.
        training: What it learns from.
        settings: How.
        evaluate: What chooses the checkpoint.
        folder: Where the model and its record are written.
        evaluated_on: Key of the data that ``evaluate`` looks at, because they choose the checkpoint.
        device: Where the model learns.
        before: What ``evaluate`` finds of the base model, if that is known already.

    Returns:
        The model, and its curve with one row per evaluation: step, loss, accuracy, transfer_score,
        trade_off and one column per transfer task.

    Raises:
        ValueError: The model does not have what the settings ask for, or the loss is no longer finite.
    """
    key = tuning_key(settings, base, training, evaluated_on, device)
    if record := finished(folder, key):
        return load_tuned(folder, base)[0].to(device), record.frame()
    torch.manual_seed(settings.seed)
    tuned = DescriptionClip(base, settings).to(device)
    optimiser = torch.optim.Adam(
        tuned.learned().values(), lr=settings.learning_rate, weight_decay=settings.weight_decay
    )
    points = [round(i * settings.steps / settings.evaluations) for i in range(settings.evaluations + 1)]
    plan = Plan(settings.steps, frozenset(points), settings.patience)
    learner = DescriptionLearner(tuned, base, training, evaluate, before)
    return tuned, fit(learner, optimiser, plan, folder, key).frame()
