"""Questions to a language model: their texts with placeholders, their pictures, and the form of their answers."""

from __future__ import annotations

import base64
import io
import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from altlib.core.cache_keys import Key
from altlib.core.errors import PictureError
from altlib.core.images import open_picture

PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")


@dataclass(frozen=True)
class Prompt:
    """A question.

    Attributes:
        user: What is asked.
        system: What the model is told beforehand; empty for nothing.
        image: The picture's file; empty for none.
        schema: JSON schema of the answer, as JSON; empty for plain text.
        repeat: Equal questions with different numbers are asked anew each.
    """

    user: str
    system: str = ""
    image: str = ""
    schema: str = ""
    repeat: int = 0

    def key(self, url: str, model: str, settings: list[Any]) -> str:
        """The key of the question's content; raises PictureError if the picture's file cannot be read."""
        picture = None
        if self.image:
            try:
                picture = Path(self.image).read_bytes()
            except OSError as error:
                raise PictureError(self.image, "image file is missing") from error
        asked = [self.user, self.system, self.schema, self.repeat]
        return str(Key("prompt", url=url, model=model, settings=settings, asked=asked, picture=picture))

    @property
    def response_format(self) -> dict[str, Any]:
        """The form of the answer as the protocol takes it; empty for plain text."""
        if not self.schema:
            return {}
        return {
            "type": "json_schema",
            "json_schema": {"name": "answer", "strict": True, "schema": json.loads(self.schema)},
        }


def messages(prompt: Prompt, picture_size: int) -> list[dict[str, Any]]:
    """A question as the messages of a chat.

    Args:
        prompt: The question.
        picture_size: Pixels of the longer side of its picture.

    Raises:
        PictureError: The picture cannot be used.
    """
    user: Any = prompt.user
    if prompt.image:
        address = {"type": "image_url", "image_url": {"url": picture_address(prompt.image, picture_size)}}
        user = [{"type": "text", "text": prompt.user}, address]
    told = [{"role": "system", "content": prompt.system}] if prompt.system else []
    return [*told, {"role": "user", "content": user}]


def picture_address(path: str, size: int) -> str:
    """A picture as a ``data:`` address of a JPEG, scaled down and without metadata.

    Args:
        path: The file.
        size: Pixels of the longer side, if it has more.
    """
    buffer = io.BytesIO()
    open_picture(path, longest=size).save(buffer, format="JPEG", quality=90)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def fill(template: str, values: Mapping[str, str]) -> str:
    """A template with its placeholders replaced, each once; braces in the values stay as they are."""
    return PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), template)


def read_template(path: Path, needed: Iterable[str], known: Iterable[str] = ()) -> dict[str, str]:
    """A prompt from a TOML file with the texts ``system`` (which may be missing) and ``user``.

    Args:
        path: The file.
        needed: Placeholders that must occur in either.
        known: Other placeholders that may occur.

    Raises:
        ValueError: The file is missing or is no such file, or its placeholders are others; the message names them.
    """
    if not path.is_file():
        raise ValueError(f"there is no prompt file {path}")
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not valid TOML: {error}") from error
    texts = {name: content.get(name, "") for name in ("system", "user")}
    if not all(isinstance(text, str) for text in texts.values()) or not texts["user"].strip():
        raise ValueError(f"{path} must hold the texts 'user' and, if wanted, 'system'")
    found = {name for text in texts.values() for name in PLACEHOLDER.findall(text)}
    if missing := sorted(set(needed) - found):
        raise ValueError(f"{path} lacks the placeholders {', '.join('{' + name + '}' for name in missing)}")
    if unknown := sorted(found - set(needed) - set(known)):
        raise ValueError(f"{path} has unknown placeholders {', '.join('{' + name + '}' for name in unknown)}")
    return texts


def json_in(text: str) -> dict[str, Any]:
    """The first JSON object in a text, whatever stands around it.

    Raises:
        ValueError: There is none.
    """
    decoder, start = json.JSONDecoder(), text.find("{")
    while start >= 0:
        try:
            value, _ = decoder.raw_decode(text, start)
        except json.JSONDecodeError:
            start = text.find("{", start + 1)
            continue
        if isinstance(value, dict):
            return value
    raise ValueError("it holds no JSON object")
