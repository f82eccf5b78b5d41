"""An image-text-to-text model of transformers as a policy of preference optimisation, with LoRA: LLaVA, Qwen2-VL, PaliGemma.

The language model learns through LoRA, the projector fully, the vision encoder fully or not at all
(MCM-DPO's paradigms). Only post and response are ever cropped; the picture's tokens stay whole
whatever ``max_tokens`` is. Truncating a whole sequence can drop them all while the loss still falls.

Any kind may learn whose parts have usual names and that is scored by the probabilities by which it writes (penalties
for repetition and the like aside): :func:`altlib.models.image_text_checks.check_scores` lets each model write a few
tokens before it learns, and compares.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from inspect import signature
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from altlib.core.cache_keys import file_stamp
from altlib.core.code_imports import code_fingerprint
from altlib.core.devices import attention_in_blocks
from altlib.core.errors import BackboneError
from altlib.core.files import read_json, whole_file, write_json
from altlib.core.images import centre_crop, open_picture
from altlib.data.comparisons import Combination
from altlib.data.negatives import partners
from altlib.models.image_text_checks import PLAIN, check_precision, check_scores, first_example, shares_prompts
from altlib.models.image_text_model import load_image_text_model
from altlib.models.image_text_parts import LANGUAGE_PARTS, choose_what_learns, part_of
from altlib.models.image_text_reader import REQUEST, ImageTextReader, told_of_tokens
from altlib.models.policy import (
    NegativeSettings,
    PairPictures,
    Texts,
    autocast,
    combination_trees,
    copied_state,
    silence_dropout,
)
from altlib.models.response_trees import Tree, tree_log_probabilities

CODE = code_fingerprint("models.image_text_policy")
# Kinds that cast a picture's features to the number type of their first weights, float32 where the vision encoder
# learns; what stands beside them is cast to it, too.
CASTS_TO_FIRST = ("smolvlm",)


@dataclass(frozen=True)
class ImageTextSettings:
    """What of an image-text-to-text model learns, and what it reads.

    Attributes:
        rank: Of LoRA's updates of the language model.
        max_tokens: Where post and response are cropped, each (tokens).
        request: What the model is asked; the post follows.
    """

    rank: int = 128
    max_tokens: int = 150
    request: str = REQUEST


@dataclass
class ImageTextPairs:
    """Pairs as an image-text-to-text model reads them.

    Attributes:
        pictures: The own and the worse pictures.
        prompts: n prompts.
        contexts: The same behind their picture, as token ids.
        begin: What a decoder beside an encoder begins with, as token ids.
        responses: The chosen and the rejected responses by ``better``, as token ids with the end.
        partner: The pair whose post is the worse one, for each pair.
        pixels: How pictures become pixels.
        reading: What else of the processor and the model's configuration decides how an example is read.
    """

    pictures: PairPictures
    prompts: list[str]
    contexts: list[list[int]]
    begin: list[int]
    responses: dict[bool, list[list[int]]]
    partner: list[int]
    pixels: str
    reading: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.contexts)

    @property
    def texts(self) -> list[Texts]:
        """Token ids of the post and of both responses of each pair."""
        return list(zip(self.contexts, self.responses[True], self.responses[False], strict=True))

    @property
    def posts(self) -> Sequence[Sequence[Any]]:
        """The prompt of each pair, which holds its post."""
        return self.prompts

    @property
    def reads(self) -> Any:
        """Texts, and how pictures become pixels."""
        return self.prompts, self.begin, self.responses, self.pixels

    def stamp(self) -> Iterator[Any]:
        """Everything about the pairs that a result follows from."""
        yield CODE
        yield self.pictures.settings
        yield self.pixels
        yield self.reading
        yield [self.begin, self.prompts, self.contexts, self.responses[True], self.responses[False]]
        yield from map(file_stamp, self.pictures.paths)


class ImageTextPolicy(nn.Module):
    """An image-text-to-text model whose language model learns through LoRA.

    Weights that learn become float32: in half precision, small updates would be lost or become NaN.

    Args:
        model: On its device, in float32 or in the number type that is computed with there.
        processor: Its processor.
        settings: What learns and what is read.
        trains_vision: Whether the vision encoder learns.

    Raises:
        BackboneError: The model's parts cannot be told from each other, its weights are of another number type,
            or it writes by other likelihoods than it is scored by.
    """

    sees_pictures = True

    def __init__(self, model: Any, processor: Any, settings: ImageTextSettings, trains_vision: bool = False):
        super().__init__()
        self.processor, self.settings, self.trains_vision = processor, settings, trains_vision
        self.model: Any = model
        choose_what_learns(model, settings.rank, trains_vision)
        check_precision(self)
        for p in model.parameters():
            if p.requires_grad:
                p.data = p.data.float()
        silence_dropout(self)
        if model.config.model_type in CASTS_TO_FIRST:
            model.get_input_embeddings().register_forward_hook(
                lambda words, read, made: made.to(model.base_model.dtype)
            )
        with first_example(model):
            self.reader = ImageTextReader(model, processor, settings.request, settings.max_tokens)
            check_scores(self)
            self.shares_prompts = shares_prompts(self)

    def train(self, mode: bool = True) -> ImageTextPolicy:
        """Set the training mode; batch normalisation keeps to its running statistics, as the reference does."""
        super().train(mode)
        for module in self.modules():
            if isinstance(module, _BatchNorm):
                module.eval()
        return self

    @property
    def tokenizer(self) -> Any:
        """Of its texts."""
        return self.processor.tokenizer

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return self.model.get_input_embeddings().weight.device

    def recompute_activations(self) -> None:
        """Compute activations again in the backward pass, which takes less memory and more time."""
        named = ("activation_checkpointing_enable", "gradient_checkpointing_enable")  # the second until version 6
        enable = getattr(self.model, next(name for name in named if hasattr(self.model, name)))
        enable({"use_reentrant": False, "context_fn": lambda: (nullcontext(), attention_in_blocks())})
        self.model.disable_input_require_grads()  # embeddings do not learn

    def prepare(self, pairs: pd.DataFrame, negatives: NegativeSettings) -> ImageTextPairs:
        """Pairs as :meth:`log_probabilities` takes them."""
        prompts = [self.reader.prompt(post) for post in pairs["text"]]
        columns = {True: "chosen", False: "rejected"}
        return ImageTextPairs(
            PairPictures(pairs["image"].tolist(), negatives),
            prompts,
            [self.reader.after_picture(prompt) for prompt in prompts],
            self.reader.begin,
            {better: [self.reader.response(text) for text in pairs[name]] for better, name in columns.items()},
            partners(prompts, negatives.seed),
            self.processor.image_processor.to_json_string(),
            (self.processor.to_json_string(), self.model.config.to_json_string(), str(self.shares_prompts)),
        )

    def read(self, pictures: PairPictures, row: int, better: bool, prompts: Sequence[str]) -> list[Any]:
        """What the model reads of a pair's own or worse picture with each of some prompts, on its device."""
        picture = pictures.open(row, better)
        return [self.spoilt(self.reader.inputs(picture, prompt), pictures, row, better) for prompt in prompts]

    def spoilt(self, inputs: Any, pictures: PairPictures, row: int, better: bool) -> Any:
        """What was read of a picture, on the model's device; with noise if it is a worse one and the negative is diffusion."""
        if not better and pictures.settings.picture == "diffusion":
            if "pixel_values" not in inputs:
                name = type(self.model).__name__
                raise BackboneError(f"noise cannot be added to what {name} reads; choose another negative picture")
            inputs["pixel_values"] = self.noisy(pictures, row, inputs["pixel_values"])
        return inputs.to(self.device)

    def noisy(self, pictures: PairPictures, row: int, pixels: Tensor) -> Tensor:
        """A worse picture's pixels, with noise if the negative is diffusion; the frames of a still picture have the same."""
        frames = getattr(self.processor.image_processor, "temporal_patch_size", 1)
        if pixels.dim() > 2 or frames == 1:
            return pictures.noisy(pixels[None], [row])[0]
        still = pixels.view(len(pixels), 3, frames, -1)  # patches, colours, frames, places
        noisy = pictures.noisy(still[None, :, :, :1], [row])[0]
        return noisy.expand_as(still).reshape(pixels.shape)

    def trunk(self, inputs: Any) -> Tensor:
        """Input embeddings up to the last token of a picture, (k, d).

        Args:
            inputs: What the model reads of it and of a prompt with an empty post.
        """
        tokens = inputs["input_ids"][0, : -self.reader.after_empty]  # those that frame a picture belong to it
        embedded = self.model.get_input_embeddings()(tokens)
        pixels = {name: value for name, value in inputs.items() if name not in told_of_tokens(inputs)}
        features = torch.cat(list(self.model.get_image_features(**pixels).pooler_output))  # (picture tokens, d)
        place = (tokens == self.reader.image_token)[:, None]
        return embedded.masked_scatter(place, features.to(embedded.dtype))

    @attention_in_blocks()
    def log_probabilities(self, prepared: ImageTextPairs, rows: Sequence[int], wanted: Sequence[Combination]) -> Tensor:
        """log p(response | post, picture) of pairs in several combinations, (B, number of combinations) in nats."""

        def giver(row: int, better: bool) -> int:
            return row if better else prepared.partner[row]

        def response(row: int, better: bool) -> list[int]:
            return prepared.responses[better][row]

        if self.shares_prompts:
            trees, order = combination_trees(
                rows,
                wanted,
                lambda row, better: self.trunk(*self.read(prepared.pictures, row, better, [self.reader.empty])),
                lambda row, better: prepared.contexts[giver(row, better)],
                response,
            )
            return self.score_trees(trees).view(len(rows), len(wanted))[:, order]
        scores = []
        contexts = sorted({c.context for c in wanted})
        for row in rows:
            prompts = [prepared.prompts[giver(row, context)] for context in contexts]
            inputs = {
                (picture, context): found
                for picture in {c.picture for c in wanted}
                for context, found in zip(contexts, self.read(prepared.pictures, row, picture, prompts), strict=True)
            }
            scores += [self.score_alone(inputs[c.picture, c.context], response(row, c.response)) for c in wanted]
        return torch.stack(scores).view(len(rows), len(wanted))

    def score_trees(self, trees: Sequence[Tree]) -> Tensor:
        """See :func:`altlib.models.response_trees.tree_log_probabilities`."""
        head = self.model.get_output_embeddings()
        return tree_log_probabilities(part_of(self.model, LANGUAGE_PARTS), head, trees, self.reader.end)

    def next_words(self, inputs: Any, response: Sequence[int]) -> Tensor:
        """Log-probabilities of all words in the place of each token of a response, by the model's own forward pass.

        Args:
            inputs: What the model reads before it, from :meth:`read`.
            response: N token ids.

        Returns:
            (N, vocabulary) in nats.
        """
        said = torch.tensor([list(response)], device=self.device)
        if self.reader.has_decoder:
            before = said.new_tensor([self.reader.begin])
            read = {**inputs, "decoder_input_ids": torch.cat([before, said[:, :-1]], 1)}
            logits = self.model(**read, use_cache=False).logits[0, -len(response) :]
        else:  # counted from the end, as a picture may have states of its own before the tokens'
            kept = len(response) + 1
            only = {"logits_to_keep": kept} if "logits_to_keep" in signature(self.model.forward).parameters else {}
            read = self.reader.continued(inputs, said)
            logits = self.model(**read, **only, use_cache=False).logits[0, -kept:-1]
        return logits.float().log_softmax(-1)

    def score_alone(self, inputs: Any, response: Sequence[int]) -> Tensor:
        """log p of one response, whose token ids have the end, by the model's own forward pass, ()."""
        said = torch.tensor(list(response), device=self.device)
        return self.next_words(inputs, response).gather(1, said[:, None]).sum()

    @torch.inference_mode()
    @attention_in_blocks()
    def write(self, paths: Sequence[str], posts: Sequence[str], beams: int = 3, max_tokens: int = 60) -> list[str]:
        """Alt text for pictures with their posts, one at a time."""
        texts = []
        told = {"num_beams": beams, "max_new_tokens": max_tokens, **PLAIN, **self.reader.telling}
        for path, post in zip(paths, posts, strict=True):
            image = centre_crop(open_picture(path, longest=4096))
            inputs = self.reader.inputs(image, self.reader.prompt(post)).to(self.device)
            with autocast(self):
                out = self.model.generate(**inputs, **told)
            texts.append(self.reader.written(inputs, out[0]))
        return texts

    def save(self, folder: Path) -> None:
        """Write what has been learned: LoRA's updates, the projector, and the vision encoder if it learned."""
        folder.mkdir(parents=True, exist_ok=True)
        learned = {name: p for name, p in self.model.named_parameters() if p.requires_grad}
        with whole_file(folder / "learned.safetensors") as part:
            save_file(copied_state(learned), part)
        write_json(folder / "policy.json", {"trains_vision": self.trains_vision, "settings": asdict(self.settings)})

    @torch.no_grad()
    def restore(self, folder: Path) -> None:
        """Put back what :meth:`save` wrote.

        Raises:
            BackboneError: It was learned by another model.
        """
        if not (folder / "policy.json").is_file():
            raise BackboneError(f"there is no trained image-text-to-text model in {folder}")
        settings = ImageTextSettings(**read_json(folder / "policy.json")["settings"])
        learned, own = load_file(folder / "learned.safetensors"), dict(self.model.named_parameters())
        if settings != self.settings or any(n not in own or own[n].shape != v.shape for n, v in learned.items()):
            raise BackboneError(f"what was learned in {folder} does not fit this model")
        for name, value in learned.items():
            own[name].copy_(value)


def load_image_text_policy(
    name: str, settings: ImageTextSettings, trains_vision: bool, device: str = "cpu"
) -> ImageTextPolicy:
    """A policy from a pretrained model; weights are read from safetensors only.

    Args:
        name: A folder or a hub name, such as ``llava-hf/llava-v1.6-vicuna-7b-hf``.
        settings: What learns and what is read.
        trains_vision: Whether the vision encoder learns.
        device: Where the model is put.

    Raises:
        BackboneError: The model can be neither found nor downloaded.
    """
    model, processor = load_image_text_model(name, device, learns=True)
    torch.manual_seed(0)
    return ImageTextPolicy(model, processor, settings, trains_vision)
