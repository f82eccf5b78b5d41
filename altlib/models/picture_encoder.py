"""Vision models of transformers that read no text, such as DINOv2, asked for embeddings as open_clip is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from altlib.core.errors import BackboneError
from altlib.core.model_names import offline_hint
from altlib.core.progress import hide_bars_of_loading


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
        """Embeddings of pictures, (B, 3, H, W) -> (B, width), of unit length if ``normalize``.

        They are the projected embedding of a CLIP-like model, the pooled output of a convolutional
        network or of SigLIP, and otherwise the last state of the class token.
        """
        if hasattr(self.model, "get_image_features"):
            found = self.model.get_image_features(pixel_values=pixels)
            embedded = found if isinstance(found, Tensor) else found.pooler_output
        else:
            out = self.model(pixel_values=pixels)
            pooled = out.last_hidden_state.ndim == 4 or self.model.config.model_type.startswith("siglip")
            embedded = out.pooler_output.flatten(1) if pooled else out.last_hidden_state[:, 0]
        return nn.functional.normalize(embedded, dim=-1) if normalize else embedded

    def encode_text(self, tokens: Tensor, normalize: bool = False) -> Tensor:
        """Nothing: the model sees pictures alone.

        Raises:
            BackboneError: Always.
        """
        raise BackboneError(
            "this picture encoder reads no text; to compare pictures with texts, choose an open_clip model"
        )


def load_picture_encoder(name: str, device: str = "cpu") -> tuple[PictureEncoder, Callable[[Any], Tensor], str]:
    """A vision model of transformers and its preprocessing; weights are read from safetensors only.

    Args:
        name: A folder or a hub name.
        device: Where the model is put.

    Returns:
        The encoder in evaluation mode, a function from a PIL image to its pixels, (3, H, W), and that function's
        settings in words.

    Raises:
        BackboneError: The model can be neither found nor downloaded, or cannot be read.
    """
    from transformers import AutoImageProcessor, AutoModel

    folder = Path(name).expanduser()
    local = folder.is_dir()
    source = str(folder) if local else name
    hide_bars_of_loading()
    try:
        processor = AutoImageProcessor.from_pretrained(source, local_files_only=local)
        model: Any = AutoModel.from_pretrained(
            source, local_files_only=local, dtype=torch.float32, use_safetensors=True
        )
    except (OSError, ValueError) as error:
        if local:
            raise BackboneError(f"The picture encoder in {folder} cannot be loaded: {error}") from error
        raise offline_hint("picture", name, error) from error

    def preprocess(image: Any) -> Tensor:
        return processor(images=image, return_tensors="pt")["pixel_values"][0]

    return PictureEncoder(model).to(device).eval(), preprocess, processor.to_json_string()
