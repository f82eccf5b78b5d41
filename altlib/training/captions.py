"""Train a captioner: teacher forcing, batches of similar length, an evaluation per epoch."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from altlib.core.cache_keys import Key
from altlib.core.code_imports import code_fingerprint
from altlib.core.devices import compute_in, pick_device, precision_name
from altlib.models.captioner import PrefixCaptioner, load_captioner
from altlib.training.examples import CaptionData, bucketed_batches
from altlib.training.loop import Interval, Plan, finished, fit

CODE = code_fingerprint("training.captions")
HASHED_AT_ONCE = 8192  # pictures


@dataclass(frozen=True)
class TrainingSettings:
    """How a captioner is trained; the defaults are the paper's (Twitter paper, appendix C).

    Attributes:
        epochs: Most passes over the training examples.
        batch_size: Examples per update.
        micro_batch: Examples in memory at a time; 0 is the whole batch.
        learning_rate: Of Adam.
        schedule: Learning rate: constant, or linear to zero over all updates.
        patience: Epochs without a better validation likelihood before training stops, at least 1.
        gradient_clip: Largest norm of the gradient.
        seed: Of the order of the batches and of dropout.
        steps: Most updates; 0 is all of the epochs.
    """

    epochs: int = 20
    batch_size: int = 100
    micro_batch: int = 0
    learning_rate: float = 1e-4
    schedule: str = "constant"
    patience: int = 2
    gradient_clip: float = 1.0
    seed: int = 0
    steps: int = 0


@torch.inference_mode()
def example_losses(captioner: PrefixCaptioner, data: CaptionData, batch_size: int, precision: torch.dtype) -> Tensor:
    """Negative log-likelihood (nats) and number of the alt text's tokens of each example, (n, 2) float64 on the CPU."""
    device = captioner.embedding.weight.device
    found = torch.zeros(len(data), 2, dtype=torch.float64)
    lengths = data.examples.lengths()
    order = sorted(range(len(data)), key=lambda i: lengths[i])
    for start in range(0, len(order), batch_size):
        rows = order[start : start + batch_size]
        features, examples = data.batch(rows)
        with compute_in(device, precision):
            losses, owners = captioner.token_losses(features, examples)
        both = torch.stack([losses.cpu().double(), torch.ones(len(losses), dtype=torch.float64)], dim=1)
        found.index_add_(0, torch.tensor(rows)[owners.cpu()], both)
    return found


def validation_loss(captioner: PrefixCaptioner, data: CaptionData, batch_size: int, precision: torch.dtype) -> float:
    """Mean negative log-likelihood per token (nats) over ``data``."""
    total, tokens = example_losses(captioner, data, batch_size, precision).sum(0).tolist()
    return total / max(tokens, 1)


def training_key(
    captioner: PrefixCaptioner,
    settings: TrainingSettings,
    training: CaptionData,
    validation: CaptionData,
    precision: torch.dtype,
    device: str,
) -> str:
    """The key of everything that a training run follows from."""

    def blocks(data: CaptionData) -> Iterator[Tensor]:
        for start in range(0, len(data), HASHED_AT_ONCE):
            chosen = list(range(start, min(start + HASHED_AT_ONCE, len(data))))
            yield data.features[chosen if data.rows is None else data.rows[chosen]]

    key = Key(CODE, settings=settings, config=captioner.config, weights=captioner)
    for name, data in (("training", training), ("validation", validation)):
        key.add(**{name: blocks(data), f"{name}_tokens": data.examples.ids, f"{name}_ends": data.examples.ends})
    return str(key.add(precision=precision, device=torch.device(device).type))


