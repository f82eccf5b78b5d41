"""Alt text from vision-language models: prompts, and writers that put pictures to a model."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from altlib.generation.baselines import vision_language_captions
from altlib.models.asking import ask_all
from altlib.models.endpoint import Endpoint
from altlib.models.prompts import Prompt, fill, read_template

BEST = "blog-with-post"  # the prompt for daily use; without a post, the blog's own
WITHOUT_POST = "blog"
LONGEST = 2000  # characters of an alt text
PREAMBLE = re.compile(r"^\W*(?:here(?:'s| is) (?:the |an |some )?)?alt(?:ernative)?[- ]?text\W*?:\s*", re.IGNORECASE)
QUOTES = {'"': '"', "“": "”", "'": "'", "«": "»"}


@dataclass(frozen=True)
class Picture:
    """A picture that alt text is wanted for.

    Attributes:
        image: Its file.
        post: What is posted with it; empty if nothing is.
    """

    image: str
    post: str = ""


@dataclass(frozen=True)
class Described:
    """What a model wrote.

    Attributes:
        text: The alt text; empty if there is none.
        problem: Why there is none.
    """

    text: str = ""
    problem: str = ""


Writer = Callable[[Sequence[Picture]], list[Described]]


@dataclass(frozen=True)
class Wish:
    """What alt text is asked for.

    Attributes:
        prompt: Name of a prompt of ``prompts.toml``, or the path of a TOML file with the texts user and system.
        language: English name of the language; empty leaves it to the model.
        length: short, medium or long.
    """

    prompt: str = ""
    language: str = ""
    length: str = "medium"

    def template(self, has_post: bool) -> dict[str, str]:
        """The texts of the prompt; without a name, the best one for a picture with or without a post.

        Raises:
            ValueError: There is no such prompt; the message names those there are.
        """
        name = self.prompt or (BEST if has_post else WITHOUT_POST)
        if name in prompts():
            return prompts()[name]
        if name.endswith(".toml"):
            return read_template(Path(name), (), ("post", "length", "language"))
        raise ValueError(f"there is no prompt {name!r}; known: {', '.join(prompts())}, or the path of a .toml file")

    def texts(self, post: str) -> tuple[str, str]:
        """What the model is told beforehand and what it is asked, for a picture with this post."""
        template = self.template(bool(post.strip()))
        if self.length not in lengths():
            raise ValueError(f"the length must be one of {', '.join(lengths())}, not {self.length!r}")
        values = {
            "post": post.strip() or "(no text)",
            "length": lengths()[self.length],
            "language": f" Write in {self.language}." if self.language else "",
        }
        return fill(template.get("system", ""), values).strip(), fill(template["user"], values).strip()


@cache
def prompt_file() -> dict[str, dict[str, str]]:
    """The content of ``prompts.toml``."""
    return tomllib.loads(files(__package__).joinpath("prompts.toml").read_text(encoding="utf-8"))


def prompts() -> Mapping[str, dict[str, str]]:
    """The prompts that ship with the package, by name."""
    return {name: texts for name, texts in prompt_file().items() if name != "lengths"}


def lengths() -> Mapping[str, str]:
    """What each length is called in a prompt."""
    return prompt_file()["lengths"]


def cleaned(text: str) -> str:
    """The alt text in an answer, without a preamble, quotes around it and line breaks.

    Raises:
        ValueError: Nothing is left, or too much.
    """
    plain = PREAMBLE.sub("", " ".join(text.split()).replace("**", "")).strip()
    if len(plain) > 1 and QUOTES.get(plain[0]) == plain[-1] and plain[0] not in plain[1:-1]:
        plain = plain[1:-1].strip()
    if not plain:
        raise ValueError("it is empty")
    if len(plain) > LONGEST:
        raise ValueError(f"it has more than {LONGEST:,} characters")
    return plain


def endpoint_writer(endpoint: Endpoint, wish: Wish, replies: Path) -> Writer:
    """A writer that asks an endpoint; what it answered before is kept in the file ``replies``."""

    def write(pictures: Sequence[Picture]) -> list[Described]:
        questions = [(wish.texts(picture.post), picture.image) for picture in pictures]
        asked = [Prompt(user, system, image) for (system, user), image in questions]
        found = ask_all(endpoint, asked, cleaned, replies, "writing alt text")
        return [Described(reply.value or "", reply.failure) for reply in found]

    return write


def transformers_writer(model: str, wish: Wish, device: str, replies: Path) -> Writer:
    """A writer that runs an image-text-to-text model of transformers; what it wrote before is kept in ``replies``."""

    def write(pictures: Sequence[Picture]) -> list[Described]:
        requests = ["\n\n".join(filter(None, wish.texts(picture.post))) for picture in pictures]
        images = [picture.image for picture in pictures]
        texts = vision_language_captions(model, images, device, requests=requests, cache=replies)
        return [described(text) for text in texts]

    return write


def described(text: str) -> Described:
    """What :func:`cleaned` makes of an answer."""
    try:
        return Described(cleaned(text))
    except ValueError as error:
        return Described(problem=f"the answer cannot be used: {error}")
