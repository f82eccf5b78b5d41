"""CLIP models of open_clip, and picture encoders of transformers in their place.

A model is named in one of three ways: ``miniature`` (shipped with the package and pretrained on the
miniature world), a local folder, or a public name that the libraries' own loaders download.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn

from altlib.checkpoints.miniature import MINIATURE, miniature_folder
from altlib.core.cache_keys import weights_fingerprint
from altlib.core.devices import precision_name
from altlib.core.errors import BackboneError
from altlib.core.model_names import TRANSFORMERS, offline_hint
from altlib.core.provenance import TYPE, note
from altlib.models.picture_encoder import is_transformers_folder, load_picture_encoder

LOCAL = "local-dir:"  # prefix of open_clip's name for a folder


@dataclass(frozen=True)
class Clip:
    """An image-text encoder with what it needs to read images and texts.

    Attributes:
        name: What it was called by, with the pretrained tag.
        model: ``open_clip.CLIP``, or a
            :class:`~altlib.models.picture_encoder.PictureEncoder`.
        preprocess: From a PIL image to its pixels, (3, H, W).
        tokenize: From n texts to their token ids, (n, context).
        width: Size of its embeddings.
        fingerprint: Changes whenever the weights do.
        reads_text: False for an encoder of pictures alone.
        pixels: How pictures become pixels, in words that change whenever that does.
    """

    name: str
    model: Any
    preprocess: Callable[[Any], Tensor]
    tokenize: Callable[[list[str]], Tensor]
    width: int
    fingerprint: str
    reads_text: bool = True
    pixels: str = ""

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return next(self.model.parameters()).device

    @property
    def precision(self) -> torch.dtype:
        """The number type in which the model computes."""
        return next(self.model.parameters()).dtype

    @property
    def reading(self) -> tuple[str, ...]:
        """What besides the weights chooses a picture's embedding: how it becomes pixels, kind of device, number type."""
        return self.pixels, self.device.type, precision_name(self.precision)

    @torch.inference_mode()
    def encode_texts(self, texts: list[str], batch_size: int = 256) -> Tensor:
        """Unit-length text embeddings, (n, width) float32 on the CPU."""
        batches = [
            self.model.encode_text(self.tokenize(texts[i : i + batch_size]).to(self.device), normalize=True)
            .float()
            .cpu()
            for i in range(0, len(texts), batch_size)
        ]
        return torch.cat(batches) if batches else torch.zeros(0, self.width)


def load_clip(name: str = MINIATURE, pretrained: str = "", device: str = "cpu") -> Clip:
    """Load an open_clip model, or an encoder of pictures alone.

    Args:
        name: ``miniature``; a folder that holds ``open_clip_config.json`` and weights as
            safetensors, as open_clip writes them; or a name that open_clip knows. A name that
            begins with ``transformers:``, or a folder as transformers writes them, is an encoder
            of pictures alone.
        pretrained: The tag of the weights, for a name that open_clip knows.
        device: Where the model is put.

    Raises:
        BackboneError: The model can be neither found nor downloaded, or cannot be read.
    """
    import open_clip

    if name.startswith(TRANSFORMERS) or is_transformers_folder(name):
        return picture_encoder_as_clip(name.removeprefix(TRANSFORMERS), device)
    identifier, tag = open_clip_source(name, pretrained)
    try:
        model, _, preprocess = open_clip.create_model_and_transforms(
            identifier, pretrained=tag, device=device, **({"force_quick_gelu": True} if tag == "openai" else {})
        )
        tokenizer = open_clip.get_tokenizer(identifier)
    except (OSError, RuntimeError, ValueError) as error:
        if identifier.startswith(LOCAL):
            folder = identifier.removeprefix(LOCAL)
            raise BackboneError(f"The CLIP model in {folder} cannot be loaded: {error}") from error
        raise offline_hint("CLIP", f"{name}/{pretrained}", error) from error
    model.eval()
    note(TYPE, f"{precision_name(next(model.parameters()).dtype)} on {torch.device(device).type}")
    width = model.text_projection.shape[-1] if hasattr(model.text_projection, "shape") else model.visual.output_dim
    called = f"{name}/{tag}" if tag else name
    pixels = json.dumps(open_clip.get_model_preprocess_cfg(model), sort_keys=True)
    return Clip(called, model, preprocess, tokenizer, int(width), weights_fingerprint(model), pixels=pixels)


