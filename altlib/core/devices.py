"""Which device and number type is computed with, and how many processes share the work."""

from __future__ import annotations

import os
from typing import TypeVar

import torch

Said = TypeVar("Said")


def pick_device(device: str = "auto") -> str:
    """``auto`` -> cuda, mps or cpu, whichever is there first (through accelerate)."""
    if device != "auto":
        return device
    from accelerate import PartialState

    return str(PartialState(cpu=os.environ.get("ACCELERATE_USE_CPU", "") == "true").device)


def mixed_precision(device: str) -> torch.dtype:
    """bfloat16 where the processor computes in it natively, else float32."""
    if device.startswith("cuda"):
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float32
    if device == "cpu":
        capability = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
        flags = {k for k, v in capability.items() if v} if isinstance(capability, dict) else set()
        return torch.bfloat16 if flags & {"avx512_bf16", "amx_bf16", "bf16"} else torch.float32
    return torch.float32


def distributed() -> tuple[int, int]:
    """This process's number and how many there are, under ``accelerate launch``; (0, 1) otherwise."""
    if int(os.environ.get("WORLD_SIZE", "1")) < 2:
        return 0, 1
    from accelerate import PartialState

    state = PartialState()
    return state.process_index, state.num_processes


def wait_for_everyone() -> None:
    """Wait until all processes of ``accelerate launch`` are here; nothing otherwise."""
    if distributed()[1] > 1:
        from accelerate import PartialState

        PartialState().wait_for_everyone()


def said_by_first_process(value: Said) -> Said:
    """The first process's ``value``, on all processes of ``accelerate launch``."""
    if distributed()[1] < 2:
        return value
    from accelerate.utils import broadcast_object_list

    return broadcast_object_list([value])[0]
