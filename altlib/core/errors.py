"""All errors of the library whose message tells what was wrong and what to do about it."""

from __future__ import annotations

from pathlib import Path


class DiskFullError(OSError):
    """The disk has no room; the message names the file and the way out."""


class PictureError(ValueError):
    """A picture cannot be used.

    Attributes:
        reason: a short phrase by which exclusions are counted.
    """

    def __init__(self, path: Path | str, reason: str):
        super().__init__(f"{path}: {reason}")
        self.reason = reason


class BackboneError(RuntimeError):
    """A model cannot be loaded; the message says what to download and where to put it."""


class FetchError(RuntimeError):
    """Something cannot be fetched.

    Attributes:
        reason: a short phrase to count by.
        passing: whether a later attempt may succeed.
        wait: seconds that the host asks to wait; 0 if it asks nothing.
        status: the HTTP status that the host answered; 0 if that is not what is wrong.
    """

    def __init__(self, url: str, reason: str, passing: bool = False, wait: float = 0.0, status: int = 0):
        super().__init__(f"{url[:200]}: {reason}")
        self.reason, self.passing, self.wait, self.status = reason, passing, wait, status


class ParameterError(ValueError):
    """A parameter is unknown, of the wrong type or impossible; the message names it and the nearest valid one."""


class CorpusError(ValueError):
    """A corpus is missing, unreadable or lacks what it must have."""


class RunError(RuntimeError):
    """A run stopped; the message names chapter, cell and cause, and what to do next."""


class EndpointError(RuntimeError):
    """An endpoint of language models cannot be used; the message says what to do, and never holds a key."""


class StudyError(ValueError):
    """A study cannot be made, or its folder cannot be read; the message says what is missing and what to do."""
