"""One key for everything that is kept: a hash of all that the kept work follows from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

BLOCK = 1 << 22  # numbers hashed at a time, so that a map of a large file stays on disk
SCALARS = (bool, int, float, str)  # a bool is an int, too: the first that fits is the kind


@dataclass(frozen=True)
class FileStamp:
    """A file as far as it decides a result, wherever its folder lies.

    Attributes:
        name: Its name without its folder, so that a run that was moved or copied with its times is read back.
        size: In bytes; -1 if it is missing.
        changed: When it was last changed, in nanoseconds.
    """

    name: str
    size: int
    changed: int


def file_stamp(path: Path | str) -> FileStamp:
    """The stamp of a file, which may be missing."""
    try:
        found = Path(path).stat()
    except OSError:
        return FileStamp(Path(path).name, -1, 0)
    return FileStamp(Path(path).name, found.st_size, found.st_mtime_ns)


class Key:
    """A hash of named values: ``Key(CODE, weights=model, settings=settings)``; its text is 32 hex digits.

    Values may be numbers, texts, bytes, ``None``, dataclasses, mappings, lists, tuples, sets, arrays,
    tensors, modules of torch (their weights), types and devices of torch, data frames (without
    their index), :class:`FileStamp`, and iterators of all of these. Each is hashed with its name,
    its kind and its length, so that two different inputs never give the same bytes. A list and a
    tuple of the same items are equal, and so are a number of Python and its subclass in NumPy; the
    order of mappings and sets does not matter.

    Args:
        code: What the code that makes the result does, from
            :func:`altlib.core.code_imports.code_fingerprint`.
        values: What the result is made from.

    Raises:
        TypeError: A value is of another kind, such as a path, whose name alone decides nothing.
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
        if value is None:
            self.feed("none", b"")
        elif isinstance(value, SCALARS):
            kind = next(kind for kind in SCALARS if isinstance(value, kind))
            self.feed(kind.__name__, str(value).encode("utf-8", "surrogatepass"))
        elif isinstance(value, bytes | bytearray | memoryview):
            self.feed("bytes", bytes(value))
        elif is_dataclass(value) and not isinstance(value, type):
            parts = fields(value)
            self.feed("dataclass", f"{type(value).__module__}.{type(value).__qualname__}/{len(parts)}".encode())
            self.add(**{part.name: getattr(value, part.name) for part in parts})
        elif isinstance(value, Mapping):
            self.feed("mapping", str(len(value)).encode())
            for key, item in sorted(
                ((digest(key, name), item) for key, item in value.items()), key=lambda pair: pair[0]
            ):
                self.feed("key", key)
                self.hash_value(item, name)
        elif isinstance(value, list | tuple):
            self.feed("sequence", str(len(value)).encode())
            for item in value:
                self.hash_value(item, name)
        elif isinstance(value, set | frozenset):
            self.feed("set", b"".join(sorted(digest(item, name) for item in value)))
        elif isinstance(value, Iterator):
            self.feed("iterator", b"")
            for item in value:
                self.feed("next", b"")
                self.hash_value(item, name)
            self.feed("end", b"")
        else:
            self.hash_numbers(value, name)

    def hash_numbers(self, value: Any, name: str) -> None:
        """Hash what holds many numbers: an array, a tensor, the weights of a module, a data frame."""
        library = type(value).__module__.partition(".")[0]
        if library == "numpy" and hasattr(value, "dtype"):
            self.hash_array(value, name)
        elif library == "pandas" and hasattr(value, "columns"):
            self.hash_frame(value, name)
        elif hasattr(value, "state_dict"):
            self.feed("weights", str(len(value.state_dict())).encode())
            for part, tensor in sorted(value.state_dict().items()):
                self.hash_value(part, name)
                self.hash_value(tensor, name)
        elif hasattr(value, "detach"):
            self.hash_tensor(value)
        elif library == "torch" and type(value).__name__ in ("dtype", "device"):
            self.feed("torch", str(value).encode())
        else:
            raise TypeError(f"{name}: a {type(value).__name__} cannot be part of a key; give what it stands for")

    def hash_array(self, array: Any, name: str) -> None:
        """Hash an array with its type and shape, block by block."""
        import numpy as np

        if array.dtype.hasobject:
            raise TypeError(f"{name}: an array of Python objects cannot be part of a key; give a list")
        self.feed("array", f"{array.dtype!r}{array.shape}".encode())
        flat = np.atleast_1d(array).reshape(-1)
        for start in range(0, len(flat), BLOCK):
            self.digest.update(np.ascontiguousarray(flat[start : start + BLOCK]).view(np.uint8).data)

    def hash_tensor(self, tensor: Any) -> None:
        """Hash a tensor with its type and shape."""
        import torch

        self.feed("tensor", f"{tensor.dtype}{tuple(tensor.shape)}".encode())
        flat = tensor.detach().reshape(-1)
        for part in flat.split(BLOCK) if len(flat) else ():
            self.digest.update(part.cpu().contiguous().view(torch.uint8).numpy().data)

    def hash_frame(self, frame: Any, name: str) -> None:
        """Hash the rows of a data frame with the names and types of its columns; missing values of all kinds are alike."""
        import pandas as pd

        for column in frame.select_dtypes(object):
            if pd.api.types.infer_dtype(frame[column], skipna=True).startswith("mixed"):
                raise TypeError(f"{name}: the column {column!r} holds values of several types; make them one")
        self.feed("frame", b"")
        self.hash_value([[str(column), str(kind)] for column, kind in frame.dtypes.items()], name)
        self.hash_array(pd.util.hash_pandas_object(frame, index=False).to_numpy(), name)


def digest(value: Any, name: str) -> bytes:
    """The hash of one value alone, 32 bytes: what mappings and sets are sorted by."""
    key = Key("")
    key.hash_value(value, name)
    return key.digest.digest()


def weights_fingerprint(model: Any) -> str:
    """Sixteen hex digits that identify the weights of a module of torch."""
    return str(Key("weights", model=model))[:16]
