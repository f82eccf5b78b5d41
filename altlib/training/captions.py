"""Train a captioner: teacher forcing, batches of similar length, early stopping, exact resumption."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from altlib.core.cache_keys import Key
from altlib.core.code_imports import code_fingerprint
from altlib.core.devices import mixed_precision, pick_device
from altlib.core.files import whole_file
from altlib.core.progress import progress_bar
from altlib.models.captioner import PrefixCaptioner, load_captioner
from altlib.training.examples import CaptionData, bucketed_batches

CODE = code_fingerprint("training.captions")


SAVE_EVERY = 500  # optimiser steps between checkpoints within an epoch


HASHED_AT_ONCE = 8192  # pictures


@dataclass(frozen=True)
class TrainingSettings:
    """How a captioner is trained; the defaults are the paper's (appendix C).

    ``learning_rate`` of Adam; ``schedule`` constant, or linear to zero over ``epochs``;
    ``batch_size`` examples an update, ``micro_batch`` of them at a time in memory (0: all);
    ``patience`` epochs without a better validation likelihood before stopping.
    """

    epochs: int = 20
    batch_size: int = 100
    micro_batch: int = 0
    learning_rate: float = 1e-4
    schedule: str = "constant"
    patience: int = 2
    gradient_clip: float = 1.0
    seed: int = 0


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
        with torch.autocast(device.type, precision, enabled=precision != torch.float32):
            losses, owners = captioner.token_losses(features.to(device), examples)
        both = torch.stack([losses.cpu().double(), torch.ones(len(losses), dtype=torch.float64)], dim=1)
        found.index_add_(0, torch.tensor(rows)[owners.cpu()], both)
    return found


def validation_loss(captioner: PrefixCaptioner, data: CaptionData, batch_size: int, precision: torch.dtype) -> float:
    """Mean negative log-likelihood a token (nats) over ``data``."""
    total, tokens = example_losses(captioner, data, batch_size, precision).sum(0).tolist()
    return total / max(tokens, 1)


def data_fingerprint(captioner: PrefixCaptioner, settings: TrainingSettings, data: CaptionData) -> str:
    """What a training run follows from; a checkpoint of another run is not resumed."""

    def blocks() -> Iterator[Tensor]:
        for start in range(0, len(data), HASHED_AT_ONCE):
            chosen = list(range(start, min(start + HASHED_AT_ONCE, len(data))))
            yield data.features[chosen if data.rows is None else data.rows[chosen]]

    key = Key(CODE, settings=settings, config=captioner.config, weights=captioner, features=blocks())
    return str(key.add(tokens=data.examples.ids, ends=data.examples.ends))


def trainable_state(captioner: PrefixCaptioner) -> dict[str, Tensor]:
    """Copies of the parameters that learn, on the CPU."""
    return {n: p.detach().cpu().clone() for n, p in captioner.named_parameters() if p.requires_grad}


def restore_state(captioner: PrefixCaptioner, state: dict[str, Tensor]) -> None:
    """Put :func:`trainable_state` back."""
    parameters = dict(captioner.named_parameters())
    with torch.no_grad():
        for name, value in state.items():
            parameters[name].copy_(value)


class Progress:
    """All that must be kept for a training run to go on exactly: see :meth:`save`."""

    def __init__(self) -> None:
        self.epoch = 0
        self.step = 0  # batches of this epoch that are done
        self.loss_sum = 0.0
        self.tokens = 0
        self.seconds = 0.0
        self.history: list[dict] = []
        self.best_loss = math.inf
        self.best_epoch = 0
        self.best_state: dict[str, Tensor] = {}

    def save(self, path: Path, fingerprint: str, captioner: PrefixCaptioner, optimiser: Any, scheduler: Any) -> None:
        """Write the checkpoint, whole or not at all."""
        state = {
            **self.__dict__,
            "fingerprint": fingerprint,
            "parameters": trainable_state(captioner),
            "optimiser": optimiser.state_dict(),
            "scheduler": scheduler.state_dict(),
            "rng": torch.get_rng_state(),
            "cuda_rng": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        }
        with whole_file(path) as part:
            torch.save(state, part)

    def restore(self, path: Path, fingerprint: str, captioner: PrefixCaptioner, optimiser: Any, scheduler: Any) -> bool:
        """Read a checkpoint if it is of the same run; returns whether it was."""
        if not path.is_file():
            return False
        state = torch.load(path, weights_only=True, map_location="cpu")
        if state.pop("fingerprint") != fingerprint:
            return False
        restore_state(captioner, state.pop("parameters"))
        optimiser.load_state_dict(state.pop("optimiser"))
        scheduler.load_state_dict(state.pop("scheduler"))
        torch.set_rng_state(state.pop("rng"))
        if cuda := state.pop("cuda_rng"):
            torch.cuda.set_rng_state_all(cuda)
        self.__dict__.update(state)
        return True


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

    A checkpoint in ``folder`` lets a killed run go on exactly where it was; a finished run is
    read back instead of repeated. Under ``accelerate launch`` each process takes its share of
    every batch, and the loss is the same as with one. Returns the captioner and its curve, a
    row an epoch: epoch, training_loss, validation_loss (nats a token), seconds, examples_per_second.
    Raises ``ValueError`` if there is nothing to train on or the loss is no longer finite.
    """
    from accelerate import Accelerator

    if not len(training) or not len(validation):
        raise ValueError(
            f"captioner {name}: {len(training)} training and {len(validation)} validation examples; both are needed"
        )
    fingerprint = data_fingerprint(captioner, settings, training)
    curve_file = folder / "curve.json"
    if curve_file.is_file():
        kept = json.loads(curve_file.read_text())
        if kept["fingerprint"] == fingerprint:
            return load_captioner(folder, pick_device(device)), pd.DataFrame(kept["history"])
    accelerator = Accelerator(cpu=device == "cpu")
    precision = mixed_precision(accelerator.device.type)
    learning = [p for p in captioner.parameters() if p.requires_grad]
    optimiser = torch.optim.Adam(learning, lr=settings.learning_rate, fused=True)
    steps_an_epoch = math.ceil(len(training) / settings.batch_size)
    total = settings.epochs * steps_an_epoch
    scheduler = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: 1.0 if settings.schedule == "constant" else max(0.0, 1 - step / total)
    )
    captioner.to(accelerator.device)
    wrapped = accelerator.prepare_model(captioner)
    torch.manual_seed(settings.seed)
    progress = Progress()
    checkpoint = folder / "checkpoint.pt"
    if progress.restore(checkpoint, fingerprint, captioner, optimiser, scheduler):
        print(f"{name}: resuming at epoch {progress.epoch + 1}, batch {progress.step + 1}")
    lengths = training.examples.lengths()
    with progress_bar(
        total=total, initial=progress.epoch * steps_an_epoch + progress.step, desc=f"training {name}", unit=" batches"
    ) as bar:
        while progress.epoch < settings.epochs and progress.epoch - progress.best_epoch < max(settings.patience, 1) + (
            progress.best_epoch == 0
        ):
            started = time.perf_counter()
            captioner.train()
            batches = bucketed_batches(lengths, settings.batch_size, settings.seed, progress.epoch)
            for chosen in batches[progress.step :]:
                loss, tokens = update(wrapped, training, chosen, optimiser, learning, settings, accelerator, precision)
                if not math.isfinite(loss):
                    raise ValueError(
                        f"captioner {name}: the loss became {loss} in epoch {progress.epoch + 1}; lower the learning rate"
                    )
                scheduler.step()
                progress.loss_sum += loss
                progress.tokens += tokens
                progress.step += 1
                bar.update()
                if progress.step % SAVE_EVERY == 0 and accelerator.is_main_process:
                    progress.save(checkpoint, fingerprint, captioner, optimiser, scheduler)
            captioner.eval()
            spent = time.perf_counter() - started
            held_out = validation_loss(captioner, validation, settings.batch_size, precision)
            progress.epoch += 1
            progress.history.append(
                {
                    "epoch": progress.epoch,
                    "training_loss": progress.loss_sum / progress.tokens,
                    "validation_loss": held_out,
                    "seconds": spent,
                    "examples_per_second": len(training) / spent,
                }
            )
            bar.set_postfix(validation=f"{held_out:.3f}")
            progress.step, progress.loss_sum, progress.tokens = 0, 0.0, 0
            if held_out < progress.best_loss:
                progress.best_loss, progress.best_epoch, progress.best_state = (
                    held_out,
                    progress.epoch,
                    trainable_state(captioner),
                )
            if accelerator.is_main_process:
                progress.save(checkpoint, fingerprint, captioner, optimiser, scheduler)
    restore_state(captioner, progress.best_state)
    captioner.eval()
    if accelerator.is_main_process:
        captioner.save(folder)
        with whole_file(curve_file) as part:
            part.write_text(
                json.dumps(
                    {"fingerprint": fingerprint, "best_epoch": progress.best_epoch, "history": progress.history},
                    indent=2,
                )
            )
        checkpoint.unlink(missing_ok=True)
    accelerator.wait_for_everyone()
    return captioner, pd.DataFrame(progress.history)


