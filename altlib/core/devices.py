"""Which device and number type is computed with, and how many processes share the work."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any, TypeVar

import torch

from altlib.core.errors import ParameterError

Said = TypeVar("Said")

BFLOAT16_FROM = 10_000_000  # parameters of the smallest model that computes in bfloat16
FLOAT32_ERROR = 1e-5  # of a product in float32 at most, as a share of its largest value
BFLOAT16_FLAGS = ("avx512_bf16", "amx_bf16", "bf16")  # of processors that multiply it natively


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

    Each of several processes has a device of its own, such as ``cuda:1``. Where the processor is
    chosen, products are from then on computed as :func:`multiply_by_onednn` says.

    Raises:
        ParameterError: Several processes run on devices of another kind than ``device``.
    """
    if device != "auto" and not several_processes():
        if device == "cpu":
            multiply_by_onednn()
        return device
    own = process_state().device
    if device != "auto" and torch.device(device).type != own.type:
        raise ParameterError(
            f"device is {device}, but the processes were started on {own.type}; set device to auto, "
            "or start them with ACCELERATE_USE_CPU=true to compute on the processor"
        )
    if own.type == "cpu":
        multiply_by_onednn()
    return str(own)


def multiply_by_onednn() -> bool:
    """Have oneDNN compute float32 products in this process, on processors on which MKL, torch's usual choice, is slow.

    On AMD's processors with avx512_bf16, MKL computes at half the rate of oneDNN. torch hands products
    to oneDNN if they may be computed in bfloat16. Without AMX, oneDNN computes them in float32 all the
    same; a product is computed to see whether it does. Attention is then computed from whole matrices,
    as torch's attention in blocks multiplies too little at a time for oneDNN; long sequences need
    :func:`attention_in_blocks`. A captioner trains 1.4 times as fast (``bench/products.py``).

    Returns:
        Whether oneDNN computes them.
    """
    if torch.get_float32_matmul_precision() != "highest":  # this was done before, or somebody has chosen otherwise
        return torch.get_float32_matmul_precision() == "medium"
    if torch.accelerator.is_available() or not torch.cpu.get_capabilities().get("avx512_bf16"):
        return False
    torch.set_float32_matmul_precision("medium")
    factor = torch.linspace(0.0, 1.0, 256 * 256).view(256, 256)
    exact = factor.double() @ factor.double()
    if (factor @ factor - exact).abs().max() > FLOAT32_ERROR * exact.abs().max():
        torch.set_float32_matmul_precision("highest")
        return False
    torch.backends.cuda.enable_flash_sdp(False)  # it is the processor's switch, too
    return True


@contextlib.contextmanager
def attention_in_blocks() -> Iterator[None]:
    """Compute attention in blocks within, whatever :func:`multiply_by_onednn` chose, as long sequences need it.

    From some 200 tokens on, blocks are faster than whole matrices, and their memory does not grow with
    the square of the length.
    """
    chosen = torch.backends.cuda.flash_sdp_enabled()
    torch.backends.cuda.enable_flash_sdp(True)
    try:
        yield
    finally:
        torch.backends.cuda.enable_flash_sdp(chosen)


def mixed_precision(device: str, parameters: int) -> torch.dtype:
    """The number type of matrix products: bfloat16 where the device computes in it and the model is large enough.

    On a processor with avx512_bf16, bfloat16 trains a language model 1.2 times and decodes 1.06 times as
    fast as float32 at the miniature's 2.2 million parameters, 1.4 and 1.3 times at 12 million. Below
    :data:`BFLOAT16_FROM` float32 is kept: it costs little, and the numbers are the same on all machines.

    Args:
        device: cpu, cuda (or one of them, such as cuda:1) or mps.
        parameters: Of the model.
    """
    if parameters < BFLOAT16_FROM:
        return torch.float32
    if device.startswith("cuda"):
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float32
    if device == "cpu" and any(torch.cpu.get_capabilities().get(name) for name in BFLOAT16_FLAGS):
        return torch.bfloat16
    return torch.float32


def compute_in(device: torch.device, precision: torch.dtype) -> torch.autocast:
    """Compute matrix products in a number type within."""
    return torch.autocast(device.type, precision, enabled=precision != torch.float32)


def precision_name(precision: torch.dtype) -> str:
    """A number type as readers know it, such as float32."""
    return str(precision).removeprefix("torch.")


def precision_note(precision: str, device: str) -> str:
    """A sentence that says in which number type and on which device models computed.

    Args:
        precision: From :func:`precision_name`.
        device: Such as cpu or cuda:1.
    """
    return f"Matrix products were computed in {precision} on {torch.device(device).type}."


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
