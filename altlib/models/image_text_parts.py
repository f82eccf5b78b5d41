"""The parts of an image-text-to-text model of transformers: vision encoder, projector and language model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import nn

from altlib.core.errors import BackboneError

VISION_PARTS = ("vision_tower", "vision_model", "visual", "vision_encoder", "image_tower", "image_encoder", "vqmodel")
LANGUAGE_PARTS = ("language_model", "text_model", "text_decoder", "encoder")  # GIT's language model is an encoder
PROJECTOR_WITHIN = "merger"  # Qwen's and GLM's projectors are parts of the vision encoder
UNUSED = ("audio", "generation_")  # parts of names of what hears, or draws pictures


def part_of(model: Any, names: Sequence[str]) -> Any:
    """The part of a model that has the first of some names, or nothing."""
    holders = (model, getattr(model, model.base_model_prefix, model))
    return next((getattr(holder, name) for name in names for holder in holders if hasattr(holder, name)), None)


def has_decoder(config: Any) -> bool:
    """Whether an encoder reads the prompt alone, and a decoder beside it writes."""
    return bool(config.is_encoder_decoder or config.get_text_config().is_encoder_decoder)


def words_of(model: Any, language: nn.Module) -> nn.Module:
    """The embeddings of tokens, with those of positions where both are a part of their own."""
    words = model.get_input_embeddings()
    path = next(name for name, module in model.named_modules() if module is words)
    around = model.get_submodule(path.rpartition(".")[0])
    return words if language in around.modules() else around


def choose_what_learns(model: Any, rank: int, trains_vision: bool) -> None:
    """Let LoRA's updates of the language model learn, the projector, and the vision encoder if it is asked for.

    Raises:
        BackboneError: The language model, or a vision encoder that is to learn, has no usual name.
    """
    from peft import LoraConfig, inject_adapter_in_model
    from transformers.pytorch_utils import Conv1D

    names = LANGUAGE_PARTS[:-1] if has_decoder(model.config) else LANGUAGE_PARTS
    language, vision = part_of(model, names), part_of(model, VISION_PARTS)
    for part, usual in ((language, names), (vision, VISION_PARTS if trains_vision else ())):
        if part is None and usual:
            name = type(model).__name__
            raise BackboneError(f"{name} cannot be trained here: it has no part called {' or '.join(usual)}")
    head = model.get_output_embeddings()
    model.requires_grad_(True)  # the projector, by whatever name, is what is none of the others
    for part in (language, words_of(model, language), head):
        if part is not None:
            part.requires_grad_(False)
    if vision is not None:
        for name, p in vision.named_parameters():
            p.requires_grad_(trains_vision or PROJECTOR_WITHIN in name)
    for name, p in model.named_parameters():
        if any(part in name for part in UNUSED):
            p.requires_grad_(False)
    layers = [n for n, m in language.named_modules() if isinstance(m, (nn.Linear, Conv1D)) and m is not head]
    inject_adapter_in_model(LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=layers), language)
