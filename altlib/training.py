"""Train a captioner: teacher forcing, batches of similar length, early stopping, exact resumption."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import tempfile
import time
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from .backbones import mixed_precision, pick_device
from .captioner import Example, PrefixCaptioner, load_captioner
from .code import code_fingerprint
from .files import naming_full_disk, whole_file
from .progress import progress_bar

CODE = code_fingerprint("training")  # of what was loaded
SAVE_EVERY = 500  # optimiser steps between checkpoints within an epoch
POOL = 50  # batches that are sorted by length together
TOKENS_IN_MEMORY = 1_000_000  # before they are written to a file
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


class Examples(Sequence[Example]):
    """Many examples in two arrays: four bytes a token, where lists of numbers take ten times that.

    The tokens lie in a nameless file of ``folder`` (by default where temporary files go) and are
    read as they are used; in memory are 16 bytes an example.
    """

    def __init__(self, examples: Iterable[Example], folder: Path | None = None) -> None:
        ids, ends, written = array("i"), array("q", [0]), 0
        where = folder or tempfile.gettempdir()
        with naming_full_disk(where), tempfile.TemporaryFile(dir=where) as file:
            for example in examples:
                for part in (example.text, example.alt_text):
                    ids.extend(part)
                    ends.append(written + len(ids))
                if len(ids) > TOKENS_IN_MEMORY:
                    file.write(ids)
                    written += len(ids)
                    del ids[:]
            file.write(ids)
            file.flush()
            # An empty file cannot be mapped.
            self.ids = np.memmap(file, dtype=np.int32, mode="r") if ends[-1] else np.zeros(0, dtype=np.int32)
        self.ends = np.frombuffer(ends, dtype=np.int64)  # of post and alt text in turn, after a zero

    def __len__(self) -> int:
        return len(self.ends) // 2

    def __getitem__(self, i: Any) -> Any:
        """The example number ``i``, or the list of a slice."""
        if isinstance(i, slice):
            return [self[j] for j in range(*i.indices(len(self)))]
        if not -len(self) <= i < len(self):
            raise IndexError(i)
        first, middle, last = self.ends[2 * (i % len(self)) :][:3]
        return Example(self.ids[first:middle].tolist(), self.ids[middle:last].tolist())

    def lengths(self) -> list[int]:
        """:func:`example_length` of each."""
        return (np.diff(self.ends[::2]) + 2).tolist()


@dataclass
class CaptionData:
    """Token ids of posts and alt texts with their pictures' features.

    ``features`` (m, d_clip), of which example i has row ``rows[i]``, or row i without ``rows``:
    so a split of a corpus needs no copy of its features.
    """

    features: Tensor
    examples: Examples
    rows: Tensor | None = None

    def __len__(self) -> int:
        return len(self.examples)

    def batch(self, chosen: list[int]) -> tuple[Tensor, list[Example]]:
        """Features and examples of the chosen ones."""
        rows = chosen if self.rows is None else self.rows[chosen]
        return self.features[rows], [self.examples[i] for i in chosen]


def encode_posts(captioner: PrefixCaptioner, features: Tensor, texts: list[str], alt_texts: list[str]) -> CaptionData:
    """Tokenised examples for ``captioner``, in the order given."""
    return CaptionData(features, Examples(captioner.encode(t, a) for t, a in zip(texts, alt_texts, strict=True)))


def example_length(example: Example) -> int:
    """Tokens of an example, with the border."""
    return len(example.text) + len(example.alt_text) + 2


def bucketed_batches(lengths: list[int], batch_size: int, seed: int, epoch: int) -> list[list[int]]:
    """Batches of rows of similar length in random order; every row once.

    Rows are shuffled, cut into pools of 50 batches, sorted by length within a pool and cut
    into batches, which are shuffled. A function of ``(seed, epoch)`` alone.
    """
    rng = np.random.default_rng((seed, epoch))
    order = rng.permutation(len(lengths))
    batches: list[list[int]] = []
    for start in range(0, len(order), batch_size * POOL):
        pool = sorted(order[start : start + batch_size * POOL].tolist(), key=lambda i: lengths[i])
        batches += [pool[i : i + batch_size] for i in range(0, len(pool), batch_size)]
    return [batches[i] for i in rng.permutation(len(batches))]


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
    digest = hashlib.sha256(
        json.dumps([CODE, dataclasses.asdict(settings), dataclasses.asdict(captioner.config)], sort_keys=True).encode()
    )
    for start in range(0, len(data), HASHED_AT_ONCE):
        chosen = list(range(start, min(start + HASHED_AT_ONCE, len(data))))
        rows = chosen if data.rows is None else data.rows[chosen]
        digest.update(data.features[rows].numpy().tobytes())
    digest.update(data.examples.ids.data)
    digest.update(data.examples.ends.tobytes())
    for parameter in captioner.parameters():
        digest.update(parameter.detach().float().cpu().numpy().tobytes()[:4096])
    return digest.hexdigest()


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
