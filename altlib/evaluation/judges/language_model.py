"""A language model as judge, with the blog's four criteria, through any endpoint."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from altlib.evaluation.judges.interface import (
    CRITERIA,
    EQUAL,
    FIRST,
    HIGHEST,
    LOWEST,
    SECOND,
    JudgedText,
    Preferences,
    Ratings,
)
from altlib.models.asking import ask_all
from altlib.models.endpoint import Endpoint
from altlib.models.prompts import Prompt, fill, json_in, read_template

RATING_PLACEHOLDERS = ("ground_truth", "generated")
BETTER = {"a": FIRST, "b": SECOND, "equal": EQUAL}


def built_in_prompt(name: str) -> dict[str, str]:
    """A prompt of ``prompts.toml``: rating or comparison."""
    content = tomllib.loads(files(__package__).joinpath("prompts.toml").read_text(encoding="utf-8"))
    return {part: text.strip() for part, text in content[name].items()}


def object_schema(properties: dict[str, Any]) -> str:
    """A JSON schema of an object with exactly these properties, as JSON."""
    names = list(properties)
    return json.dumps({"type": "object", "properties": properties, "required": names, "additionalProperties": False})


RATING_SCHEMA = object_schema(
    {c: {"type": "integer", "minimum": LOWEST, "maximum": HIGHEST} for c in CRITERIA}
    | {"reasoning": {"type": "string"}}
)
COMPARISON_SCHEMA = object_schema(
    {"better": {"type": "string", "enum": ["A", "B", "equal"]}, "reasoning": {"type": "string"}}
)


def checked_rating(text: str) -> dict[str, int]:
    """The scores in an answer.

    Raises:
        ValueError: It is not the JSON asked for, or a score is missing or outside 1 to 5.
    """
    found = json_in(text)
    scores = {}
    for criterion in CRITERIA:
        if criterion not in found:
            raise ValueError(f"it lacks {criterion!r}")
        value = found[criterion]
        is_whole = isinstance(value, int | float) and not isinstance(value, bool) and value == int(value)
        if not is_whole or not LOWEST <= value <= HIGHEST:
            raise ValueError(f"{criterion!r} must be a whole number from {LOWEST} to {HIGHEST}")
        scores[criterion] = int(value)
    return scores


def checked_comparison(text: str) -> str:
    """The verdict in an answer.

    Raises:
        ValueError: It is not the JSON asked for, or the verdict is another.
    """
    better = json_in(text).get("better")
    if not isinstance(better, str) or better.lower() not in BETTER:
        raise ValueError('"better" must be "A", "B" or "equal"')
    return BETTER[better.lower()]


@dataclass(frozen=True)
class LanguageModelJudge:
    """A judge behind an endpoint.

    Attributes:
        name: What tables call it.
        endpoint: Who is asked.
        cache: SQLite file in which answers and costs are kept.
        prompt: The prompt for ratings; by default the blog's.
        sees_picture: Whether the picture is sent along.
    """

    name: str
    endpoint: Endpoint
    cache: Path
    prompt: dict[str, str] = field(default_factory=lambda: built_in_prompt("rating"))
    sees_picture: bool = False

    def rate(self, texts: Sequence[JudgedText], repeat: int = 0) -> Ratings:
        """Rate each text alone, on :data:`altlib.evaluation.judges.interface.CRITERIA`."""
        prompts = [self.filled(self.prompt, text, {"generated": text.text}, RATING_SCHEMA, repeat) for text in texts]
        replies = ask_all(self.endpoint, prompts, checked_rating, self.cache, f"{self.name}: rating")
        rows = [reply.value or dict.fromkeys(CRITERIA, np.nan) for reply in replies]
        return Ratings(pd.DataFrame(rows, columns=list(CRITERIA), dtype=float), [reply.failure for reply in replies])

    def compare(self, first: Sequence[JudgedText], second: Sequence[JudgedText], repeat: int = 0) -> Preferences:
        """Prefer one of two texts, which the model sees together."""
        template = built_in_prompt("comparison")
        prompts = [
            self.filled(template, a, {"first": a.text, "second": b.text}, COMPARISON_SCHEMA, repeat)
            for a, b in zip(first, second, strict=True)
        ]
        replies = ask_all(self.endpoint, prompts, checked_comparison, self.cache, f"{self.name}: comparing")
        return Preferences(np.array([r.value or "" for r in replies], dtype=object), [r.failure for r in replies])

    def filled(
        self, template: dict[str, str], text: JudgedText, values: dict[str, str], schema: str, repeat: int
    ) -> Prompt:
        """A prompt about a text."""
        values = values | {"ground_truth": text.reference, "post": text.post}
        image = text.image if self.sees_picture else ""
        return Prompt(fill(template["user"], values), template.get("system", ""), image, schema, repeat)


def read_rating_prompt(path: str) -> dict[str, str]:
    """The prompt for ratings in a file, or the blog's if the path is empty.

    Raises:
        ValueError: The file lacks a placeholder, or is no prompt file.
    """
    if not path:
        return built_in_prompt("rating")
    return read_template(Path(path), RATING_PLACEHOLDERS, ("post",))
