"""How long alt texts and posts are, in characters and tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import pandas as pd

from altlib.checkpoints.miniature import miniature_folder


@cache
def miniature_tokenizer() -> Any:
    """The miniature GPT-2's tokenizer by itself: the model's library takes seconds to load."""
    from tokenizers import Tokenizer

    return Tokenizer.from_file(str(miniature_folder("gpt2") / "tokenizer.json"))


def count_miniature_tokens(texts: list[str]) -> list[int]:
    """How many tokens the miniature GPT-2 reads of each text."""
    return [len(encoding.ids) for encoding in miniature_tokenizer().encode_batch(texts)]


def text_lengths(
    frames: Iterable[pd.DataFrame], count_tokens: Callable[[list[str]], list[int]]
) -> dict[str, pd.DataFrame]:
    """Characters and tokens of every alt text and post of a corpus that streams by.

    Returns:
        For the columns ``alt_text`` and ``text`` a frame with the columns characters and tokens.
    """
    found: dict[str, list[pd.DataFrame]] = {"alt_text": [], "text": []}
    for frame in frames:
        for column, parts in found.items():
            texts = frame[column].tolist()
            parts.append(pd.DataFrame({"characters": [len(t) for t in texts], "tokens": count_tokens(texts)}))
    return {column: pd.concat(parts, ignore_index=True) for column, parts in found.items()}


def length_table(lengths: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Mean and median characters and tokens of alt texts and posts, from :func:`text_lengths`."""
    rows = []
    for column, label in (("alt_text", "alt text"), ("text", "post")):
        row: dict[str, Any] = {"text": label}
        for unit in ("characters", "tokens"):
            row |= {f"mean {unit}": lengths[column][unit].mean(), f"median {unit}": lengths[column][unit].median()}
        rows.append(row)
    return pd.DataFrame(rows)