class CaptionLearner:
    """A captioner for the training loop, in one process or in each of several.

    Args:
        captioner: What learns, on the device of its process.
        training: What it learns from.
        validation: What chooses the epoch.
        settings: How.
        accelerator: From accelerate; it leaves devices and number types to us.
        precision: Number type of matrix products.
        name: Of the run.
    """

    def __init__(
        self,
        captioner: PrefixCaptioner,
        training: CaptionData,
        validation: CaptionData,
        settings: TrainingSettings,
        accelerator: Any,
        precision: torch.dtype,
        name: str,
    ):
        self.name, self.module = f"training {name}", captioner
        self.device = captioner.embedding.weight.device
        self.training, self.validation, self.settings = training, validation, settings
        self.accelerator, self.precision = accelerator, precision
        self.wrapped = accelerator.prepare_model(captioner)
        self.lengths = training.examples.lengths()
        self.facts = {"precision": precision_name(precision), "device": self.device.type}

    @property
    def steps_an_epoch(self) -> int:
        """Updates of one pass over the training examples."""
        return math.ceil(len(self.training) / self.settings.batch_size)

    def plan(self) -> Plan:
        """How long it learns, with an evaluation after each epoch and at the end."""
        settings, epoch = self.settings, self.steps_an_epoch
        whole = settings.epochs * epoch
        steps = min(whole, settings.steps or whole)
        ends = frozenset({*range(epoch, steps + 1, epoch), steps})
        return Plan(steps, ends, max(settings.patience, 1), settings.schedule, settings.gradient_clip)

    def batches(self, start: int) -> Iterator[list[int]]:
        """Rows of the training examples for each update after the first ``start``."""
        first, done = divmod(start, self.steps_an_epoch)
        for epoch in count(first):
            batches = bucketed_batches(self.lengths, self.settings.batch_size, self.settings.seed, epoch)
            yield from batches[done if epoch == first else 0 :]

    def backward(self, batch: list[int]) -> tuple[float, float]:
        """Gradients of the mean loss per token of the batch's rows.

        The loss is divided by the tokens of the whole batch, however many micro-batches and
        processes it is split into.

        Returns:
            The summed loss of all processes (nats), and the tokens.
        """
        accelerator, device = self.accelerator, self.device
        ends = self.training.examples.ends
        tokens = sum(int(ends[2 * i + 2] - ends[2 * i + 1]) + 1 for i in batch)
        total = torch.zeros((), device=device)
        parts = process_parts(batch, accelerator.process_index, accelerator.num_processes, self.settings.micro_batch)
        for number, part in enumerate(parts):
            # Processes wait for each other in every backward pass that exchanges gradients. One that has
            # no rows left goes along with any row, whose loss counts nothing.
            features, examples = self.training.batch(part or batch[:1])
            last = number == len(parts) - 1
            with nullcontext() if last else accelerator.no_sync(self.wrapped):
                with compute_in(device, self.precision):
                    loss = self.wrapped(features.to(device), examples) * float(bool(part))
                # Gradients are averaged over processes, so the mean over the whole batch needs their number back.
                accelerator.backward(loss * (accelerator.num_processes / tokens))
            total += loss.detach()
        return float(accelerator.reduce(total, "sum")), tokens

    def evaluate(self, step: int, interval: Interval, curve: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """The row of an epoch or a part of one, see :func:`train`."""
        settings, (epochs, part) = self.settings, divmod(step, self.steps_an_epoch)
        examples = min(len(self.training), (part or self.steps_an_epoch) * settings.batch_size)
        return {
            "epoch": epochs + part / self.steps_an_epoch,
            "training_loss": interval.mean,
            "validation_loss": validation_loss(self.module, self.validation, settings.batch_size, self.precision),
            "seconds": interval.seconds,
            "examples_per_second": examples / interval.seconds,
        }

    def score(self, row: dict[str, Any]) -> float:
        """The validation likelihood."""
        return -row["validation_loss"]

    def save(self, folder: Path, row: dict[str, Any]) -> None:
        """Write the captioner."""
        self.module.save(folder)


def process_parts(rows: list[int], process: int, processes: int, size: int) -> list[list[int]]:
    """The micro-batches of one process: as many on each, so that some may be empty.

    Args:
        rows: The batch, one row or more.
        process: Number of the process.
        processes: How many there are.
        size: Most rows of a micro-batch; 0 takes all at once.
    """
    mine = rows[process::processes]
    most = math.ceil(len(rows) / processes)
    size = size or most
    return [mine[start : start + size] for start in range(0, most, size)]


def train(
    captioner: PrefixCaptioner,
    training: CaptionData,
    validation: CaptionData,
    settings: TrainingSettings,
    folder: Path,
    name: str,
    device: str = "auto",
) -> tuple[PrefixCaptioner, pd.DataFrame]:
    """Train ``captioner``; keep the epoch with the best validation likelihood.

    A killed run goes on exactly where it was, and a finished one is read back
    (:mod:`altlib.training.loop`). Several processes, as ``accelerate launch`` starts them, take a
    share of every batch each, and the losses are the same as with one.

    Args:
        captioner: What learns.
        training: What it learns from.
        validation: What chooses the epoch.
        settings: How.
        folder: Where the captioner and its record are written.
        name: Of the captioner, for the progress bar and errors.
        device: auto, cpu, cuda or mps.

    Returns:
        The captioner, and its curve with one row per epoch, the last of which may be a part: epoch,
        training_loss and validation_loss (nats per token), seconds, examples_per_second.

    Raises:
        ValueError: There is nothing to train on, or the loss is no longer finite.
    """
    from accelerate import Accelerator

    if not len(training) or not len(validation):
        raise ValueError(
            f"captioner {name}: {len(training)} training and {len(validation)} validation examples; both are needed"
        )
    where = pick_device(device)
    captioner.to(where)
    precision = captioner.precision
    key = training_key(captioner, settings, training, validation, precision, where)
    if record := finished(folder, key):
        return load_captioner(folder, where), record.frame()
    accelerator = Accelerator(device_placement=False, mixed_precision="no", cpu=torch.device(where).type == "cpu")
    learner = CaptionLearner(captioner, training, validation, settings, accelerator, precision, name)
    learning = [p for p in captioner.parameters() if p.requires_grad]
    optimiser = torch.optim.Adam(learning, lr=settings.learning_rate, fused=True)
    torch.manual_seed(settings.seed)
    return captioner, fit(learner, optimiser, learner.plan(), folder, key).frame()
