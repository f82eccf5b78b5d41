"""Where models run and in which precision."""

import torch

from altlib.core.devices import mixed_precision, pick_device


def test_precision_follows_the_processor():
    assert mixed_precision("cpu") in (torch.float32, torch.bfloat16)
    assert pick_device("cpu") == "cpu"
