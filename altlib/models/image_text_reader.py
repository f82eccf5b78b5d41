"""How an image-text-to-text model of transformers reads a picture, a post and a response, whatever its kind.

Processors differ: conversations or plain text, a place for the picture or none, an end behind the prompt or not, and
some tell of each token whether it belongs to a picture. What is read here is what the model writes by, so that the
likelihood of a response is the likelihood that the model writes it.
"""

from __future__ import annotations

from typing import Any

import torch
from PIL import Image
from torch import Tensor

from altlib.models.image_text_model import without_special_tokens

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
        end: The token that ends a response.
        stops: All tokens that end what the model writes.
        begin: Tokens that all it writes begins with.
        place: What stands for the picture in a prompt that is no conversation.
    """

    def __init__(self, model: Any, processor: Any, request: str, max_tokens: int):
        self.processor, self.request, self.max_tokens = processor, request, max_tokens
        self.config = model.config
        image_token = getattr(model.config, "image_token_id", None)
        self.image_token: int | None = (
            getattr(model.config, "image_token_index", None) if image_token is None else image_token
        )
        end = processor.tokenizer.eos_token_id
        self.end = int(processor.tokenizer.sep_token_id if end is None else end)
        stops = model.generation_config.eos_token_id
        self.stops = sorted({self.end, *(stops if isinstance(stops, list) else [] if stops is None else [stops])})
        first = model.generation_config.forced_bos_token_id
        self.begin = [] if first is None else [int(first)]
        self.place = self.place_of_picture()

    def place_of_picture(self) -> str:
        """What stands for the picture in a prompt that is no conversation; nothing if the processor puts it there itself."""
        token = getattr(self.processor, "image_token", None)
        if token is None:
            return ""
        try:
            ids = self.processor(images=[Image.new("RGB", (64, 64))], text=[""], return_tensors="pt")["input_ids"]
        except (ValueError, IndexError):  # the processor misses the place
            return f"{token}\n"
        return "" if self.image_token in ids else f"{token}\n"

    def crop(self, text: str) -> str:
        """The beginning of a text, of at most ``max_tokens`` tokens, of which none is a special one."""
        tokenizer = self.processor.tokenizer
        text = without_special_tokens(tokenizer, text[: 40 * self.max_tokens])
        found = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        ends = [end for _, end in found["offset_mapping"]]
        return text if len(ends) <= self.max_tokens else text[: ends[self.max_tokens - 1]]

    def prompt(self, post: str) -> str:
        """The prompt for a picture with a post."""
        asked = self.request + self.crop(post)
        if not getattr(self.processor, "chat_template", None):
            return f"{self.place}{asked}\n"
        content = [{"type": "image"}, {"type": "text", "text": asked}]
        return self.processor.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True)

    def after_picture(self, prompt: str) -> list[int]:
        """Token ids of a prompt behind the picture's place, or of all of it if it has no such place."""
        ids = self.processor.tokenizer(prompt).input_ids
        return ids[len(ids) - ids[::-1].index(self.image_token) :] if self.image_token in ids else ids

    def response(self, text: str) -> list[int]:
        """Token ids of a response with its end."""
        ids = self.processor.tokenizer(self.crop(text), add_special_tokens=False).input_ids
        return [*self.begin, *ids, self.end]

    def inputs(self, picture: Image.Image, prompt: str) -> Any:
        """The tensors of a picture and a prompt, each of one example.

        Returns:
            ``input_ids`` (1, L), the picture's tensors, and whatever else the model reads by name.
        """
        found = self.processor(images=[picture], text=[prompt], return_tensors="pt")
        found.pop("labels", None)
        if not self.config.is_encoder_decoder and int(found["input_ids"][0, -1]) == self.end:
            for name in told_of_tokens(found):  # tokenizers such as BERT's end each text
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


def told_of_tokens(inputs: Any) -> list[str]:
    """Names of the tensors that have an entry for each token: ids, masks and kinds of tokens."""
    shape = inputs["input_ids"].shape
    return [n for n, v in inputs.items() if isinstance(v, Tensor) and v.shape[:2] == shape and "pixel" not in n]
