"""One training loop for everything that learns: evaluations, checkpoints, exact resumption, the best state, patience.

What is particular to a model comes as a :class:`Learner`: how a batch becomes gradients, and how good a state is.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pandas as pd
import torch
from torch import Tensor, nn

from altlib.core.devices import distributed, said_by_first_process, wait_for_everyone
from altlib.core.files import read_json, whole_file, write_json
from altlib.core.progress import progress_bar
from altlib.core.provenance import COMPUTED, READ_BACK, note

SAVE_EVERY = 500  # updates between checkpoints
CURVE, CHECKPOINT = "curve.json", "checkpoint.pt"


@dataclass(frozen=True)
class Plan:
    """How long a run learns, and when it is evaluated.

    Attributes:
        steps: Most updates.
        evaluations: Steps after which the model is evaluated; 0 is before the first update.
        patience: Evaluations without a better score after which the run ends; 0 never ends it.
        schedule: Learning rate: constant, linear or cosine; the last two fall to zero over ``steps``.
        gradient_clip: Largest norm of the gradient; 0 does not clip.
        warm_up: Share of ``steps`` over which the learning rate first rises from zero.
    """

    steps: int
    evaluations: frozenset[int]
    patience: int = 0
    schedule: str = "constant"
    gradient_clip: float = 0.0
    warm_up: float = 0.0

    def rate(self, step: int) -> float:
        """The learning rate of the update after ``step`` others, as a share of the largest."""
        rising = math.ceil(self.warm_up * self.steps)
        if step < rising:
            return (step + 1) / (rising + 1)
        if self.schedule == "constant":
            return 1.0
        done = min(1.0, (step - rising) / max(1, self.steps - rising))
        return 1 - done if self.schedule == "linear" else (1 + math.cos(math.pi * done)) / 2


@dataclass
class Interval:
    """The updates since the last evaluation.

    Attributes:
        loss: Sum of the losses.
        weight: What the sum is divided by to give the mean, such as the number of tokens.
        seconds: Time that the updates took.
    """

    loss: float = 0.0
    weight: float = 0.0
    seconds: float = 0.0

    @property
    def mean(self) -> float:
        """The mean loss; NaN if there was no update."""
        return self.loss / self.weight if self.weight else math.nan


class Learner(Protocol):
    """What the loop needs to know of a model that learns.

    Attributes:
        name: Of the run, for progress bars and errors.
        facts: What a reader may want to know of how it was computed, kept with the curve.
    """

    name: str
    facts: dict[str, str]

    @property
    def module(self) -> nn.Module:
        """The model; those of its parameters that need gradients learn."""

    def batches(self, start: int) -> Iterator[Any]:
        """The batches of the updates after the first ``start``: a function of the step alone."""

    def backward(self, batch: Any) -> tuple[float, float]:
        """Add a batch's gradients to the parameters; its summed loss and weight, the same on every process."""

    def evaluate(self, step: int, interval: Interval, curve: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """The next row of the curve, of plain numbers and texts, after ``step`` updates."""

    def score(self, row: dict[str, Any]) -> float:
        """How good the state is that gave a row; higher is better."""

    def save(self, folder: Path, row: dict[str, Any]) -> None:
        """Write the model in its best state, which gave ``row``."""


@dataclass(frozen=True)
class TrainingRecord:
    """What is kept of a finished run besides the model.

    Attributes:
        curve: One row per evaluation.
        best: Number of the row whose state was kept.
        facts: How it was computed.
    """

    curve: list[dict[str, Any]]
    best: int
    facts: dict[str, str]

    def frame(self) -> pd.DataFrame:
        """The curve as a table."""
        return pd.DataFrame(self.curve)


def finished(folder: Path, key: str) -> TrainingRecord | None:
    """The record of the finished run with this key in a folder, if there is one."""
    try:
        kept = read_json(folder / CURVE)
    except FileNotFoundError:
        return None
    if kept.get("key") != key:
        return None
    note(READ_BACK, f"training of {folder.name}", key)
    return TrainingRecord(kept["curve"], kept["best"], kept["facts"])


def facts_of(folder: Path) -> dict[str, str]:
    """How the finished run in a folder was computed, see :class:`TrainingRecord`."""
    return read_json(folder / CURVE)["facts"]


def learning_state(module: nn.Module) -> dict[str, Tensor]:
    """Copies of the parameters that learn, on the CPU."""
    return {n: p.detach().cpu().clone() for n, p in module.named_parameters() if p.requires_grad}


@torch.no_grad()
def restore_state(module: nn.Module, state: dict[str, Tensor]) -> None:
    """Put :func:`learning_state` back."""
    parameters = dict(module.named_parameters())
    for name, value in state.items():
        parameters[name].copy_(value)


@dataclass
class Progress:
    """How far a run is; a checkpoint holds it with the states of the model, the optimiser and the random numbers.

    Attributes:
        step: Updates that are done.
        curve: One row per evaluation.
        best: Number of the best row.
        best_score: Its score.
        best_state: The parameters then.
        waited: Evaluations since the best one.
        interval: The updates since the last evaluation.
    """

    step: int = 0
    curve: list[dict[str, Any]] = field(default_factory=list)
    best: int = 0
    best_score: float = -math.inf
    best_state: dict[str, Tensor] = field(default_factory=dict)
    waited: int = 0
    interval: Interval = field(default_factory=Interval)


class Run:
    """One run of the loop, from the start or from its checkpoint.

    Args:
        learner: What learns.
        optimiser: Over the parameters that learn.
        plan: How long.
        folder: Where the checkpoint is kept.
        key: Of everything that the run follows from; a checkpoint with another key is not resumed.
    """

    def __init__(self, learner: Learner, optimiser: torch.optim.Optimizer, plan: Plan, folder: Path, key: str):
        self.learner, self.optimiser, self.plan, self.key = learner, optimiser, plan, key
        self.checkpoint = folder / CHECKPOINT
        self.scheduler = torch.optim.lr_scheduler.LambdaLR(optimiser, plan.rate)
        self.progress = Progress()

    @property
    def over(self) -> bool:
        """Whether all updates are done, or patience is at its end."""
        progress, plan = self.progress, self.plan
        return progress.step >= plan.steps or bool(plan.patience and progress.waited >= plan.patience)

    def update(self, batches: Iterator[Any]) -> None:
        """One update, on the next batch.

        Raises:
            ValueError: The loss is not finite.
        """
        started = time.perf_counter()
        self.learner.module.train()
        loss, weight = update(self.learner, self.optimiser, next(batches), self.plan.gradient_clip)
        self.scheduler.step()
        self.progress.step += 1
        interval = self.progress.interval
        interval.loss, interval.weight = interval.loss + loss, interval.weight + weight
        interval.seconds += time.perf_counter() - started

    def evaluate(self) -> float:
        """Add a row to the curve, and keep the state if it is the best so far; the score.

        Raises:
            ValueError: The score is not a number.
        """
        progress, learner = self.progress, self.learner
        learner.module.eval()
        # All processes must take the same decisions, so they go by the first one's numbers.
        row = said_by_first_process(learner.evaluate(progress.step, progress.interval, progress.curve))
        score = learner.score(row)
        if math.isnan(score):
            raise ValueError(
                f"{learner.name}: the evaluation after {progress.step} updates gave {row}, which has no score; "
                "lower the learning rate"
            )
        progress.curve.append(row)
        progress.waited += 1
        progress.interval = Interval()
        if score > progress.best_score:
            progress.best, progress.best_score, progress.waited = len(progress.curve) - 1, score, 0
            progress.best_state = learning_state(learner.module)
        return score

    def save(self) -> None:
        """Write the checkpoint; only the first process does."""
        if distributed()[0]:
            return
        state = {
            **vars(self.progress),
            "interval": vars(self.progress.interval),
            "key": self.key,
            "parameters": learning_state(self.learner.module),
            "optimiser": self.optimiser.state_dict(),
            "scheduler": self.scheduler.state_dict(),
            "rng": torch.get_rng_state(),
            "cuda_rng": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        }
        with whole_file(self.checkpoint) as part:
            torch.save(state, part)

    def restore(self) -> None:
        """Go on from the checkpoint, if there is one of the same run."""
        if not self.checkpoint.is_file():
            return
        state = torch.load(self.checkpoint, weights_only=True, map_location="cpu")
        if state.pop("key", None) != self.key:
            return
        restore_state(self.learner.module, state.pop("parameters"))
        self.optimiser.load_state_dict(state.pop("optimiser"))
        self.scheduler.load_state_dict(state.pop("scheduler"))
        torch.set_rng_state(state.pop("rng"))
        if cuda := state.pop("cuda_rng"):
            torch.cuda.set_rng_state_all(cuda)
        self.progress = Progress(**state | {"interval": Interval(**state["interval"])})
        print(f"{self.learner.name}: resuming after {self.progress.step} of {self.plan.steps} updates")


def update(
    learner: Learner, optimiser: torch.optim.Optimizer, batch: Any, gradient_clip: float = 0.0
) -> tuple[float, float]:
    """One step of the optimiser on a batch; the batch's summed loss and its weight.

    Raises:
        ValueError: The loss is not finite; nothing was learned from the batch.
    """
    optimiser.zero_grad(set_to_none=True)
    loss, weight = learner.backward(batch)
    if not math.isfinite(loss):
        raise ValueError(f"{learner.name}: the loss became {loss}; lower the learning rate")
    if gradient_clip:
        nn.utils.clip_grad_norm_([p for p in learner.module.parameters() if p.requires_grad], gradient_clip)
    optimiser.step()
    return loss, weight


def fit(learner: Learner, optimiser: torch.optim.Optimizer, plan: Plan, folder: Path, key: str) -> TrainingRecord:
    """Train, keep the best state, and write the model and its record into a folder.

    A killed run goes on exactly where its checkpoint in ``folder`` was written. A finished one is
    found by :func:`finished`, which the caller asks first. The caller seeds the random numbers.
    Afterwards the learner's module is in its best state, in evaluation mode.

    Args:
        learner: What learns.
        optimiser: Over the parameters that learn.
        plan: How long it learns, with one evaluation or more.
        folder: Where everything is written.
        key: Of everything that the run follows from.

    Raises:
        ValueError: The loss or the score is not a number.
    """
    run = Run(learner, optimiser, plan, folder, key)
    run.restore()
    with progress_bar(total=plan.steps, initial=run.progress.step, desc=learner.name, unit=" batches") as bar:
        if 0 in plan.evaluations and not run.progress.curve:
            run.evaluate()
        batches = learner.batches(run.progress.step)
        while not run.over:
            run.update(batches)
            bar.update()
            if run.progress.step in plan.evaluations:
                bar.set_postfix(score=f"{run.evaluate():.3f}")
                run.save()
            elif run.progress.step % SAVE_EVERY == 0:
                run.save()
    progress = run.progress
    restore_state(learner.module, progress.best_state)
    learner.module.eval()
    record = TrainingRecord(progress.curve, progress.best, learner.facts)
    if distributed()[0] == 0:
        # The record says that the model beside it is finished, so an older record goes first.
        (folder / CURVE).unlink(missing_ok=True)
        learner.save(folder, progress.curve[progress.best])
        write_json(folder / CURVE, {"key": key, "best": record.best, "facts": record.facts, "curve": record.curve})
        run.checkpoint.unlink(missing_ok=True)
        note(COMPUTED, f"training of {folder.name}", key)
    wait_for_everyone()
    return record
