"""An image-text-to-text model of transformers as a policy of preference optimisation, with LoRA: LLaVA, Qwen2-VL, Idefics3.

The language model learns through LoRA, the projector fully, the vision encoder fully or not at all
(MCM-DPO's paradigms). Only post and response are ever cropped; the picture's tokens stay whole
whatever ``max_tokens`` is. Truncating a whole sequence can drop them all while the loss still falls.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

from altlib.core.cache_keys import file_stamp
from altlib.core.devices import attention_in_blocks, precision_name
from altlib.core.errors import BackboneError
from altlib.core.files import read_json, whole_file, write_json
from altlib.core.images import centre_crop, open_picture
from altlib.data.comparisons import Combination
from altlib.data.negatives import partners
from altlib.models.image_text_model import load_image_text_model, without_special_tokens
from altlib.models.policy import (
    NegativeSettings,
    PairPictures,
    Texts,
    autocast,
    combination_trees,
    copied_state,
    precision_of,
    silence_dropout,
)
from altlib.models.response_trees import Tree, tree_log_probabilities

REQUEST = "Write alt text for this picture of a post: one or two sentences that describe what it shows.\nContext: "

# Kinds of models that hand masks and positions to their language model unchanged, so that responses can share a prompt.
SHARE_PROMPTS = ("llava", "llava_next")
# Kinds that read each response in a row of its own.
READ_ALONE = ("qwen2_vl", "qwen2_5_vl", "idefics3")

VISION_PARTS = ("vision_tower", "vision_model", "visual")
LANGUAGE_PARTS = ("language_model", "text_model")
KINDS_OF_TOKENS = "mm_token_type_ids"  # 0 for those of texts
TEXT_INPUTS = ("input_ids", "attention_mask", "token_type_ids")


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
        contexts: n prompts after their picture, as token ids.
        responses: The chosen and the rejected responses by ``better``, as token ids with the end.
        partner: The pair whose post is the worse one, for each pair.
        reading: Everything about the processor and the model's configuration that decides how an example is read.
    """

    pictures: PairPictures
    contexts: list[list[int]]
    responses: dict[bool, list[list[int]]]
    partner: list[int]
    reading: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.contexts)

    @property
    def texts(self) -> list[Texts]:
        """Token ids of the post and of both responses of each pair."""
        return list(zip(self.contexts, self.responses[True], self.responses[False], strict=True))

    def stamp(self) -> Iterator[Any]:
        """Everything about the pairs that a result follows from."""
        yield self.pictures.settings
        yield self.reading
        yield [self.contexts, self.responses[True], self.responses[False]]
        yield from map(file_stamp, self.pictures.paths)


