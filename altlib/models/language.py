"""Causal language models of transformers: the miniature GPT-2, a folder, or a public name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

from altlib.checkpoints.miniature import MINIATURE, miniature_folder
from altlib.core.errors import BackboneError
from altlib.core.model_names import offline_hint
from altlib.core.progress import hide_bars_of_loading


def load_language_model(name: str = MINIATURE, device: str = "cpu") -> tuple[Any, Any]:
    """Load a causal language model and its tokenizer; weights are read from safetensors only.

    Args:
        name: ``miniature``, a folder, or a hub name.
        device: Where the model is put.

    Returns:
        The tokenizer, and the model in float32 and evaluation mode.

    Raises:
        BackboneError: They can be neither found nor downloaded, or cannot be read.
    """
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = miniature_folder("gpt2") if name == MINIATURE else Path(name).expanduser()
    local = folder.is_dir()
    if local and not (folder / "config.json").is_file():
        raise BackboneError(f"{folder} is not a transformers model: it holds no config.json.")
    source = str(folder) if local else name
    hide_bars_of_loading()
    try:
        tokenizer = AutoTokenizer.from_pretrained(source, local_files_only=local)
        model: Any = AutoModelForCausalLM.from_pretrained(
            source, local_files_only=local, dtype=torch.float32, use_safetensors=True
        )
    except (OSError, ValueError) as error:
        if local:
            raise BackboneError(f"The language model in {folder} cannot be loaded: {error}") from error
        raise offline_hint("language", name, error) from error
    fuse_gelu(model)
    return tokenizer, model.to(device).eval()


def fuse_gelu(model: nn.Module) -> None:
    """Replace GPT-2's GELU by the same function in one operation; in transformers it takes seven passes over memory."""
    from transformers.activations import NewGELUActivation

    for module in list(model.modules()):
        for name, child in module.named_children():
            if isinstance(child, NewGELUActivation):
                setattr(module, name, nn.GELU(approximate="tanh"))
