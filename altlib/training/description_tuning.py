"""Fine-tune CLIP to prefer descriptions; checkpoints are chosen by the accuracy-transfer trade-off (CLIP paper, appendices B and C)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from altlib.core.cache_keys import Key
from altlib.core.code_imports import code_fingerprint
from altlib.core.files import read_json, whole_file
from altlib.core.progress import progress_bar
from altlib.models.clip import Clip
from altlib.models.description_clip import DescriptionClip, TuningSettings, load_tuned
from altlib.models.features import read_pictures
from altlib.models.triplets import Triplets
from altlib.training.description_objectives import TripletBatch, objective_loss

CODE = code_fingerprint("training.description_tuning")


def plans_of(values: Mapping[str, Any]) -> list[TuningSettings]:
    """The runs that chapter 06's parameters ask for, by name: objectives, fine-tunings and seeds, the joint ones last.

    IIT-DAS has its own rank and learning rates. The joint objective runs with LoRA alone, unless
    it is among the objectives.
    """
    shared = {f.name: values[f.name] for f in fields(TuningSettings) if f.name in values}

    def plan(objective: str, tuning: str, number: int) -> TuningSettings:
        own = "iit_" if objective == "iit-das" else ""
        rate = values[f"{own}lora_learning_rate" if tuning == "lora" else f"{own}learning_rate"]
        changes = {"objective": objective, "tuning": tuning, "seed": values["seed"] + number}
        return TuningSettings(**shared | changes | {"rank": values[f"{own}rank"], "learning_rate": rate})

    objectives, tunings = ([name.strip() for name in values[key].split(",")] for key in ("objectives", "tunings"))
    plans = [plan(o, t, number) for o in objectives for t in tunings for number in range(values["seeds"])]
    if "joint" not in objectives:
        plans += [plan("joint", "lora", number) for number in range(values["joint_seeds"])]
    return plans


def triplet_batches(size: int, settings: TuningSettings, start: int = 0) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rows of pictures and rows of their partners for each update from ``start`` on; a function of the seed and the step.

    Pictures come in random order, every one once a pass; the partner of each, whose description
    the intervention uses, is drawn from the whole corpus.
    """
    for step in range(start, settings.steps):
        first = step * settings.batch_size
        epochs = range(first // size, (first + settings.batch_size - 1) // size + 1)
        order = np.concatenate([np.random.default_rng((settings.seed, e)).permutation(size) for e in epochs])
        begin = first - epochs[0] * size
        partners = np.random.default_rng((settings.seed, step, 1)).integers(0, size, settings.batch_size)
        yield order[begin : begin + settings.batch_size], partners


def run_fingerprint(settings: TuningSettings, base: Clip, triplets: Triplets) -> str:
    """What a tuning run follows from."""
    texts = (triplets.captions, triplets.descriptions)
    return str(Key(CODE, settings=settings, base=base.fingerprint, features=triplets.features, texts=texts))


@dataclass(frozen=True)
class Measurement:
    """What an evaluation found: accuracy on the triplets that choose the checkpoint, macro-F1 by transfer task."""

    accuracy: float
    transfer: dict[str, float]

    def score(self, before: Measurement) -> float:
        """The transfer score: the mean share of the base model's F1 that is kept (appendix C)."""
        kept = [self.transfer[task] / before.transfer[task] for task in self.transfer if before.transfer[task] > 0]
        return float(np.mean(kept)) if kept else float("nan")

    def trade_off(self, before: Measurement, weight: float) -> float:
        """``weight`` accuracy + (1 - weight) transfer score; accuracy alone where there is no transfer task."""
        transfer = self.score(before)
        return self.accuracy if np.isnan(transfer) else weight * self.accuracy + (1 - weight) * transfer


def tune(
    base: Clip,
    training: Triplets,
    settings: TuningSettings,
    evaluate: Callable[[DescriptionClip], Measurement],
    folder: Path,
    device: str = "cpu",
    before: Measurement | None = None,
) -> tuple[DescriptionClip, pd.DataFrame]:
    """Fine-tune ``base``; keep the checkpoint with the best trade-off of accuracy and transfer.

    A finished run in ``folder`` is read back; a killed one goes on from its last evaluation,
    exactly. Returns the model and its curve, a row an evaluation: step, loss, accuracy,
    transfer_score, trade_off and one column a transfer task. ``before`` is what ``evaluate`` finds
    of the base model, if that is known already. Raises ``ValueError`` for settings that the model
    does not have, or a loss that is no longer finite.
    """
    fingerprint = run_fingerprint(settings, base, training)
    if (folder / "tuned.json").is_file() and read_json(folder / "tuned.json")["chosen"].get("run") == fingerprint:
        tuned, record = load_tuned(folder, base)
        return tuned.to(device), pd.DataFrame(record["curve"])
    torch.manual_seed(settings.seed)
    tuned = DescriptionClip(base, settings).to(device)
    optimiser = torch.optim.Adam(
        tuned.learned().values(), lr=settings.learning_rate, weight_decay=settings.weight_decay
    )
    checkpoint = folder / "checkpoint.pt"
    progress = restore_run(checkpoint, fingerprint, tuned, optimiser)
    points = {round(i * settings.steps / settings.evaluations) for i in range(1, settings.evaluations + 1)}
    if not progress["curve"]:
        record_measurement(progress, tuned, before or evaluate(tuned), settings, 0, float("nan"))
    losses: list[float] = []
    with progress_bar(total=settings.steps, initial=progress["step"], desc=settings.name, unit=" batches") as bar:
        for rows, partners in triplet_batches(len(training), settings, progress["step"]):
            if settings.patience and progress["waited"] >= settings.patience:
                break
            tuned.train()
            loss = objective_loss(
                settings.objective,
                tuned.tower,
                batch_of(tuned, training, rows, partners, base, device),
                tuned.scale(),
                tuned.site,
                tuned.subspace,
                settings.alpha,
            )
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            losses.append(loss.item())
            if not np.isfinite(losses[-1]):
                raise ValueError(f"{settings.name}: the loss became {losses[-1]}; lower the learning rate")
            progress["step"] += 1
            bar.update()
            if progress["step"] in points:
                measured = evaluate(tuned)
                record_measurement(progress, tuned, measured, settings, progress["step"], float(np.mean(losses)))
                bar.set_postfix(accuracy=f"{measured.accuracy:.3f}")
                losses = []
                with whole_file(checkpoint) as part:
                    torch.save(
                        progress
                        | {
                            "run": fingerprint,
                            "now": tuned.state(),
                            "optimiser": optimiser.state_dict(),
                            "rng": torch.get_rng_state(),
                        },
                        part,
                    )
    tuned.restore(progress["best"])
    chosen = progress["curve"][progress["chosen"]]
    tuned.eval().save(folder, progress["curve"], chosen | {"run": fingerprint})
    checkpoint.unlink(missing_ok=True)
    return tuned, pd.DataFrame(progress["curve"])


def batch_of(
    tuned: DescriptionClip, triplets: Triplets, rows: np.ndarray, partners: np.ndarray, base: Clip, device: str
) -> TripletBatch:
    """The triplets of an update, with the partners whose descriptions the intervention uses."""

    def images(which: np.ndarray) -> Tensor:
        if tuned.settings.towers == "both":
            return tuned.encode_images(read_pictures([triplets.images[i] for i in which], base))
        return triplets.features[which].to(device)

    return TripletBatch(
        images(rows),
        triplets.captions[rows].to(device),
        triplets.descriptions[rows].to(device),
        images(partners),
        triplets.descriptions[partners].to(device),
    )


def restore_run(checkpoint: Path, fingerprint: str, tuned: DescriptionClip, optimiser: Any) -> dict[str, Any]:
    """The state of a run: from its checkpoint if there is one of the same run, else from the start."""
    fresh: dict[str, Any] = {"step": 0, "curve": [], "chosen": 0, "best": {}, "waited": 0}
    if not checkpoint.is_file():
        return fresh
    state = torch.load(checkpoint, weights_only=True, map_location="cpu")
    if state.pop("run") != fingerprint:
        return fresh
    tuned.restore(state.pop("now"))
    optimiser.load_state_dict(state.pop("optimiser"))
    torch.set_rng_state(state.pop("rng"))
    return state


def record_measurement(
    progress: dict[str, Any],
    tuned: DescriptionClip,
    measured: Measurement,
    settings: TuningSettings,
    step: int,
    loss: float,
) -> None:
    """Add a row to the curve; keep the parameters if the trade-off is the best so far."""
    curve = progress["curve"]
    before = measured if not curve else Measurement(curve[0]["accuracy"], {t: curve[0][t] for t in measured.transfer})
    trade_off = measured.trade_off(before, settings.trade_off)
    best = max((row["trade_off"] for row in curve), default=-np.inf)
    curve.append(
        {
            "step": step,
            "loss": loss,
            "accuracy": measured.accuracy,
            "transfer_score": measured.score(before),
            "trade_off": trade_off,
            **measured.transfer,
        }
    )
    progress["waited"] += 1
    if trade_off > best:
        progress["chosen"], progress["best"], progress["waited"] = len(curve) - 1, tuned.state(), 0
