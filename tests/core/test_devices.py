"""Where models run, in which number type, and how many processes there are."""

from types import MappingProxyType, SimpleNamespace

import pytest
import torch

from altlib.core import devices
from altlib.core.devices import BFLOAT16_FROM, distributed, mixed_precision, pick_device, said_by_first_process
from altlib.core.errors import ParameterError


@pytest.fixture
def second_of_three(monkeypatch):
    """This process as the second of three on GPUs."""
    monkeypatch.setenv("WORLD_SIZE", "3")
    state = SimpleNamespace(device=torch.device("cuda", 1), process_index=1, num_processes=3)
    monkeypatch.setattr(devices, "process_state", lambda: state)


def test_a_process_alone_uses_the_device_that_is_named():
    assert [pick_device(name) for name in ("cpu", "cuda", "mps")] == ["cpu", "cuda", "mps"]
    assert pick_device("auto") == "cpu" or torch.accelerator.is_available()
    assert distributed() == (0, 1)
    assert said_by_first_process({"loss": 1.0}) == {"loss": 1.0}


def test_each_of_several_processes_has_a_device_of_its_own(second_of_three):
    assert pick_device("auto") == pick_device("cuda") == "cuda:1"
    assert distributed() == (1, 3)


def test_several_processes_on_gpus_cannot_be_asked_for_the_processor(second_of_three):
    with pytest.raises(ParameterError, match="device is cpu, but the processes were started on cuda"):
        pick_device("cpu")


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ({"avx512_bf16": True, "avx2": True}, torch.bfloat16),
        ({"amx_bf16": True}, torch.bfloat16),
        ({"avx512_bf16": False, "avx2": True}, torch.float32),
        ({}, torch.float32),
    ],
)
def test_large_models_compute_in_bfloat16_where_the_processor_does(monkeypatch, flags, expected):
    """torch says what a processor can in a mapping that cannot be changed, not in a dict."""
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: MappingProxyType(flags))
    assert mixed_precision("cpu", BFLOAT16_FROM) == expected
    assert mixed_precision("cpu", BFLOAT16_FROM - 1) == torch.float32


def test_the_real_processor_says_what_it_can():
    known = torch.cpu.get_capabilities()
    native = any(known.get(name) for name in devices.BFLOAT16_FLAGS)
    assert mixed_precision("cpu", 10**9) == (torch.bfloat16 if native else torch.float32)
