"""What the stages of pretraining share: checkpoints, so that a run that is stopped goes on; optimiser; fast arithmetic."""

from __future__ import annotations

import time
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from altlib.core.files import whole_file

SAVE_EVERY = 180  # seconds between checkpoints


@dataclass
class Stage:
    """How far a stage of pretraining is, kept in a file.

    Attributes:
        name: Of the stage.
        parts: What has a state: the model, the optimiser, its schedule.
        file: Where the checkpoint is kept; None keeps none.
        key: Of everything that the stage follows from; a checkpoint with another key is not read.
        step: Updates that are done.
        rows: Measurements so far.
        extra: Numbers that change from update to update.
        seconds: Time that the updates took before this process began.
    """

    name: str
    parts: dict[str, Any]
    file: Path | None
    key: str = ""
    step: int = 0
    rows: list[dict] = field(default_factory=list)
    extra: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    started: float = field(default_factory=time.time)
    saved: float = field(default_factory=time.time)

    def restore(self) -> None:
        """Go on from the checkpoint, if there is one of the same stage."""
        if self.file is None or not self.file.is_file():
            return
        kept = torch.load(self.file, weights_only=True, map_location="cpu")
        if kept.get("key") != self.key or kept.get("name") != self.name:
            return
        for name, part in self.parts.items():
            part.load_state_dict(kept["parts"][name])
        self.step, self.rows, self.extra, self.seconds = kept["step"], kept["rows"], kept["extra"], kept["seconds"]
        print(f"{self.name}: resuming after {self.step} updates")

    def elapsed(self) -> float:
        """Seconds of this stage in all processes that worked on it."""
        return self.seconds + time.time() - self.started

    def save(self, at_once: bool = False) -> None:
        """Write the checkpoint, if the last one is some minutes old or ``at_once`` is true."""
        if self.file is None or (not at_once and time.time() - self.saved < SAVE_EVERY):
            return
        self.file.parent.mkdir(parents=True, exist_ok=True)
        state = {
            "name": self.name,
            "key": self.key,
            "parts": {name: part.state_dict() for name, part in self.parts.items()},
            "step": self.step,
            "rows": self.rows,
            "extra": self.extra,
            "seconds": self.elapsed(),
        }
        with whole_file(self.file) as part:
            torch.save(state, part)
        self.saved = time.time()


def fast_arithmetic() -> Any:
    """A context in which matrix products and convolutions use bfloat16, if this processor has it."""
    able = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    fast = any(able.get(flag) for flag in ("avx512_bf16", "amx_bf16", "bf16"))
    return torch.autocast("cpu", torch.bfloat16) if fast else nullcontext()


def adamw(model: Any, learning_rate: float, eps: float = 1e-8) -> torch.optim.AdamW:
    """AdamW as CLIP uses it: weight decay 0.1 on matrices, none on biases, norms and scales.

    Args:
        model: Whose parameters learn.
        learning_rate: The highest one.
        eps: Added to the denominator.
    """
    learning = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in learning if p.ndim > 1], "weight_decay": 0.1},
        {"params": [p for p in learning if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=learning_rate, betas=(0.9, 0.98), eps=eps)


def descend(loss: Tensor, optimiser: torch.optim.Optimizer, schedule: Any) -> None:
    """One update of a model and its learning rate, its gradient clipped at a norm of 1.

    Args:
        loss: A scalar.
        optimiser: Of the parameters that learn.
        schedule: Of the learning rate.
    """
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    learning = [p for group in optimiser.param_groups for p in group["params"] if p.grad is not None]
    torch.nn.utils.clip_grad_norm_(learning, 1.0)
    optimiser.step()
    schedule.step()
