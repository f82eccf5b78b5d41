"""Chapter 06's study: objectives, ways of fine-tuning and seeds against each other, and against the base model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import pandas as pd
from torch import Tensor

from altlib.core.parallel import side_by_side
from altlib.evaluation.clip_scores import CLIPSCORE_PROMPT, accuracy_of, base_accuracy, base_scores, tuned_scores
from altlib.evaluation.ratings import RatedItems, correlations
from altlib.evaluation.transfer import TransferTask, base_encoder, evaluate_tasks, label_tokens, transfer_of
from altlib.models.clip import Clip
from altlib.models.description_clip import DescriptionClip, TuningSettings, load_tuned
from altlib.models.triplets import Triplets
from altlib.training.description_tuning import Measurement, evaluation_key, tune


@dataclass(frozen=True)
class ObjectiveSettings:
    """What is chosen for an objective by itself.

    Attributes:
        rank: Of LoRA's updates.
        learning_rate: Adam's with full fine-tuning.
        lora_learning_rate: Adam's with LoRA.
    """

    rank: int
    learning_rate: float
    lora_learning_rate: float


def tuning_plans(
    shared: TuningSettings,
    objectives: str,
    tunings: str,
    seeds: int,
    joint_seeds: int,
    usual: ObjectiveSettings,
    iit: ObjectiveSettings,
) -> list[TuningSettings]:
    """The runs of a study: every objective with every way of fine-tuning and every seed, the joint objective last.

    The joint objective runs with LoRA alone, unless it is among the objectives.

    Args:
        shared: What all runs have in common, with the first seed.
        objectives: Of behavioural, iit-das and joint, between commas.
        tunings: Of full and lora, between commas.
        seeds: How many seeds each configuration has.
        joint_seeds: How many the joint objective has, if it is not among ``objectives``.
        usual: For the behavioural and the joint objective.
        iit: For IIT-DAS.
    """

    def plan(objective: str, tuning: str, number: int) -> TuningSettings:
        own = iit if objective == "iit-das" else usual
        rate = own.lora_learning_rate if tuning == "lora" else own.learning_rate
        return replace(
            shared,
            objective=objective,
            tuning=tuning,
            rank=own.rank,
            learning_rate=rate,
            seed=shared.seed + number,
        )

    wanted, ways = ([name.strip() for name in names.split(",")] for names in (objectives, tunings))
    plans = [plan(objective, way, number) for objective in wanted for way in ways for number in range(seeds)]
    if "joint" not in wanted:
        plans += [plan("joint", "lora", number) for number in range(joint_seeds)]
    return plans


@dataclass(frozen=True)
class StudyResults:
    """What the runs of a study found.

    Attributes:
        runs: One row per run: objective, fine-tuning, seed, accuracy on test pictures, transfer (the
            share of the base model's F1 that is kept), macro-F1 by task, and agreement (a table of
            correlations with ratings).
        history: One row per evaluation of a run, with the run's objective, fine-tuning and seed.
    """

    runs: pd.DataFrame
    history: pd.DataFrame


@dataclass(frozen=True)
class BaseResult:
    """What the base model reaches, given texts in one form.

    Attributes:
        prompt: What is put before every text.
        accuracy: Share of test pictures whose description it prefers.
        agreement: Correlations of its scores with ratings.
    """

    prompt: str
    accuracy: float
    agreement: pd.DataFrame


@dataclass
class TuningStudy:
    """A base model, what it is tuned and measured on, and where the runs are kept.

    Attributes:
        run: The run's folder.
        base: The pretrained model.
        split: Triplets by split: train, val and test.
        tasks: The transfer tasks.
        device: Where models learn.
    """

    run: Path
    base: Clip
    split: Mapping[str, Triplets]
    tasks: list[TransferTask]
    device: str

    @cached_property
    def labels(self) -> dict[str, Tensor]:
        """The prompts of the labels as token ids, by task."""
        return {task.name: label_tokens(task, self.base) for task in self.tasks}

    @cached_property
    def accuracies(self) -> dict[str, float]:
        """Share of the pictures whose description the base model prefers, of bare texts, by split."""
        return {name: base_accuracy(self.base, triplets) for name, triplets in self.split.items()}

    def base_transfer(self, reporting: bool) -> dict[str, float]:
        """The base model's macro-F1 by task, on the reporting or on the choosing half of the pictures."""
        return evaluate_tasks(self.tasks, self.labels, base_encoder(self.base), reporting)

    @cached_property
    def before(self) -> dict[str, float]:
        """The base model's macro-F1 by task, on the reporting half of the pictures."""
        return self.base_transfer(reporting=True)

    @cached_property
    def untuned(self) -> Measurement:
        """What :meth:`measure` would find of the base model."""
        return Measurement(self.accuracies["val"], self.base_transfer(reporting=False))

    @cached_property
    def evaluated_on(self) -> str:
        """Key of the data by which checkpoints are chosen."""
        return evaluation_key(self.split["val"], self.tasks)

    def measure(self, tuned: DescriptionClip) -> Measurement:
        """What chooses a checkpoint: accuracy on the validation split, F1 on the choosing half of the tasks."""
        return Measurement(
            accuracy_of(tuned, self.split["val"], self.base),
            transfer_of(tuned, self.tasks, self.labels, reporting=False),
        )

    def folder(self, plan: TuningSettings) -> Path:
        """Where a run is kept."""
        return self.run / "tuned-clip" / plan.name

    def tune(self, plan: TuningSettings, folder: Path | None = None) -> tuple[DescriptionClip, pd.DataFrame]:
        """A run's model and curve; a finished run is read back (:func:`altlib.training.description_tuning.tune`)."""
        return tune(
            self.base,
            self.split["train"],
            plan,
            self.measure,
            folder or self.folder(plan),
            self.evaluated_on,
            self.device,
            self.untuned,
        )

    def tune_all(self, plans: Sequence[TuningSettings]) -> None:
        """Make all runs; on the processor, those on the text tower side by side."""
        for needed in ("untuned", "evaluated_on"):
            getattr(self, needed)  # computed once, before processes are forked
        if self.device == "cpu" and all(plan.towers == "text" for plan in plans):
            side_by_side({plan.name: partial(self.tune, plan) for plan in plans}, "fine-tuning")
        for plan in plans:
            self.tune(plan)

    def base_result(self, rated: RatedItems, prompt: str) -> BaseResult:
        """What the base model reaches with a prompt before every text."""
        scored = rated.scored(partial(base_scores, self.base, cache=self.run / "features", prompt=prompt))
        accuracy = base_accuracy(self.base, self.split["test"], prompt)
        return BaseResult(prompt, accuracy, correlations(rated.groups, scored))

    def base_results(self, rated: RatedItems) -> list[BaseResult]:
        """What the base model reaches as CLIPScore, and with bare texts, as fine-tuned models read them."""
        return [self.base_result(rated, prompt) for prompt in (CLIPSCORE_PROMPT, "")]

    def result(self, plan: TuningSettings, rated: RatedItems) -> tuple[dict[str, Any], pd.DataFrame]:
        """The rows of a run in :class:`StudyResults`."""
        tuned, curve = self.tune(plan)
        after = transfer_of(tuned, self.tasks, self.labels, reporting=True)
        scored = rated.scored(partial(tuned_scores, tuned, self.base, cache=self.run / "features"))
        names = {"objective": plan.objective, "fine-tuning": plan.tuning, "seed": plan.seed}
        found = {
            "accuracy": accuracy_of(tuned, self.split["test"], self.base),
            "transfer": Measurement(0, after).score(Measurement(0, self.before)),
            **after,
            "agreement": correlations(rated.groups, scored),
        }
        return names | found, curve.assign(**names)

    def results(self, plans: Sequence[TuningSettings], rated: RatedItems) -> StudyResults:
        """What all runs found; those that are not finished are made."""
        rows, curves = zip(*(self.result(plan, rated) for plan in plans), strict=True)
        return StudyResults(pd.DataFrame(list(rows)), pd.concat(curves, ignore_index=True))

    def margins(self, plan: TuningSettings, posts: pd.DataFrame) -> dict[str, Tensor]:
        """By how much the score of each post's description exceeds its caption's, of bare texts.

        Args:
            plan: The run whose model scores.
            posts: n posts with the columns image, alt_text and caption.

        Returns:
            ``base`` and ``tuned``, each (n,).
        """
        tuned, _ = load_tuned(self.folder(plan), self.base)
        images, cache = posts["image"].tolist(), self.run / "features"
        scores = {
            "base": partial(base_scores, self.base, prompt=""),
            "tuned": partial(tuned_scores, tuned, self.base),
        }
        return {
            model: score(images, posts["alt_text"].tolist(), cache=cache)
            - score(images, posts["caption"].tolist(), cache=cache)
            for model, score in scores.items()
        }

    def record(self, results: StudyResults, base: Sequence[BaseResult]) -> dict[str, Any]:
        """The numbers of the study as JSON has them."""
        runs = [row | {"agreement": row["agreement"].to_dict("records")} for row in results.runs.to_dict("records")]
        forms = [vars(form) | {"agreement": form.agreement.to_dict("records")} for form in base]
        return {"base": {"transfer": self.before, "texts": forms}, "runs": runs}