def open_clip_source(name: str, pretrained: str) -> tuple[str, str | None]:
    """What open_clip calls a model and its weights.

    Args:
        name: As for :func:`load_clip`.
        pretrained: The tag of the weights; ignored for a folder.

    Returns:
        open_clip's name of the model, and its tag of the weights, None where there is none.

    Raises:
        BackboneError: The folder lacks a file, or open_clip does not know the name or needs a tag.
    """
    import open_clip

    folder = miniature_folder("clip") if name == MINIATURE else Path(name).expanduser()
    if folder.is_dir():
        if not (folder / "open_clip_config.json").is_file():
            raise BackboneError(f"{folder} is not an open_clip model: it holds no open_clip_config.json.")
        if not list(folder.glob("*.safetensors")):
            raise BackboneError(f"{folder} holds no weights: expected open_clip_model.safetensors.")
        return f"{LOCAL}{folder}", None
    if name not in open_clip.list_models() and not name.startswith("hf-hub:"):
        raise BackboneError(
            f"{name!r} is neither a folder nor a model that open_clip knows; open_clip.list_models() lists them."
        )
    if not pretrained and not name.startswith("hf-hub:"):
        tags = ", ".join(open_clip.list_pretrained_tags_by_model(name)) or "none"
        raise BackboneError(f"{name} needs the name of its pretrained weights (known: {tags}).")
    return name, pretrained or None


def picture_encoder_as_clip(name: str, device: str = "cpu") -> Clip:
    """A vision model of transformers as a :class:`Clip` that reads no text.

    Args:
        name: A folder or a hub name.
        device: Where the model is put.

    Raises:
        BackboneError: The model can be neither found nor downloaded, or cannot be read.
    """
    encoder, preprocess, pixels = load_picture_encoder(name, device)

    def no_tokens(texts: list[str]) -> Tensor:
        return encoder.encode_text(torch.zeros(len(texts), 0))

    with torch.inference_mode():
        probe = encoder.encode_image(preprocess(Image.new("RGB", (64, 64)))[None].to(device))
    fingerprint = weights_fingerprint(encoder.model)
    return Clip(name, encoder, preprocess, no_tokens, probe.shape[-1], fingerprint, reads_text=False, pixels=pixels)


def save_clip(model: nn.Module, tokenizer: Any, config: dict, folder: Path, half: bool = False) -> None:
    """Write an open_clip model as a folder that :func:`load_clip` reads.

    Args:
        model: The model.
        tokenizer: A tokenizer of transformers, or None for open_clip's own.
        config: What ``open_clip_config.json`` says.
        folder: Where it is written.
        half: Store float16.
    """
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    state = {k: (v.half() if half and v.is_floating_point() else v).contiguous() for k, v in model.state_dict().items()}
    save_file(state, folder / "open_clip_model.safetensors", metadata={"format": "pt"})
    (folder / "open_clip_config.json").write_text(json.dumps(config, indent=2) + "\n")
    if tokenizer is not None:
        tokenizer.save_pretrained(folder)


def longer_than_context(clip: Clip, texts: list[str], tokens: Tensor) -> int:
    """How many texts lost their end to the context length.

    Such a text fills its last column, and has the same tokens without its last character.

    Args:
        clip: The model whose tokenizer read the texts.
        texts: n texts.
        tokens: Their token ids, (n, context).
    """
    full = [i for i in range(len(texts)) if int(tokens[i, -1]) != 0]
    shortened = [texts[i][: len(texts[i]) - 1].rstrip() for i in full]
    if not full:
        return 0
    again = clip.tokenize(shortened)
    return int((again == tokens[full]).all(1).sum())
