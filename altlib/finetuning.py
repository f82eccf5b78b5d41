"""Fine-tune CLIP to prefer descriptions: triplets, LoRA or full, checkpoints chosen by the accuracy-transfer trade-off."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from .backbones import Clip
from .code import code_fingerprint
from .features import read_pictures
from .files import read_json, whole_file, write_json
from .interventions import RotatedSubspace, Site
from .objectives import TripletBatch, objective_loss
from .progress import progress_bar
from .text_tower import TextTower, split_attention
from .transfer import TransferTask, base_encoder, evaluate_tasks
from .triplets import Triplets

CODE = code_fingerprint("finetuning")  # of what was loaded
LORA_TARGETS = {
    "all-linear": ["q_proj", "k_proj", "v_proj", "out_proj", "c_fc", "c_proj"],
    "attention": ["q_proj", "k_proj", "v_proj", "out_proj"],
    "query-value": ["q_proj", "v_proj"],
}
TUNINGS = ("full", "lora")
TOWERS = ("text", "both")


# ---- what learns ----


@dataclass(frozen=True)
class TuningSettings:
    """How CLIP is fine-tuned; the defaults are the paper's for LoRA with the behavioural objective (appendix B).

    ``objective`` behavioural, iit-das or joint (with ``alpha``); ``tuning`` full or lora (with
    ``rank``, ``dropout`` and ``targets``); ``towers`` text or both; ``layer`` and ``subspace``
    the intervention site; ``steps`` updates of ``batch_size`` triplets, at ``evaluations``
    points of which the model is evaluated; ``trade_off`` the weight of accuracy against transfer
    when a checkpoint is chosen; ``patience`` evaluations without a better trade-off before
    stopping (0: never).
    """

    objective: str = "behavioural"
    tuning: str = "lora"
    towers: str = "text"
    alpha: float = 0.5
    layer: int = 10
    subspace: int = 256
    rank: int = 64
    dropout: float = 0.0
    targets: str = "attention"
    learning_rate: float = 0.5e-6
    weight_decay: float = 0.0
    batch_size: int = 12
    steps: int = 1000
    evaluations: int = 10
    trade_off: float = 0.9
    patience: int = 0
    seed: int = 0

    @property
    def name(self) -> str:
        """Such as ``iit-das-lora-0``."""
        return f"{self.objective}-{self.tuning}-{self.seed}"


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


class DescriptionClip(nn.Module):
    """A CLIP that is being, or has been, fine-tuned, with its subspace where the objective has one."""

    def __init__(self, base: Clip, settings: TuningSettings):
        super().__init__()
        if settings.tuning not in TUNINGS:
            raise ValueError(f"unknown fine-tuning {settings.tuning!r}; known: {', '.join(TUNINGS)}")
        if settings.towers not in TOWERS:
            raise ValueError(f"unknown towers {settings.towers!r}; known: {', '.join(TOWERS)}")
        if settings.targets not in LORA_TARGETS:
            raise ValueError(f"unknown LoRA targets {settings.targets!r}; known: {', '.join(LORA_TARGETS)}")
        self.settings = settings
        self.base_fingerprint = base.fingerprint
        self.model = copy.deepcopy(base.model).float()
        self.model.requires_grad_(False)
        self.tower = TextTower(self.model)
        self.site = Site(settings.layer, settings.subspace)
        self.subspace: RotatedSubspace | None = None
        if settings.objective != "behavioural":
            self.site.check(self.tower)
            self.subspace = RotatedSubspace(self.tower.width, settings.subspace, settings.seed)
        parts = [self.tower.text.transformer]
        if settings.towers == "both" and hasattr(self.model.visual, "transformer"):
            parts.append(self.model.visual.transformer)
        elif settings.towers == "both" and settings.tuning == "lora":
            raise ValueError(
                "LoRA on both towers needs a vision transformer; this model's vision tower is a "
                f"{type(self.model.visual).__name__}: tune the text tower alone, or fully"
            )
        for part in parts:
            split_attention(part)
        if settings.tuning == "lora":
            self.add_lora(parts)
        else:
            self.unfreeze()

    def add_lora(self, parts: list[nn.Module]) -> None:
        """Low-rank updates on the chosen linear layers, through peft."""
        from peft import LoraConfig, inject_adapter_in_model

        config = LoraConfig(
            r=self.settings.rank,
            lora_alpha=self.settings.rank,
            lora_dropout=self.settings.dropout,
            target_modules=LORA_TARGETS[self.settings.targets],
        )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.settings.seed)
            for part in parts:
                inject_adapter_in_model(config, part)

    def unfreeze(self) -> None:
        """Let every parameter of the chosen towers learn; the logit scale belongs to both."""
        if self.settings.towers == "both":
            self.model.requires_grad_(True)
        else:
            text = self.tower.text
            for name, parameter in text.named_parameters():
                parameter.requires_grad_(not name.startswith("visual.") and name not in ("logit_scale", "logit_bias"))

    def learned(self) -> dict[str, nn.Parameter]:
        """The parameters that learn, by name."""
        return {n: p for n, p in self.named_parameters() if p.requires_grad}

    def state(self) -> dict[str, Tensor]:
        """Copies of what has been learned, on the CPU."""
        return {n: p.detach().cpu().clone() for n, p in self.learned().items()}

    @torch.no_grad()
    def restore(self, state: dict[str, Tensor]) -> None:
        """Put :meth:`state` back. Raises ``ValueError`` if it belongs to a model of another shape."""
        own = self.learned()
        if set(own) != set(state) or any(own[n].shape != state[n].shape for n in own):
            raise ValueError("the saved parameters do not fit this CLIP model")
        for name, value in state.items():
            own[name].copy_(value)

    @torch.inference_mode()
    def encode_texts(self, tokens: Tensor, batch_size: int = 256) -> Tensor:
        """Unit-length text embeddings of token ids, (n, context) -> (n, width) on the CPU; order kept, lengths bucketed."""
        self.eval()
        device = self.model.logit_scale.device
        order = self.tower.pooled(tokens).argsort()
        parts = [self.tower(tokens[rows].to(device)).float().cpu() for rows in order.split(batch_size)]
        out = torch.empty(len(tokens), parts[0].shape[1] if parts else 0)
        if parts:
            out[order] = torch.cat(parts)
        return out

    def encode_images(self, pixels: Tensor) -> Tensor:
        """Unit-length image embeddings, (B, 3, H, W) -> (B, width)."""
        return self.model.encode_image(pixels.to(self.model.logit_scale.device), normalize=True).float()

    def scale(self) -> Tensor:
        """The logit scale, ()."""
        return self.model.logit_scale.exp()

    def save(self, folder: Path, rows: list[dict], chosen: dict) -> None:
        """Write ``tuned.safetensors`` and ``tuned.json``, each whole or not at all."""
        with whole_file(folder / "tuned.safetensors") as part:
            save_file({n: v.contiguous() for n, v in self.state().items()}, part)
        write_json(
            folder / "tuned.json",
            {"settings": asdict(self.settings), "base": self.base_fingerprint, "curve": rows, "chosen": chosen},
        )


def load_tuned(folder: Path, base: Clip) -> tuple[DescriptionClip, dict]:
    """Read what :meth:`DescriptionClip.save` wrote, and its record.

    Raises ``FileNotFoundError`` if there is none, ``ValueError`` if it was tuned from other weights.
    """
    if not (folder / "tuned.json").is_file():
        raise FileNotFoundError(f"there is no fine-tuned CLIP in {folder}: run 06-clip-prefers-descriptions first")
    record = read_json(folder / "tuned.json")
    if record["base"] != base.fingerprint:
        raise ValueError(f"{folder} was tuned from other CLIP weights than {base.name} has now; run the chapter again")
    tuned = DescriptionClip(base, TuningSettings(**record["settings"]))
    tuned.restore(load_file(folder / "tuned.safetensors"))
    return tuned.eval(), record


# ---- training ----


def description_accuracy(images: Tensor, captions: Tensor, descriptions: Tensor) -> float:
    """Share of pictures whose description outscores the caption; three (n, width) tensors of unit vectors."""
    return float(((images * descriptions).sum(1) > (images * captions).sum(1)).float().mean())


def accuracy_of(tuned: DescriptionClip, triplets: Triplets, clip: Clip) -> float:
    """:func:`description_accuracy` of a tuned model on triplets."""
    images = triplets.features
    if tuned.settings.towers == "both":
        images = picture_embeddings(tuned, triplets.images, clip)
    texts = tuned.encode_texts(torch.cat([triplets.captions, triplets.descriptions]))
    captions, descriptions = texts.split(len(triplets))
    return description_accuracy(images, captions, descriptions)


def base_accuracy(base: Clip, triplets: Triplets) -> float:
    """:func:`description_accuracy` of the pretrained model on triplets."""
    encode = base_encoder(base)
    texts = encode(torch.cat([triplets.captions, triplets.descriptions]))
    captions, descriptions = texts.split(len(triplets))
    return description_accuracy(triplets.features, captions, descriptions)


def transfer_of(
    tuned: DescriptionClip, tasks: list[TransferTask], labels: dict[str, Tensor], reporting: bool
) -> dict[str, float]:
    """Macro-F1 of a tuned model by task; see :func:`altlib.transfer.evaluate_tasks`."""
    images = tuned.encode_images if tuned.settings.towers == "both" else None
    return evaluate_tasks(tasks, labels, tuned.encode_texts, reporting, images)


@torch.inference_mode()
def picture_embeddings(tuned: DescriptionClip, paths: list[str], clip: Clip, batch_size: int = 64) -> Tensor:
    """Image embeddings of a model whose vision tower learned too, (n, width) on the CPU."""
    return torch.cat(
        [
            tuned.encode_images(read_pictures(paths[i : i + batch_size], clip)).cpu()
            for i in range(0, len(paths), batch_size)
        ]
    )


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
    digest = hashlib.sha256(json.dumps([CODE, asdict(settings), base.fingerprint], sort_keys=True).encode())
    for tensor in (triplets.features, triplets.captions, triplets.descriptions):
        digest.update(tensor.numpy().tobytes())
    return digest.hexdigest()


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
