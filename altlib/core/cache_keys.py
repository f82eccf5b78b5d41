"""One key for everything that is kept: a hash of all that the kept work follows from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

BLOCK = 1 << 22  # numbers that are hashed at a time, so that a map of a large file stays on disk


@dataclass(frozen=True)
class FileStamp:
    """A file as far as it decides a result: its name, size (bytes; -1 if it is missing) and time of change (ns)."""

    path: str
    size: int
    changed: int


def file_stamp(path: Path | str) -> FileStamp:
    """The stamp of a file, which may be missing."""
    try:
        found = Path(path).stat()
    except OSError:
        return FileStamp(str(path), -1, 0)
    return FileStamp(str(path), found.st_size, found.st_mtime_ns)


class Key:
    """A hash of named values: ``Key(CODE, weights=model, settings=settings)``; its text is 32 hex digits.

    Values may be numbers, texts, bytes, ``None``, dataclasses, mappings, lists, tuples, sets, arrays,
    tensors, modules of torch (their weights), types and devices of torch, data frames,
    :class:`FileStamp`, and iterators of all of these. Each is hashed with its name, its type and
    its length, so that no two different inputs run together.

    Args:
        code: what the code that makes the result does (:func:`altlib.core.code_imports.code_fingerprint`).
        values: what it is made from.

    Raises:
        TypeError: a value is of another kind, such as a path, whose name alone decides nothing.
    """

    def __init__(self, code: str, **values: Any) -> None:
        self.digest = hashlib.sha256()
        self.add(code=code, **values)

    def add(self, **values: Any) -> Key:
        """Add named values; returns the key itself."""
        for name, value in values.items():
            self.feed("name", name.encode())
            self.hash_value(value, name)
        return self

    def __str__(self) -> str:
        return self.digest.hexdigest()[:32]

    def feed(self, kind: str, content: bytes) -> None:
        """Hash some bytes with their kind and number."""
        self.digest.update(f"{kind}:{len(content)}:".encode())
        self.digest.update(content)

    def hash_value(self, value: Any, name: str) -> None:
        """Hash one value; ``name`` is for the error."""
        if value is None or isinstance(value, bool | int | float | str):
            self.feed(type(value).__name__, str(value).encode("utf-8", "surrogatepass"))
        elif isinstance(value, bytes | bytearray | memoryview):
            self.feed("bytes", bytes(value))
        elif is_dataclass(value) and not isinstance(value, type):
            self.feed("dataclass", type(value).__qualname__.encode())
            for part in fields(value):
                self.add(**{part.name: getattr(value, part.name)})
        elif isinstance(value, Mapping):
            self.feed("mapping", str(len(value)).encode())
            for key in sorted(value, key=str):
                self.hash_value(key, name)
                self.hash_value(value[key], name)
        elif isinstance(value, list | tuple | set | frozenset):
            self.feed("items", str(len(value)).encode())
            for item in sorted(value, key=str) if isinstance(value, set | frozenset) else value:
                self.hash_value(item, name)
        elif isinstance(value, Iterator):
            count = 0
            for item in value:
                self.hash_value(item, name)
                count += 1
            self.feed("iterator", str(count).encode())
        else:
            self.hash_numbers(value, name)

    def hash_numbers(self, value: Any, name: str) -> None:
        """Hash what holds many numbers: an array, a tensor, the weights of a module, a data frame."""
        library = type(value).__module__.partition(".")[0]
        if library == "numpy":
            self.hash_array(value)
        elif library == "pandas":
            self.hash_frame(value)
        elif hasattr(value, "state_dict"):
            self.feed("weights", str(len(value.state_dict())).encode())
            for part, tensor in sorted(value.state_dict().items()):
                self.hash_value(part, name)
                self.hash_tensor(tensor)
        elif hasattr(value, "detach"):
            self.hash_tensor(value)
        elif library == "torch":  # a number type or a device
            self.feed("torch", str(value).encode())
        else:
            raise TypeError(f"{name}: a {type(value).__name__} cannot be part of a key")

    def hash_array(self, array: Any) -> None:
        """Hash an array with its type and shape, block by block."""
        import numpy as np

        self.feed("array", f"{array.dtype.str}{array.shape}".encode())
        flat = np.atleast_1d(array).reshape(-1)
        for start in range(0, len(flat), BLOCK):
            self.digest.update(np.ascontiguousarray(flat[start : start + BLOCK]).data)

    def hash_tensor(self, tensor: Any) -> None:
        """Hash a tensor with its type and shape."""
        import torch

        self.feed("tensor", f"{tensor.dtype}{tuple(tensor.shape)}".encode())
        flat = tensor.detach().reshape(-1)
        for part in flat.split(BLOCK) if len(flat) else ():
            self.digest.update(part.cpu().contiguous().view(torch.uint8).numpy().data)

    def hash_frame(self, frame: Any) -> None:
        """Hash the rows of a data frame with the names and types of its columns."""
        import pandas as pd

        columns = [f"{name} {kind}" for name, kind in zip(frame.columns, frame.dtypes, strict=True)]
        self.hash_value(columns, "columns")
        self.hash_array(pd.util.hash_pandas_object(frame, index=False).to_numpy())


def weights_fingerprint(model: Any) -> str:
    """Sixteen hex digits that identify the weights of a module of torch."""
    return str(Key("weights", model=model))[:16]
