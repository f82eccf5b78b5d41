"""Train a policy on preference pairs: supervised fine-tuning on the chosen responses, DPO, or MCM-DPO.

All three read the same pairs through the same policy (:mod:`altlib.models.policy`). Supervised
fine-tuning minimises -log p(chosen) per token. The other two compare with the reference, the policy
as it was before the first update, whose log-probabilities are computed once and kept. What a run
keeps is its last state, as in the paper, for which nothing is chosen on validation pairs.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from altlib.core.cache_keys import Key, weights_fingerprint
from altlib.core.code_imports import code_fingerprint
from altlib.core.devices import precision_name
from altlib.core.files import only_one, whole_file
from altlib.core.provenance import COMPUTED, READ_BACK, note
from altlib.data.comparisons import BEST, COMPARISONS, Combination, combinations
from altlib.models.policy import (
    NegativeSettings,
    Policy,
    PreparedPairs,
    autocast,
    check_combinations,
    pair_lengths,
    precision_of,
    reference_log_probabilities,
    without_effect,
)
from altlib.training.examples import bucketed_batches
from altlib.training.loop import Interval, Plan, TrainingRecord, finished, fit
from altlib.training.preference_losses import PreferenceLoss, reward_summary

CODE = code_fingerprint("training.preference")


@dataclass(frozen=True)
class PreferenceSettings:
    """How a policy is trained; the defaults are MCM-DPO's for LLaVA.

    Attributes:
        loss: Of the pairs; None is supervised fine-tuning on the chosen responses.
        epochs: Passes over the pairs.
        batch_size: Pairs per update.
        micro_batch: Pairs in memory at a time; 0 is the whole batch.
        learning_rate: Of AdamW, whose weight decay is 0.
        schedule: constant, linear or cosine.
        warm_up: Share of the updates over which the learning rate rises.
        evaluations: How often validation pairs are looked at, besides once before the first update.
        gradient_clip: Largest norm of the gradient; 0 does not clip.
        seed: Of the order of batches.
    """

    loss: PreferenceLoss | None
    epochs: int = 2
    batch_size: int = 64
    micro_batch: int = 0
    learning_rate: float = 5e-7
    schedule: str = "cosine"
    warm_up: float = 0.03
    evaluations: int = 4
    gradient_clip: float = 1.0
    seed: int = 0


@dataclass(frozen=True)
class PairData:
    """Prepared pairs with what the reference says of them.

    Attributes:
        prepared: The pairs.
        wanted: Combinations that are computed.
        reference: log p_ref of each pair's combinations, (n, len(wanted)).
    """

    prepared: PreparedPairs
    wanted: list[Combination]
    reference: Tensor


def check_vocabularies(policy: Policy, reference: Policy) -> None:
    """Refuse a reference with another vocabulary.

    Raises:
        ValueError: The vocabularies differ.
    """
    if policy.tokenizer.get_vocab() != reference.tokenizer.get_vocab():
        raise ValueError(
            "the reference model has another vocabulary than the model that learns, so their probabilities are of "
            "different tokens; take the supervised checkpoint of the same model as the reference"
        )


def kept_reference(
    policy: Any, prepared: PreparedPairs, wanted: list[Combination], folder: Path, batch_size: int
) -> Tensor:
    """:func:`altlib.models.policy.reference_log_probabilities`, kept in a folder under its key."""
    key = Key(CODE, weights=policy, pairs=prepared.stamp(), wanted=wanted, device=policy.device.type)
    file = folder / f"{key.add(precision=precision_of(policy))}.safetensors"
    with only_one(file.with_suffix(".lock")):
        kept = file.is_file()
        note(READ_BACK if kept else COMPUTED, "likelihoods of the reference model", file.name)
        if not kept:
            with autocast(policy):
                found = reference_log_probabilities(policy, prepared, wanted, batch_size)
            with whole_file(file) as part:
                save_file({"log_probabilities": found}, part)
        return load_file(file)["log_probabilities"]


class PreferenceLearner:
    """A policy for the training loop, on one process.

    Args:
        policy: What learns.
        training: What it learns from.
        validation: Pairs on which rewards are followed, in all combinations.
        settings: How.
        name: Of the run.
        starts_as_reference: Whether the policy is its own reference before the first update, so that the
            reference's log-probabilities are the policy's.
    """

    def __init__(
        self,
        policy: Any,
        training: PairData,
        validation: PairData,
        settings: PreferenceSettings,
        name: str,
        starts_as_reference: bool = False,
    ):
        self.name, self.module, self.settings = f"preference {name}", policy, settings
        self.starts_as_reference = starts_as_reference
        self.training, self.validation = training, validation
        self.lengths = pair_lengths(training.prepared)
        precision = precision_name(precision_of(policy))
        self.facts = {"precision": precision, "device": policy.device.type}

    @property
    def steps_an_epoch(self) -> int:
        """Updates of one pass over the pairs."""
        return math.ceil(len(self.training.prepared) / self.settings.batch_size)

    def plan(self) -> Plan:
        """How long it learns, with evaluations at equal distances."""
        settings = self.settings
        steps = settings.epochs * self.steps_an_epoch
        points = frozenset(round(i * steps / settings.evaluations) for i in range(settings.evaluations + 1))
        return Plan(
            steps, points, schedule=settings.schedule, gradient_clip=settings.gradient_clip, warm_up=settings.warm_up
        )

    def batches(self, start: int) -> Iterator[list[int]]:
        """Rows of the pairs for each update after the first ``start``."""
        first, done = divmod(start, self.steps_an_epoch)
        for epoch in count(first):
            batches = bucketed_batches(self.lengths, self.settings.batch_size, self.settings.seed, epoch)
            yield from batches[done if epoch == first else 0 :]

    def losses(self, data: PairData, rows: Sequence[int]) -> Tensor:
        """The loss of pairs, (B,); in supervised fine-tuning nats per response."""
        with autocast(self.module):
            said = self.module.log_probabilities(data.prepared, rows, data.wanted).float()
        if self.settings.loss is None:
            return -said[:, 0]
        return self.settings.loss(said - data.reference[list(rows)].to(said.device))

    def backward(self, batch: list[int]) -> tuple[float, float]:
        """Gradients of the mean loss of the batch's pairs; the summed loss, and the number of pairs."""
        size, total = self.settings.micro_batch or len(batch), 0.0
        for start in range(0, len(batch), size):
            loss = self.losses(self.training, batch[start : start + size]).sum()
            (loss / len(batch)).backward()
            total += loss.item()
        return total, float(len(batch))

    def evaluate(self, step: int, interval: Interval, curve: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """The row of an evaluation, see :func:`train_policy`."""
        data = self.validation
        if step == 0 and self.starts_as_reference:
            said = data.reference
        else:
            with autocast(self.module):
                size = self.settings.micro_batch or self.settings.batch_size
                said = reference_log_probabilities(self.module, data.prepared, data.wanted, size)
        ratios = said - data.reference
        beta = self.settings.loss.beta if self.settings.loss else 1.0
        names = [name for name, worse in COMPARISONS.items() if worse in data.wanted]
        return {
            "step": step,
            "loss": interval.mean,
            "log p(chosen)": float(said[:, 0].mean()),
            "seconds": interval.seconds,
            **reward_summary(ratios, names, beta),
        }

    def score(self, row: dict[str, Any]) -> float:
        """The step: the last state is the one that is kept."""
        return float(row["step"])

    def save(self, folder: Path, row: dict[str, Any]) -> None:
        """Write what was learned."""
        self.module.save(folder)


@dataclass(frozen=True)
class Comparer:
    """What turns pairs into data: the policy, its reference, and how worse inputs are made.

    Attributes:
        policy: What learns.
        reference: What it is compared with.
        negatives: How worse pictures and posts are made.
        kept: Folder in which the reference's log-probabilities are kept.
        batch_size: Pairs at a time.
    """

    policy: Any
    reference: Any
    negatives: NegativeSettings
    kept: Path
    batch_size: int

    def data(self, pairs: pd.DataFrame, wanted: list[Combination], only_useful: bool = False) -> PairData:
        """Pairs as the policy reads them, with what the reference says of the same pairs.

        Args:
            pairs: As :meth:`altlib.models.policy.Policy.prepare` takes them.
            wanted: The combinations.
            only_useful: Whether combinations with an input that is no worse are left out, rather than refused.

        Raises:
            ValueError: The reference reads other texts or pictures, or an input that should be worse is not.
        """
        prepared = self.policy.prepare(pairs, self.negatives)
        # A vision encoder that learns is given pixels, one that is frozen features.
        theirs = prepared if self.reference is self.policy else self.reference.prepare(pairs, self.negatives)
        if theirs.reads != prepared.reads:
            raise ValueError(
                "the reference model reads other texts or pictures than the model that learns: it crops them elsewhere, "
                "is asked otherwise, or normalises pixels otherwise; give both the same settings and processor"
            )
        useless = without_effect(self.policy, prepared)
        if only_useful:
            wanted = [c for c in wanted if all(getattr(c, part) for part in useless)]
        check_combinations(wanted, useless)
        said = kept_reference(self.reference, theirs, wanted, self.kept, self.batch_size)
        return PairData(prepared, wanted, said)


def preference_key(policy: Any, settings: PreferenceSettings, training: PairData, validation: PairData) -> str:
    """The key of everything that a run follows from."""
    key = Key(CODE, settings=settings, weights=policy, device=policy.device.type)
    key.add(learning=sorted(name for name, p in policy.named_parameters() if p.requires_grad))
    for name, data in (("training", training), ("validation", validation)):
        key.add(**{name: data.prepared.stamp(), f"{name}_of": data.wanted, f"{name}_reference": data.reference})
    return str(key.add(precision=precision_of(policy)))


def train_policy(
    policy: Any,
    training: pd.DataFrame,
    validation: pd.DataFrame,
    negatives: NegativeSettings,
    settings: PreferenceSettings,
    folder: Path,
    name: str,
    reference: Policy | None = None,
) -> TrainingRecord:
    """Train a policy on preference pairs; afterwards it is in its last state, in evaluation mode.

    A killed run goes on exactly where it was. A finished one is found by its key; the policy is then
    left as it was given, and the caller reads the finished one from ``folder``.

    Args:
        policy: What learns.
        training: Pairs with the columns image, text, chosen and rejected.
        validation: Pairs on which rewards are followed.
        negatives: How worse pictures and posts are made.
        settings: How.
        folder: Where the policy and its record are written.
        name: Of the run.
        reference: What the policy is compared with; by default itself before the first update.

    Returns:
        The record, whose rows have: step, loss (mean since the row before), log p(chosen) (nats),
        seconds, best reward, and accuracy and margin of each comparison on the validation pairs. In
        supervised fine-tuning rewards are with a beta of 1.

    Raises:
        ValueError: There are fewer than two pairs, a comparison changes nothing that the model sees, the
            reference has another vocabulary or reads other texts or pictures, or the loss is no longer finite.
    """
    if min(len(training), len(validation)) < 2:
        raise ValueError(
            f"{name}: {len(training)} training and {len(validation)} validation pairs; two or more of each are needed"
        )
    reference = policy if reference is None else reference
    check_vocabularies(policy, reference)
    learned = [BEST] if settings.loss is None else combinations(settings.loss.weights)
    policy.eval()
    size = settings.micro_batch or settings.batch_size
    comparer = Comparer(policy, reference, negatives, folder.parent / "reference", size)
    data = comparer.data(training, learned)
    watched = comparer.data(validation, [BEST, *COMPARISONS.values()], only_useful=True)
    key = preference_key(policy, settings, data, watched)
    if record := finished(folder, key):
        return record
    torch.manual_seed(settings.seed)
    same = reference is policy or weights_fingerprint(reference) == weights_fingerprint(policy)
    learner = PreferenceLearner(policy, data, watched, settings, name, same)
    parameters = [p for p in policy.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(parameters, lr=settings.learning_rate, weight_decay=0.0)
    return fit(learner, optimiser, learner.plan(), folder, key)
