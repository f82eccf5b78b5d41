"""The pretrained models that everything builds on: CLIP from open_clip, GPT-2 from transformers.

A model is named in one of three ways: ``miniature`` (shipped with the package, pretrained on
the miniature world), a local folder, or a public name that the libraries' own loaders fetch.
Captioners can also see through an encoder of transformers that reads no text, such as DINOv2.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from altlib.checkpoints.miniature import MINIATURE, miniature_folder
from altlib.core.cache_keys import weights_fingerprint
from altlib.core.errors import BackboneError
from altlib.core.model_names import TRANSFORMERS, offline_hint


@dataclass(frozen=True)
class Clip:
    """An image-text encoder with what it needs to read images and texts.

    ``preprocess`` maps a PIL image to a (3, H, W) tensor, ``tokenize`` a list of n strings to
    an (n, context) tensor; ``fingerprint`` changes whenever the weights do. ``reads_text`` is
    false for an encoder of pictures alone.
    """

    name: str
    model: Any  # open_clip.CLIP, or a PictureEncoder
    preprocess: Callable[[Any], Tensor]
    tokenize: Callable[[list[str]], Tensor]
    width: int
    fingerprint: str
    reads_text: bool = True

    @torch.inference_mode()
    def encode_texts(self, texts: list[str], batch_size: int = 256) -> Tensor:
        """Unit-length text embeddings, (n, width) float32 on the CPU."""
        device = next(self.model.parameters()).device
        batches = [
            self.model.encode_text(self.tokenize(texts[i : i + batch_size]).to(device), normalize=True).float().cpu()
            for i in range(0, len(texts), batch_size)
        ]
        return torch.cat(batches) if batches else torch.zeros(0, self.width)


def load_clip(name: str = MINIATURE, pretrained: str = "", device: str = "cpu") -> Clip:
    """Load an open_clip model: ``miniature``, a folder, or a name with its pretrained tag.

    A folder holds ``open_clip_config.json`` and weights as safetensors, as open_clip writes
    them. A name that begins with ``transformers:``, or a folder as transformers writes them, is
    an encoder of pictures alone (:func:`load_picture_encoder`). Raises :class:`BackboneError` if
    the model can be neither found nor fetched.
    """
    import open_clip

    if name.startswith(TRANSFORMERS) or is_transformers_folder(name):
        return load_picture_encoder(name.removeprefix(TRANSFORMERS), device)
    folder = miniature_folder("clip") if name == MINIATURE else Path(name).expanduser()
    local = folder.is_dir()
    if local:
        if not (folder / "open_clip_config.json").is_file():
            raise BackboneError(f"{folder} is not an open_clip model: it holds no open_clip_config.json.")
        if not list(folder.glob("*.safetensors")):
            raise BackboneError(f"{folder} holds no weights: expected open_clip_model.safetensors.")
        identifier, tag = f"local-dir:{folder}", None
    else:
        if name not in open_clip.list_models() and not name.startswith("hf-hub:"):
            raise BackboneError(
                f"{name!r} is neither a folder nor a model that open_clip knows; open_clip.list_models() lists them."
            )
        if not pretrained and not name.startswith("hf-hub:"):
            tags = ", ".join(open_clip.list_pretrained_tags_by_model(name)) or "none"
            raise BackboneError(f"{name} needs the name of its pretrained weights (known: {tags}).")
        identifier, tag = name, pretrained or None
    try:
        model, _, preprocess = open_clip.create_model_and_transforms(
            identifier, pretrained=tag, device=device, **({"force_quick_gelu": True} if tag == "openai" else {})
        )
        tokenizer = open_clip.get_tokenizer(identifier)
    except (OSError, RuntimeError, ValueError) as error:
        if local:
            raise BackboneError(f"The CLIP model in {folder} cannot be loaded: {error}") from error
        raise offline_hint("CLIP", f"{name}/{pretrained}", error) from error
    model.eval()
    width = model.text_projection.shape[-1] if hasattr(model.text_projection, "shape") else model.visual.output_dim
    return Clip(
        name if not pretrained or local else f"{name}/{pretrained}",
        model,
        preprocess,
        tokenizer,
        int(width),
        weights_fingerprint(model),
    )


def is_transformers_folder(name: str) -> bool:
    """Whether a folder holds a model of transformers and none of open_clip."""
    folder = Path(name).expanduser()
    return (folder / "config.json").is_file() and not (folder / "open_clip_config.json").is_file()


class PictureEncoder(nn.Module):
    """A vision model of transformers with open_clip's way of asking for embeddings."""

    def __init__(self, model: Any):
        super().__init__()
        self.model = model

    def encode_image(self, pixels: Tensor, normalize: bool = False) -> Tensor:
        """(B, 3, H, W) -> (B, width): the projected embedding of a CLIP-like model, else the pooled output of a
        convolutional network or of SigLIP, else the last state of the class token."""
        if hasattr(self.model, "get_image_features"):
            found = self.model.get_image_features(pixel_values=pixels)
            embedded = found if isinstance(found, Tensor) else found.pooler_output
        else:
            out = self.model(pixel_values=pixels)
            pooled = out.last_hidden_state.ndim == 4 or self.model.config.model_type.startswith("siglip")
            embedded = out.pooler_output.flatten(1) if pooled else out.last_hidden_state[:, 0]
        return nn.functional.normalize(embedded, dim=-1) if normalize else embedded

    def encode_text(self, tokens: Tensor, normalize: bool = False) -> Tensor:
        """Raises :class:`BackboneError`: the model sees pictures alone."""
        raise BackboneError(
            "this picture encoder reads no text; what compares pictures with texts needs an open_clip model"
        )


