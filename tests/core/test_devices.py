"""Where models run, in which number type, and how many processes there are."""

from types import MappingProxyType, SimpleNamespace

import pytest
import torch

from altlib.core import devices
from altlib.core.devices import BFLOAT16_FROM, distributed, mixed_precision, pick_device, said_by_first_process
from altlib.core.errors import ParameterError
from altlib.models.captioner import CaptionerConfig, build_captioner


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


def gradients(captioner, examples):
    captioner.zero_grad()
    features = torch.randn(len(examples), captioner.config.clip_width, generator=torch.Generator().manual_seed(1))
    loss = captioner(features, examples)
    loss.backward()
    return torch.cat([loss.detach()[None], *(p.grad.flatten() for p in captioner.parameters() if p.grad is not None)])


def test_products_by_onednn_are_float32_products():
    captioner = build_captioner(CaptionerConfig("miniature", clip_width=32, max_tokens=60), 0)
    examples = [captioner.encode("Brew day!", "Two growlers on a red cloth."), captioner.encode("", "A mug.")]
    before = gradients(captioner, examples)
    if not devices.multiply_by_onednn():
        pytest.skip("this processor computes products as torch does by itself")
    assert torch.get_float32_matmul_precision() == "medium" and devices.multiply_by_onednn()
    torch.testing.assert_close(gradients(captioner, examples), before, rtol=1e-3, atol=1e-4)
    made = torch.Generator().manual_seed(0)
    for m, k, n in [(1, 256, 768), (3, 17, 5), (100, 256, 2048), (2048, 512, 512)]:
        a, b = torch.randn(m, k, generator=made), torch.randn(k, n, generator=made)
        exact = a.double() @ b.double()
        assert (a @ b - exact).abs().max() < 1e-5 * exact.abs().max()


@pytest.mark.parametrize("reason", ["flags", "error"])
def test_products_stay_as_they_are_where_onednn_is_no_faster_or_not_exact(monkeypatch, reason):
    flags = {"avx512_bf16": reason == "error"}
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: flags)
    monkeypatch.setattr(devices, "FLOAT32_ERROR", -1.0 if reason == "error" else 1.0)
    assert not devices.multiply_by_onednn() and pick_device("cpu") == "cpu"
    assert torch.get_float32_matmul_precision() == "highest" and torch.backends.cuda.flash_sdp_enabled()


def test_attention_is_computed_in_blocks_only_where_it_is_asked_for():
    torch.backends.cuda.enable_flash_sdp(False)
    with pytest.raises(ValueError), devices.attention_in_blocks():
        assert torch.backends.cuda.flash_sdp_enabled()
        raise ValueError
    assert not torch.backends.cuda.flash_sdp_enabled()


def test_who_chose_another_precision_keeps_it():
    torch.set_float32_matmul_precision("high")
    assert pick_device("cpu") == "cpu" and not devices.multiply_by_onednn()
    assert torch.get_float32_matmul_precision() == "high" and torch.backends.cuda.flash_sdp_enabled()
