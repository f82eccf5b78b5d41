"""Image-text-to-text models of transformers, as they are published: LLaVA, BLIP-2 and their like."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from altlib.core.model_names import offline_hint
from altlib.core.progress import hide_bars_of_loading


def load_image_text_model(name: str) -> tuple[Any, Any]:
    """A model in the number type that it was published in, and its processor; weights are read from safetensors only.

    Args:
        name: A folder or a hub name, such as ``llava-hf/llava-v1.6-vicuna-7b-hf``.

    Raises:
        BackboneError: The model can be neither found nor downloaded.
    """
    from transformers import AutoModelForImageTextToText, AutoProcessor

    hide_bars_of_loading()
    try:
        processor = AutoProcessor.from_pretrained(name)
        model: Any = AutoModelForImageTextToText.from_pretrained(name, use_safetensors=True)
    except (OSError, ValueError) as error:
        raise offline_hint("image-to-text", name, error) from error
    return model.eval(), processor


def cast_parameters(model: nn.Module, precision: torch.dtype) -> None:
    """Turn what a model computes with into a number type, whatever it was published in: LLaVA is in float16.

    What learns becomes float32: in half precision, small updates would be lost or become NaN. Buffers
    stay as they are: the frequencies of rotary positions need float32.
    """
    for p in model.parameters():
        p.data = p.data.to(torch.float32 if p.requires_grad else precision)
