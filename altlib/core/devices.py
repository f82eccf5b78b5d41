"""Which device and number type is computed with, and how many processes share the work."""

from __future__ import annotations

import os
from typing import Any, TypeVar

import torch

from altlib.core.errors import ParameterError

Said = TypeVar("Said")


def several_processes() -> bool:
    """Whether this process is one of several that ``accelerate launch`` or ``torchrun`` started."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


def process_state() -> Any:
    """accelerate's ``PartialState``: this process's number, how many there are, and the device of this one.

    Without an accelerator, or where ``ACCELERATE_USE_CPU`` asks for it, the processes compute on the
    processor. accelerate must be told so: otherwise each of several processes would take itself for
    the only one.
    """
    from accelerate import PartialState
    from accelerate.utils import parse_flag_from_env

    return PartialState(cpu=parse_flag_from_env("ACCELERATE_USE_CPU") or not torch.accelerator.is_available())


def pick_device(device: str = "auto") -> str:
    """The device that a name means: ``auto`` is cuda, mps or cpu, whichever is there first.

    Each of several processes has a device of its own, such as ``cuda:1``.

    Raises:
        ParameterError: Several processes run on devices of another kind than ``device``.
    """
    if device != "auto" and not several_processes():
        return device
    own = process_state().device
    if device != "auto" and torch.device(device).type != own.type:
        raise ParameterError(
            f"device is {device}, but the processes were started on {own.type}; set device to auto, "
            "or start them with ACCELERATE_USE_CPU=true to compute on the processor"
        )
    return str(own)


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
    """This process's number and how many there are; (0, 1) if it is alone."""
    if not several_processes():
        return 0, 1
    state = process_state()
    return state.process_index, state.num_processes


def wait_for_everyone() -> None:
    """Wait until all processes are here; nothing otherwise."""
    if several_processes():
        process_state().wait_for_everyone()


def said_by_first_process(value: Said) -> Said:
    """The first process's ``value``, on all processes."""
    if not several_processes():
        return value
    from accelerate.utils import broadcast_object_list

    return broadcast_object_list([value])[0]