def load_picture_encoder(name: str, device: str = "cpu") -> Clip:
    """A vision model of transformers, by folder or hub name, as a :class:`Clip` that reads no text.

    Weights are read from safetensors only. Raises :class:`BackboneError` if it can be neither
    found nor fetched.
    """
    from transformers import AutoImageProcessor, AutoModel

    folder = Path(name).expanduser()
    local = folder.is_dir()
    source = str(folder) if local else name
    try:
        processor = AutoImageProcessor.from_pretrained(source, local_files_only=local)
        model: Any = AutoModel.from_pretrained(
            source, local_files_only=local, dtype=torch.float32, use_safetensors=True
        )
    except (OSError, ValueError) as error:
        if local:
            raise BackboneError(f"The picture encoder in {folder} cannot be loaded: {error}") from error
        raise offline_hint("picture", name, error) from error
    encoder = PictureEncoder(model).to(device).eval()

    def preprocess(image: Any) -> Tensor:
        return processor(images=image, return_tensors="pt")["pixel_values"][0]

    def no_tokens(texts: list[str]) -> Tensor:
        return encoder.encode_text(torch.zeros(len(texts), 0))

    from PIL import Image

    with torch.inference_mode():
        probe = encoder.encode_image(preprocess(Image.new("RGB", (64, 64)))[None].to(device))
    return Clip(name, encoder, preprocess, no_tokens, probe.shape[-1], weights_fingerprint(model), reads_text=False)


def save_clip(model: nn.Module, tokenizer: Any, config: dict, folder: Path, half: bool = False) -> None:
    """Write an open_clip model as a folder that :func:`load_clip` reads; ``half`` stores float16."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    state = {k: (v.half() if half and v.is_floating_point() else v).contiguous() for k, v in model.state_dict().items()}
    save_file(state, folder / "open_clip_model.safetensors", metadata={"format": "pt"})
    (folder / "open_clip_config.json").write_text(json.dumps(config, indent=2) + "\n")
    if tokenizer is not None:
        tokenizer.save_pretrained(folder)


def longer_than_context(clip: Clip, texts: list[str], tokens: Tensor) -> int:
    """How many texts lost their end to the context length: their last column is filled and a shorter text tokenises alike."""
    full = [i for i in range(len(texts)) if int(tokens[i, -1]) != 0]
    shortened = [texts[i][: len(texts[i]) - 1].rstrip() for i in full]
    if not full:
        return 0
    again = clip.tokenize(shortened)
    return int((again == tokens[full]).all(1).sum())
