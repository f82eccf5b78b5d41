"""How an image-text-to-text model of transformers reads a picture, a post and a response, whatever its kind.

Processors differ: conversations or plain text, a place for the picture or none, an end behind the prompt or not, and
some tell of each token whether it belongs to a picture. A response is laid out as the model writes it.
"""

from __future__ import annotations

import re
from functools import cached_property, partial
from typing import Any

import jinja2
import torch
from PIL import Image
from torch import Tensor

from altlib.models.image_text_model import conversation, has_conversations, without_special_tokens
from altlib.models.image_text_parts import has_decoder

REQUEST = "Write alt text for this picture of a post: one or two sentences that describe what it shows.\nContext: "
# Kinds whose prompts attend in both directions: their token_type_ids are 0 for the prompt and 1 for the response.
PREFIX_ATTENTION = ("paligemma",)


class ImageTextReader:
    """Prompts, responses and the tensors that a model reads.

    Args:
        model: An image-text-to-text model.
        processor: Its processor.
        request: What the model is asked; the post follows.
        max_tokens: Where post and response are cropped, each (tokens).

    Attributes:
        image_token: The token in a picture's place; none if the model has none.
        has_decoder: Whether an encoder reads the prompt, and a decoder beside it writes.
        begin: Tokens before the response in that decoder.
        end: The token that ends a response.
        telling: What the model is told when it writes: where to stop, if it does not stop there by itself, and that it
            writes no token in a picture's place.
        gap: What a conversation's template writes before a response, if the tokenizer joins it to the first word.
        place: What stands for the picture in a prompt that is no conversation.
        line: What ends such a prompt.
    """

    def __init__(self, model: Any, processor: Any, request: str, max_tokens: int):
        self.processor, self.request, self.max_tokens = processor, request, max_tokens
        self.config = model.config
        image_token = getattr(model.config, "image_token_id", None)
        self.image_token: int | None = (
            getattr(model.config, "image_token_index", None) if image_token is None else image_token
        )
        text, generation = model.config.get_text_config(), model.generation_config
        self.has_decoder = has_decoder(model.config)
        start = generation.decoder_start_token_id
        start = getattr(text, "decoder_start_token_id", None) if start is None else start
        self.begin = [int(token) for token in (start, generation.forced_bos_token_id) if token is not None]
        stops = generation.eos_token_id
        written = {*(stops if isinstance(stops, list) else [] if stops is None else [stops])}
        eos = processor.tokenizer.eos_token_id
        eos = int(processor.tokenizer.sep_token_id if eos is None else eos)
        self.gap, self.end = self.around_response({eos, *written}, eos)
        self.telling: dict[str, list[int]] = (
            {} if self.end in written else {"eos_token_id": sorted({self.end, *written})}
        )
        if places := picture_places(model.config):
            self.telling["suppress_tokens"] = sorted({*places, *(generation.suppress_tokens or [])})
        self.ends_texts = processor.tokenizer("a").input_ids[-1] == eos  # as BERT's tokenizer does
        self.place, self.line = self.around_request()

    def around_response(self, ends: set[int], otherwise: int) -> tuple[str, int]:
        """What a conversation's template writes before and behind what the model says.

        Args:
            ends: Tokens that may end it.
            otherwise: What ends it if there is no template, or if that knows no turn of the model.

        Returns:
            White space, which byte-level tokenizers join to the first word, or nothing; and the token that ends it.
        """
        if not has_conversations(self.processor):
            return "", otherwise
        said = "Alt text"
        try:
            before, _, after = conversation(self.processor, "?", said).rpartition(said)
            gap = before.removeprefix(conversation(self.processor, "?"))
        except (jinja2.TemplateError, TypeError, ValueError):
            return "", otherwise
        tokens = partial(self.processor.tokenizer, add_special_tokens=False)
        first = self.processor.tokenizer.decode(tokens(gap + said).input_ids[:1])
        joined = gap.isspace() and first.strip()  # SentencePiece's put a space before the first word by themselves
        end = next((token for token in tokens(after).input_ids if token in ends), otherwise)
        return gap if joined else "", end

    def around_request(self) -> tuple[str, str]:
        """What stands before and behind a request that is no conversation, unless the processor puts it there itself.

        Returns:
            The picture's place, and the end of a line.
        """
        token = getattr(self.processor, "image_token", None)
        if has_conversations(self.processor) or token is None:
            return "", "\n"
        try:
            ids = self.processor(images=[Image.new("RGB", (64, 64))], text=["?"], return_tensors="pt")["input_ids"]
        except (ValueError, IndexError):  # the processor misses the place
            return f"{token}\n", "\n"
        line = "" if self.processor.tokenizer.decode(ids[0]).endswith("?\n") else "\n"
        return "" if self.image_token in ids else f"{token}\n", line

    def crop(self, text: str) -> str:
        """The beginning of a text, of at most ``max_tokens`` tokens, of which none is a special one."""
        text = without_special_tokens(self.processor, text[: 40 * self.max_tokens])
        found = self.processor.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        ends = [end for _, end in found["offset_mapping"]]
        return text if len(ends) <= self.max_tokens else text[: ends[self.max_tokens - 1]]

    def prompt(self, post: str) -> str:
        """The prompt for a picture with a post."""
        asked = self.request + self.crop(post)
        if has_conversations(self.processor):
            return conversation(self.processor, asked)
        return f"{self.place}{asked}{self.line}"

    @cached_property
    def empty(self) -> str:
        """The prompt for a picture with an empty post."""
        return self.prompt("")

    @cached_property
    def after_empty(self) -> int:
        """How many tokens of that prompt stand behind the picture's place."""
        return len(self.after_picture(self.empty))

    def told(self, prompt: str) -> dict[str, bool]:
        """What a tokenizer is told of a prompt: a conversation's template has written the special tokens already."""
        begin = self.processor.tokenizer.bos_token
        return {"add_special_tokens": False} if begin and prompt.startswith(begin) else {}

    def after_picture(self, prompt: str) -> list[int]:
        """Token ids of a prompt behind the picture's place, or of all of it if it has no such place."""
        ids = self.processor.tokenizer(prompt, **self.told(prompt)).input_ids
        ids = ids[:-1] if self.drops_end(prompt) else ids
        return ids[len(ids) - ids[::-1].index(self.image_token) :] if self.image_token in ids else ids

    def drops_end(self, prompt: str) -> bool:
        """Whether the tokenizer ends a prompt behind which the response comes."""
        return self.ends_texts and not self.has_decoder and not self.told(prompt)

    def response(self, text: str) -> list[int]:
        """Token ids of a response with its end."""
        return [*self.processor.tokenizer(self.gap + self.crop(text), add_special_tokens=False).input_ids, self.end]

    def inputs(self, picture: Image.Image, prompt: str) -> Any:
        """The tensors of a picture and a prompt, each of one example.

        Returns:
            ``input_ids`` (1, L), the picture's tensors, and whatever else the model reads by name.
        """
        found = self.processor(images=[picture], text=[prompt], return_tensors="pt", **self.told(prompt))
        found.pop("labels", None)
        if self.drops_end(prompt):
            for name in told_of_tokens(found):
                found[name] = found[name][:, :-1]
        return found

    def continued(self, inputs: Any, response: Tensor) -> dict[str, Any]:
        """A prompt's tensors with a response behind it: what is told of the last token holds for each of the response's.

        Args:
            inputs: From :meth:`inputs`, on a device.
            response: Token ids, (1, N).
        """
        longer = dict(inputs)
        for name in told_of_tokens(inputs):
            more = inputs[name][:, -1:].repeat(1, response.shape[1], *[1] * (inputs[name].dim() - 2))
            if name == "token_type_ids" and self.config.model_type in PREFIX_ATTENTION:
                more = torch.ones_like(more)
            longer[name] = torch.cat([inputs[name], response if name == "input_ids" else more], 1)
        return longer

    def written(self, inputs: Any, tokens: Tensor) -> str:
        """The text of what a model wrote, which some kinds give with the prompt before it.

        Args:
            inputs: What it read, from :meth:`inputs`.
            tokens: Token ids, (N,).
        """
        prompt = inputs["input_ids"][0]
        said = tokens[len(prompt) :] if torch.equal(tokens[: len(prompt)], prompt) else tokens
        return self.processor.tokenizer.decode(said, skip_special_tokens=True).strip()


def picture_places(config: Any) -> set[int]:
    """Tokens in the places of pictures and videos, and around them, as a model's configuration names them."""
    named = re.compile(r"(image|video|vision|boi|eoi)\w*_token_(id|index)")
    names = filter(named.match, {*config.to_dict(), *config.attribute_map})  # the map has usual names for others
    return {token for name in names if isinstance(token := getattr(config, name), int)}


def told_of_tokens(inputs: Any) -> list[str]:
    """Names of the tensors that have an entry for each token: ids, masks and kinds of tokens."""
    shape = inputs["input_ids"].shape
    return [n for n, v in inputs.items() if isinstance(v, Tensor) and v.shape[:2] == shape and "pixel" not in n]
