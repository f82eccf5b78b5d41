"""Where models run, in which number type, and how many processes there are."""

from types import SimpleNamespace

import pytest
import torch

from altlib.core import devices
from altlib.core.devices import distributed, pick_device, said_by_first_process
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
