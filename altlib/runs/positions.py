"""Check before a run that its posts and texts fit into the language model's positions.

A language model reads a limited number of positions. A captioner fills them with the picture's
prefix, the post, one token between post and alt text, and the alt text.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from altlib.checkpoints.miniature import MINIATURE, miniature_folder
from altlib.core.errors import ParameterError

TRAINING = "training"  # the chapter that names the language model and crops posts and alt texts
DECODING = "results-and-decoding"  # the chapter that says how long a written text may be
LIMITS = ("max_position_embeddings", "n_positions")  # what a model's config.json calls the number of positions


def check_positions(values: dict[str, dict[str, Any]]) -> None:
    """Check that what is trained on and what is written fits into the language model's positions.

    Nothing is checked where the book lacks these chapters, or the model's configuration is not on
    this machine or names no limit.

    Args:
        values: chapter -> parameter -> value.

    Raises:
        ParameterError: it does not fit; the message names the largest number that does.
    """
    if TRAINING not in values or DECODING not in values:
        return
    training = values[TRAINING]
    model, prefix, longest = training["language_model"], training["prefix_length"], training["max_tokens"]
    positions = positions_of(model)
    if positions is None:
        return
    room = positions - prefix
    if 2 * longest + 2 > room:  # post, the token between, alt text and its end
        raise ParameterError(
            f"{TRAINING}.max_tokens: {longest} is too much for {model}, whose {positions} positions have room for "
            f"prefix_length = {prefix} and two texts of at most {(room - 2) // 2} tokens"
        )
    written = values[DECODING]["max_new_tokens"]
    if written > room - longest:  # the last token that is written is not read any more
        raise ParameterError(
            f"{DECODING}.max_new_tokens: {written} is too much for {model}, whose {positions} positions have room for "
            f"at most {room - longest} new tokens after {TRAINING}.prefix_length = {prefix} and a post of "
            f"{TRAINING}.max_tokens = {longest}"
        )


def positions_of(model: str) -> int | None:
    """How many positions a language model has.

    Args:
        model: ``miniature``, a folder, or a name of the Hugging Face hub.

    Returns:
        The number in its ``config.json``; None if that is not on this machine or has no such number.
    """
    folder = miniature_folder("gpt2") if model == MINIATURE else Path(model).expanduser()
    file = folder / "config.json" if folder.is_dir() else cached_config(model)
    if file is None or not file.is_file():
        return None
    config = json.loads(file.read_text(encoding="utf-8"))
    return next((int(config[name]) for name in LIMITS if config.get(name)), None)


def cached_config(repository: str) -> Path | None:
    """The ``config.json`` of a hub model in the local cache; None if it is not there."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = try_to_load_from_cache(repository, "config.json")
    except HFValidationError:  # a folder that does not exist, which the requirements name
        return None
    return Path(found) if isinstance(found, str) else None
