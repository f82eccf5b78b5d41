"""Image-text-to-text models of transformers, as they are published: LLaVA, BLIP-2 and their like."""

from __future__ import annotations

from typing import Any

import torch

from altlib.core.devices import mixed_precision
from altlib.core.model_names import offline_hint
from altlib.core.progress import hide_bars_of_loading


def load_image_text_model(name: str, device: str = "cpu", learns: bool = False) -> tuple[Any, Any]:
    """A model on its device, in the number type that is fastest there, and its processor; weights are read from safetensors only.

    LLaVA and others are published in float16. Where a device computes in bfloat16, a large model is
    bfloat16; on other processors it is float32. On other accelerators it stays as it was published,
    unless it is to learn, since updates in float16 become NaN.

    Args:
        name: A folder or a hub name, such as ``llava-hf/llava-v1.6-vicuna-7b-hf``.
        device: Where the model is put.
        learns: Whether it is to learn.

    Raises:
        BackboneError: The model can be neither found nor downloaded.
    """
    from transformers import AutoConfig, AutoModelForImageTextToText, AutoProcessor

    hide_bars_of_loading()
    try:
        with torch.device("meta"):
            size = AutoModelForImageTextToText.from_config(AutoConfig.from_pretrained(name)).num_parameters()
        precision = mixed_precision(device, size)
        kept = precision == torch.float32 and not learns and torch.device(device).type != "cpu"
        model: Any = AutoModelForImageTextToText.from_pretrained(
            name, use_safetensors=True, dtype="auto" if kept else precision
        )
        processor = AutoProcessor.from_pretrained(name)
    except (OSError, ValueError) as error:
        raise offline_hint("image-to-text", name, error) from error
    return model.to(device).eval(), processor


def without_special_tokens(processor: Any, text: str) -> str:
    """A text in which nothing is read as a special token, such as the place of a picture: ``<image>`` becomes ``< image>``."""
    special = {token.content for token in processor.tokenizer.added_tokens_decoder.values() if token.special}
    special |= {str(token) for token in (getattr(processor, "image_token", None),) if token}
    for tasks in ("task_prompts_without_inputs", "task_prompts_with_input"):  # Florence-2's, such as <OCR>
        special |= {*getattr(processor, tasks, ())}
    for token in sorted(special, key=len, reverse=True):
        text = text.replace(token, f"{token[0]} {token[1:]}")
    return text


def has_conversations(processor: Any) -> bool:
    """Whether a model is asked in conversations of a form of its own."""
    return bool(getattr(processor, "chat_template", None))


def conversation(processor: Any, asked: str, said: str | None = None) -> str:
    """A request with a picture in the form of a model's conversations, and what the model says to it.

    Args:
        processor: Of a model with conversations.
        asked: The request, without special tokens.
        said: None if the model is to say something now.
    """
    turns = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": asked}]}]
    if said is not None:
        turns.append({"role": "assistant", "content": [{"type": "text", "text": said}]})
    return processor.apply_chat_template(turns, add_generation_prompt=said is None)