def update(
    wrapped: Any,
    data: CaptionData,
    chosen: list[int],
    optimiser: Any,
    learning: Sequence[Tensor],
    settings: TrainingSettings,
    accelerator: Any,
    precision: torch.dtype,
) -> tuple[float, int]:
    """One optimiser step on the rows ``chosen``; returns the summed loss (nats) and the tokens.

    The loss is normalised by the tokens of the whole batch, however many micro-batches and
    processes it is split into.
    """
    device = accelerator.device
    ends = data.examples.ends
    tokens = sum(int(ends[2 * i + 2] - ends[2 * i + 1]) + 1 for i in chosen)
    mine = chosen[accelerator.process_index :: accelerator.num_processes]
    size = settings.micro_batch or max(len(mine), 1)
    total = torch.zeros((), device=device)
    optimiser.zero_grad(set_to_none=True)
    for part in micro_batches(mine, size):
        features, examples = data.batch(part)
        with torch.autocast(device.type, precision, enabled=precision != torch.float32):
            loss = wrapped(features.to(device), examples)
        # Gradients are averaged over processes, so the mean over the whole batch needs their number back.
        accelerator.backward(loss * (accelerator.num_processes / tokens))
        total += loss.detach()
    torch.nn.utils.clip_grad_norm_(learning, settings.gradient_clip)
    optimiser.step()
    return float(accelerator.reduce(total, "sum")), tokens


def micro_batches(rows: list[int], size: int) -> Iterator[list[int]]:
    """Consecutive parts of ``rows`` of at most ``size``."""
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
