"""Where language models are asked: any endpoint that speaks OpenAI's protocol (OpenRouter, vLLM, llama.cpp, Ollama ...).

The key comes from an environment variable alone, and is taken out of everything that is kept or shown.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from altlib.core.errors import EndpointError

KEY_VARIABLE = "ALTLIB_API_KEY"
# What keys of services begin with. A key must not stand in a file that is shown and shared.
KEY_LIKE = re.compile(r"(?:^|[\s=:/@\"'])(?:sk|pk|rk|hf|gsk|xai|ghp|key)[-_][A-Za-z0-9_-]{16,}")
VARIABLE_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,63}")
LOCAL = ("localhost", "127.0.0.1", "::1")
UNUSABLE = {
    401: "the key is not accepted",
    402: "there is no credit left",
    403: "the key may not do this",
    404: "there is no such model or address",
}


@dataclass(frozen=True)
class Endpoint:
    """Where a model is asked, and within which limits.

    Attributes:
        url: Base address, such as ``https://openrouter.ai/api/v1`` or ``http://localhost:11434/v1``.
        model: The model's name there.
        key_variable: Environment variable that holds the key; a server on this machine may need none.
        dollars_in: Price of a million tokens that are read; the server's own statement of cost goes first.
        dollars_out: Price of a million tokens that are written.
        at_once: Most requests in flight.
        per_minute: Most requests begun in a minute; 0 sets no limit.
        seconds: Of one attempt.
        attempts: In all, for one question.
        first_wait: Seconds before the second attempt; later ones wait longer.
        longest_wait: Seconds; a question that would have to wait longer fails.
        max_tokens: Of an answer.
        temperature: Of the sampling; 0 takes the most likely answer.
        structured: Ask for JSON of the right form; switch it off for a server that refuses this.
        picture_size: Pixels of the longer side to which a picture is scaled.
    """

    url: str
    model: str
    key_variable: str = KEY_VARIABLE
    dollars_in: float = 0.0
    dollars_out: float = 0.0
    at_once: int = 32
    per_minute: int = 0
    seconds: float = 60.0
    attempts: int = 4
    first_wait: float = 1.0
    longest_wait: float = 120.0
    max_tokens: int = 600
    temperature: float = 0.0
    structured: bool = True
    picture_size: int = 768

    def __post_init__(self) -> None:
        if problem := url_problem(self.url) or variable_problem(self.key_variable):
            raise EndpointError(problem)
        if not self.model:
            raise EndpointError("an endpoint needs the name of a model")

    @property
    def key(self) -> str:
        """The key from the environment.

        Raises:
            EndpointError: The variable is not set, and the server is not on this machine.
        """
        if problem := key_problem(self.url, self.key_variable):
            raise EndpointError(problem)
        return os.environ.get(self.key_variable, "")


def url_problem(url: str) -> str:
    """What is wrong with the address of an endpoint; empty if nothing is. It never repeats a key."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return "the endpoint must be a web address, such as https://openrouter.ai/api/v1 or http://localhost:11434/v1"
    if parts.username or parts.password or parts.query or parts.fragment:
        return f"the endpoint at {parts.hostname} must be a bare address: keys are read from the environment only"
    if parts.scheme == "http" and parts.hostname not in LOCAL:
        return f"the endpoint at {parts.hostname} must begin with https://, because a key is sent to it"
    return ""


def variable_problem(name: str) -> str:
    """What is wrong with the name of the variable that holds a key; empty if nothing is. It never repeats the name."""
    if VARIABLE_NAME.fullmatch(name):
        return ""
    return (
        f"the key's variable must be the name of an environment variable, such as {KEY_VARIABLE}; a key itself is "
        "never read from a parameter or an argument"
    )


def looks_like_key(value: object) -> bool:
    """Whether a text, or one of a list, looks like a key of a service."""
    return any(isinstance(v, str) and KEY_LIKE.search(v) for v in (value if isinstance(value, list) else [value]))


def key_problem(url: str, variable: str) -> str:
    """What is wrong if an endpoint needs a key that is not there; empty if nothing is."""
    if os.environ.get(variable) or urlsplit(url).hostname in LOCAL:
        return ""
    return f"the endpoint at {urlsplit(url).hostname} needs a key: set the environment variable {variable} to it"
