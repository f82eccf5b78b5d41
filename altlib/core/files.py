"""Files that appear whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from altlib.core.errors import DiskFullError

LONGEST_FOLDER = 80  # bytes of the name of a temporary folder, so that the names of sockets in it stay within the limit


@contextmanager
def naming_full_disk(path: Path | str) -> Iterator[None]:
    """Turn an error of the block that says there is no room into one that names ``path`` and the way out.

    Raises:
        DiskFullError: The disk or the quota is full.
    """
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFullError(
                error.errno,
                f"no room left on the disk while writing {path}; free some space and run the "
                "same command again, what was finished is kept",
            ) from error
        raise


@contextmanager
def whole_file(path: Path | str) -> Iterator[Path]:
    """Yield a temporary path beside ``path`` that becomes ``path`` if the block succeeds.

    After an error or a kill, ``path`` is as it was before.

    Raises:
        DiskFullError: The disk is full.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    os.close(handle)
    part = Path(name)
    try:
        with naming_full_disk(path):
            yield part
            with part.open("rb+") as written:
                os.fsync(written.fileno())
            umask = os.umask(0)
            os.umask(umask)
            part.chmod(0o666 & ~umask)
            part.replace(path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def only_one(lock: Path, wait: bool = True) -> Iterator[None]:
    """Hold the lock of a file; the system gives it back when the process ends, however it ends.

    Raises:
        BlockingIOError: Somebody else has it and ``wait`` is false.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    held = FileLock(lock)
    try:
        held.acquire(blocking=wait)
    except Timeout:
        raise BlockingIOError(errno.EWOULDBLOCK, "another process or thread holds the lock", str(lock)) from None
    try:
        yield
    finally:
        held.release()


def write_text(path: Path | str, text: str) -> None:
    """Write UTF-8 text, whole or not at all."""
    with whole_file(path) as part:
        part.write_text(text, encoding="utf-8")


def write_json(path: Path | str, value: Any) -> None:
    """Write JSON, whole or not at all."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def read_json(path: Path | str) -> Any:
    """Read JSON.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is not JSON; the message names it and the place.
    """
    text = Path(path).read_text(encoding="utf-8")
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} is not valid JSON: {error}") from error


def first_copies(paths: Iterable[str]) -> dict[str, str]:
    """The first of some files that is the same as each, by its bytes or its place; only files of equal size are read."""
    places = {path: Path(path).resolve() for path in paths}
    sizes = {place: place.stat().st_size if place.is_file() else -1 for place in {*places.values()}}
    alike = {size for size, count in Counter(sizes.values()).items() if count > 1} - {-1}

    def identity(place: Path) -> Path | bytes:
        return hashlib.sha256(place.read_bytes()).digest() if sizes[place] in alike else place

    identities = {place: identity(place) for place in sizes}
    firsts: dict[Path | bytes, str] = {}
    return {path: firsts.setdefault(identities[place], path) for path, place in places.items()}