class ImageTextPolicy(nn.Module):
    """An image-text-to-text model whose language model learns through LoRA.

    Weights that learn become float32: in half precision, small updates would be lost or become NaN.

    Args:
        model: Of one of the kinds :data:`SHARE_PROMPTS` and :data:`READ_ALONE`, on its device, in float32 or in
            the number type that is computed with there.
        processor: Its processor.
        settings: What learns and what is read.
        trains_vision: Whether the vision encoder learns.

    Raises:
        BackboneError: The model is of another kind, or of another number type.
    """

    sees_pictures = True

    def __init__(self, model: Any, processor: Any, settings: ImageTextSettings, trains_vision: bool = False):
        from peft import LoraConfig, inject_adapter_in_model

        super().__init__()
        self.processor, self.settings, self.trains_vision = processor, settings, trains_vision
        self.model: Any = model
        vision = part_of(model, VISION_PARTS)
        self.end = int(processor.tokenizer.eos_token_id)
        self.image_token = int(model.config.image_token_id)
        model.model.requires_grad_(True)  # the projector, by whatever name, is what is neither of the other two
        model.get_output_embeddings().requires_grad_(False)
        self.language.requires_grad_(False)
        vision.requires_grad_(trains_vision)
        lora = LoraConfig(r=settings.rank, lora_alpha=2 * settings.rank, target_modules="all-linear")
        inject_adapter_in_model(lora, self.language)
        check_precision(self)
        for p in model.parameters():
            if p.requires_grad:
                p.data = p.data.float()
        silence_dropout(self)

    @property
    def tokenizer(self) -> Any:
        """Of its texts."""
        return self.processor.tokenizer

    @property
    def language(self) -> Any:
        """The language model without its last layer, which turns states into words."""
        return part_of(self.model, LANGUAGE_PARTS)

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return self.model.get_input_embeddings().weight.device

    @property
    def shares_prompts(self) -> bool:
        """Whether responses are scored as trees; otherwise each has a row with its own picture and post."""
        return self.model.config.model_type in SHARE_PROMPTS

    def recompute_activations(self) -> None:
        """Compute activations again in the backward pass, which takes less memory and more time."""
        # transformers is about to give it another name
        enable = getattr(self.model, "activation_checkpointing_enable", self.model.gradient_checkpointing_enable)
        enable({"use_reentrant": False, "context_fn": lambda: (nullcontext(), attention_in_blocks())})

    def crop(self, text: str) -> str:
        """The beginning of a text, of at most ``max_tokens`` tokens, of which none is a special one."""
        text = without_special_tokens(self.processor.tokenizer, text[: 40 * self.settings.max_tokens])
        found = self.processor.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        ends = [end for _, end in found["offset_mapping"]]
        return text if len(ends) <= self.settings.max_tokens else text[: ends[self.settings.max_tokens - 1]]

    def prompt(self, post: str) -> str:
        """The prompt with one place for the picture."""
        asked = self.settings.request + self.crop(post)
        if not getattr(self.processor, "chat_template", None):
            return f"{self.processor.image_token}\n{asked}\n"
        content = [{"type": "image"}, {"type": "text", "text": asked}]
        return self.processor.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True)

    def after_picture(self, post: str) -> list[int]:
        """Token ids of the prompt behind the picture's place."""
        ids = self.processor.tokenizer(self.prompt(post)).input_ids
        return ids[len(ids) - ids[::-1].index(self.image_token) :]

    def prepare(self, pairs: pd.DataFrame, negatives: NegativeSettings) -> ImageTextPairs:
        """Pairs as :meth:`log_probabilities` takes them."""

        def ids(text: str) -> list[int]:
            return [*self.processor.tokenizer(self.crop(text), add_special_tokens=False).input_ids, self.end]

        contexts = [self.after_picture(post) for post in pairs["text"]]
        return ImageTextPairs(
            PairPictures(pairs["image"].tolist(), negatives),
            contexts,
            {True: [ids(text) for text in pairs["chosen"]], False: [ids(text) for text in pairs["rejected"]]},
            partners([tuple(context) for context in contexts], negatives.seed),
            (
                self.prompt(""),
                self.processor.to_json_string(),
                self.processor.image_processor.to_json_string(),
                self.model.config.to_json_string(),
            ),
        )

    def picture_inputs(self, pictures: PairPictures, row: int, better: bool) -> tuple[list[int], dict[str, Tensor]]:
        """A picture as the model reads it.

        Args:
            pictures: Of the pairs.
            row: Number of the pair.
            better: Its own picture rather than the worse one.

        Returns:
            The token ids up to the picture's end, and the processor's tensors of the picture.
        """
        found = dict(self.processor(images=[pictures.open(row, better)], text=[self.prompt("")], return_tensors="pt"))
        ids = found["input_ids"][0].tolist()
        end = len(ids) - len(self.after_picture(""))  # tokens that frame a picture belong to it
        pixels = {name: value for name, value in found.items() if name not in TEXT_INPUTS}
        if KINDS_OF_TOKENS in pixels:
            pixels[KINDS_OF_TOKENS] = pixels[KINDS_OF_TOKENS][:, :end]
        if not better:
            pixels["pixel_values"] = self.noisy(pictures, row, pixels["pixel_values"])
        return ids[:end], {name: value.to(self.device) for name, value in pixels.items()}

    def noisy(self, pictures: PairPictures, row: int, pixels: Tensor) -> Tensor:
        """A worse picture's pixels, with noise if the negative is diffusion; the frames of a still picture have the same."""
        frames = getattr(self.processor.image_processor, "temporal_patch_size", 1)
        if pixels.dim() > 2 or frames == 1:
            return pictures.noisy(pixels[None], [row])[0]
        still = pixels.view(len(pixels), 3, frames, -1)  # patches, colours, frames, places
        noisy = pictures.noisy(still[None, :, :, :1], [row])[0]
        return noisy.expand_as(still).reshape(pixels.shape)

    def trunk(self, ids: list[int], pixels: Mapping[str, Tensor]) -> Tensor:
        """Input embeddings up to the picture's last token, (k, d)."""
        tokens = torch.tensor(ids, device=self.device)
        embedded = self.model.get_input_embeddings()(tokens)
        found = self.model.get_image_features(**pixels)
        features = torch.cat(list(getattr(found, "pooler_output", found))).to(embedded.dtype)  # (picture tokens, d)
        return embedded.masked_scatter((tokens == self.image_token)[:, None], features)

    @attention_in_blocks()
    def log_probabilities(self, prepared: ImageTextPairs, rows: Sequence[int], wanted: Sequence[Combination]) -> Tensor:
        """log p(response | post, picture) of pairs in several combinations, (B, number of combinations) in nats."""
        pictures = {
            (row, better): self.picture_inputs(prepared.pictures, row, better)
            for row in rows
            for better in {c.picture for c in wanted}
        }

        def context(row: int, better: bool) -> list[int]:
            return prepared.contexts[row if better else prepared.partner[row]]

        def response(row: int, better: bool) -> list[int]:
            return prepared.responses[better][row]

        if self.shares_prompts:
            trees, order = combination_trees(rows, wanted, lambda r, b: self.trunk(*pictures[r, b]), context, response)
            return self.score_trees(trees).view(len(rows), len(wanted))[:, order]
        scores = [
            self.score_alone(*pictures[row, c.picture], context(row, c.context), response(row, c.response))
            for row in rows
            for c in wanted
        ]
        return torch.stack(scores).view(len(rows), len(wanted))

    def score_trees(self, trees: Sequence[Tree]) -> Tensor:
        """See :func:`altlib.models.response_trees.tree_log_probabilities`."""
        head = self.model.get_output_embeddings()
        return tree_log_probabilities(self.language, head, trees, self.end)

    def score_alone(
        self, before: list[int], pixels: Mapping[str, Tensor], context: list[int], response: list[int]
    ) -> Tensor:
        """log p of one response by the model's own forward pass, ().

        Args:
            before: Token ids up to the picture's end.
            pixels: The processor's tensors of the picture.
            context: Token ids of the rest of the prompt.
            response: Token ids with the end.
        """
        ids = torch.tensor([before + context + response], device=self.device)
        inputs = dict(pixels)
        if KINDS_OF_TOKENS in inputs:
            inputs[KINDS_OF_TOKENS] = F.pad(inputs[KINDS_OF_TOKENS], (0, len(context) + len(response)))
        logits = self.model(input_ids=ids, attention_mask=torch.ones_like(ids), use_cache=False, **inputs).logits[0]
        start = len(before) + len(context) - 1
        said = logits[start : start + len(response)].float()
        return -F.cross_entropy(said, ids[0, start + 1 :], reduction="sum")

    @torch.inference_mode()
    @attention_in_blocks()
    def write(self, paths: Sequence[str], posts: Sequence[str], beams: int = 3, max_tokens: int = 60) -> list[str]:
        """Alt text for pictures with their posts, one at a time."""
        texts = []
        for path, post in zip(paths, posts, strict=True):
            image = centre_crop(open_picture(path, longest=4096))
            inputs = self.processor(images=[image], text=[self.prompt(post)], return_tensors="pt").to(self.device)
            with autocast(self):
                out = self.model.generate(**inputs, num_beams=beams, max_new_tokens=max_tokens, do_sample=False)
            said = out[0, inputs["input_ids"].shape[1] :]
            texts.append(self.processor.tokenizer.decode(said, skip_special_tokens=True).strip())
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


def part_of(model: Any, names: Sequence[str]) -> Any:
    """The part of a model that has one of some names.

    Raises:
        BackboneError: The model is not of a known kind.
    """
    kinds = SHARE_PROMPTS + READ_ALONE
    found = [getattr(model.model, name) for name in names if hasattr(getattr(model, "model", None), name)]
    if model.config.model_type not in kinds or not found:
        raise BackboneError(f"{type(model).__name__} cannot be trained here; kinds that can: {', '.join(kinds)}")
    return found[0]


def check_precision(policy: ImageTextPolicy) -> None:
    """Refuse weights that the model cannot compute with on its device.

    Raises:
        BackboneError: Weights that do not learn are neither float32 nor of the number type that is computed with.
    """
    precision = precision_of(policy)
    other = {p.dtype for p in policy.parameters() if not p.requires_grad} - {torch.float32, precision}
    if other:
        raise BackboneError(
            f"the model's weights are {precision_name(other.pop())}, but it computes in {precision_name(precision)} on "
            f"{policy.device}; load it by load_image_text_policy, or in float32"
        )


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
