"""Tokenised posts and alt texts in files, and batches of similar length."""

from __future__ import annotations

import tempfile
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from altlib.core.files import naming_full_disk
from altlib.models.captioner import Example, PrefixCaptioner

POOL = 50  # batches that are sorted by length together
TOKENS_IN_MEMORY = 1_000_000  # before they are written to a file


class Examples(Sequence[Example]):
    """Many examples in two arrays: four bytes per token, where lists of numbers take ten times that.

    The tokens lie in a nameless file and are read as they are used; 16 bytes per example are in memory.

    Args:
        examples: In their order.
        folder: Where the file lies; by default where temporary files go.
    """

    def __init__(self, examples: Iterable[Example], folder: Path | None = None) -> None:
        ids, ends, written = array("i"), array("q", [0]), 0
        where = folder or tempfile.gettempdir()
        with naming_full_disk(where), tempfile.TemporaryFile(dir=where) as file:
            for example in examples:
                for part in (example.text, example.alt_text):
                    ids.extend(part)
                    ends.append(written + len(ids))
                if len(ids) > TOKENS_IN_MEMORY:
                    file.write(ids)
                    written += len(ids)
                    del ids[:]
            file.write(ids)
            file.flush()
            # An empty file cannot be mapped.
            self.ids = np.memmap(file, dtype=np.int32, mode="r") if ends[-1] else np.zeros(0, dtype=np.int32)
        self.ends = np.frombuffer(ends, dtype=np.int64)  # of post and alt text in turn, after a zero

    def __len__(self) -> int:
        return len(self.ends) // 2

    def __getitem__(self, i: Any) -> Any:
        """The example number ``i``, or the list of a slice."""
        if isinstance(i, slice):
            return [self[j] for j in range(*i.indices(len(self)))]
        if not -len(self) <= i < len(self):
            raise IndexError(i)
        first, middle, last = self.ends[2 * (i % len(self)) :][:3]
        return Example(self.ids[first:middle].tolist(), self.ids[middle:last].tolist())

    def lengths(self) -> list[int]:
        """:func:`example_length` of each."""
        return (np.diff(self.ends[::2]) + 2).tolist()


@dataclass
class CaptionData:
    """Token ids of posts and alt texts with their pictures' features.

    A split of a corpus needs no copy of the corpus's features.

    Attributes:
        features: Of m pictures, (m, d_clip).
        examples: n examples.
        rows: The row of ``features`` of each example, (n,); without it, example i has row i.
    """

    features: Tensor
    examples: Examples
    rows: Tensor | None = None

    def __len__(self) -> int:
        return len(self.examples)

    def batch(self, chosen: list[int]) -> tuple[Tensor, list[Example]]:
        """Features and examples of the chosen ones."""
        rows = chosen if self.rows is None else self.rows[chosen]
        return self.features[rows], [self.examples[i] for i in chosen]


def encode_posts(captioner: PrefixCaptioner, features: Tensor, texts: list[str], alt_texts: list[str]) -> CaptionData:
    """Tokenised examples for ``captioner``, in the order given."""
    return CaptionData(features, Examples(captioner.encode(t, a) for t, a in zip(texts, alt_texts, strict=True)))


def example_length(example: Example) -> int:
    """Tokens of an example, with the border."""
    return len(example.text) + len(example.alt_text) + 2


def bucketed_batches(lengths: list[int], batch_size: int, seed: int, epoch: int) -> list[list[int]]:
    """Batches of rows of similar length in random order; every row once.

    Rows are shuffled, cut into pools of 50 batches, sorted by length within a pool and cut
    into batches, which are shuffled.

    Args:
        lengths: Of each row.
        batch_size: Most rows of a batch.
        seed: Together with ``epoch`` it decides the order.
        epoch: Number of the pass.
    """
    rng = np.random.default_rng((seed, epoch))
    order = rng.permutation(len(lengths))
    batches: list[list[int]] = []
    for start in range(0, len(order), batch_size * POOL):
        pool = sorted(order[start : start + batch_size * POOL].tolist(), key=lambda i: lengths[i])
        batches += [pool[i : i + batch_size] for i in range(0, len(pool), batch_size)]
    return [batches[i] for i in rng.permutation(len(batches))]
