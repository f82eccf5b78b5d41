"""Where the miniature models are that ship with the package."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

MINIATURE = "miniature"  # the name of the models that ship with the package


def miniature_folder(part: str) -> Path:
    """The folder of a shipped miniature model: ``clip``, ``clipcap`` or ``gpt2``."""
    return Path(str(files("altlib") / "checkpoints" / part))
