"""How models are named in parameters, and what to do about one that is not on this machine."""

from __future__ import annotations

from altlib.checkpoints.miniature import MINIATURE
from altlib.core.errors import BackboneError

SPACY = "spacy:"  # prefix of the name of a spaCy recogniser
TRANSFORMERS = "transformers:"  # prefix of the name of a picture encoder of that library


def offline_hint(kind: str, name: str, error: Exception) -> BackboneError:
    """The error for a model that is neither on disk nor to be downloaded.

    Args:
        kind: What it is, such as ``CLIP`` or ``language``.
        name: Its public name; for CLIP followed by a slash and the pretrained tag.
        error: What the library that looked for it raised.
    """
    cause = f"{type(error).__name__}: {error}".split("\n")[0][:300]
    if kind == "CLIP":
        how = (
            f"On a machine with internet, `python -c \"import open_clip; open_clip.create_model('{name.split('/')[0]}', "
            f"pretrained='{name.split('/')[-1]}')\"` fetches it into ~/.cache/huggingface; copy that folder here, or give a "
            "folder that holds open_clip_config.json and open_clip_model.safetensors"
        )
    else:
        how = (
            f"On a machine with internet, `huggingface-cli download {name}` fetches it into ~/.cache/huggingface; copy that "
            "folder here, or give a folder that holds config.json, model.safetensors and the tokenizer"
        )
    return BackboneError(
        f"The {kind} model {name!r} is not on this machine and could not be fetched ({cause}). {how}; "
        f"or set the parameter to '{MINIATURE}'."
    )
