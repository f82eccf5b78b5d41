"""The prefix captioner as a policy of preference optimisation, with a vision encoder that may learn."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from altlib.core.cache_keys import Key, file_stamp, weights_fingerprint
from altlib.core.code_imports import code_fingerprint
from altlib.core.errors import BackboneError
from altlib.core.files import only_one, read_json, whole_file, write_json
from altlib.core.provenance import COMPUTED, READ_BACK, note
from altlib.data.comparisons import Combination
from altlib.data.negatives import partners
from altlib.models.captioner import Example, PrefixCaptioner, load_captioner
from altlib.models.clip import Clip
from altlib.models.features import read_pictures
from altlib.models.policy import (
    NegativeSettings,
    PairPictures,
    Texts,
    combination_trees,
    copied_state,
    silence_dropout,
)
from altlib.models.response_trees import tree_log_probabilities

CODE = code_fingerprint("models.captioner_policy")
READERS = 2  # threads that read pictures
PICTURES_AT_ONCE = 128


@dataclass
class CaptionerPairs:
    """Pairs as a captioner reads them.

    Attributes:
        pictures: The own and the worse pictures.
        chosen: n posts with their chosen responses, as token ids.
        rejected: The same with the rejected responses.
        features: CLIP features of the own and of the worse pictures, (n, width) each by ``better``;
            empty if the vision encoder learns, because what it makes of a picture changes.
        partner: The pair whose post is the worse one, for each pair.
        pixels: How pictures become pixels, see :class:`altlib.models.clip.Clip`.
    """

    pictures: PairPictures
    chosen: list[Example]
    rejected: list[Example]
    features: dict[bool, Tensor]
    partner: list[int]
    pixels: str

    def __len__(self) -> int:
        return len(self.chosen)

    @property
    def texts(self) -> list[Texts]:
        """Token ids of the post and of both responses of each pair."""
        return [(c.text, c.alt_text, r.alt_text) for c, r in zip(self.chosen, self.rejected, strict=True)]

    @property
    def posts(self) -> Sequence[Sequence[Any]]:
        """Token ids of the post of each pair."""
        return [example.text for example in self.chosen]

    @property
    def reads(self) -> Any:
        """Texts, and how pictures become pixels."""
        return self.texts, self.pixels

    def stamp(self) -> Iterator[Any]:
        """Everything about the pairs that a result follows from."""
        yield CODE
        yield self.pictures.settings
        yield from self.chosen
        yield from self.rejected
        yield from (self.features[better] for better in sorted(self.features))
        if not self.features:
            yield self.pixels
            yield from map(file_stamp, self.pictures.paths)


class CaptionerPolicy(nn.Module):
    """A captioner, with an image encoder of its own if that learns or has learned.

    Args:
        captioner: The captioner.
        clip: The encoder of its pictures, which stays as it is.
        trains_vision: Whether a copy of the encoder learns. Then features are not cached: they are
            computed from pixels in every step.
        cache: Folder in which features of the pairs' pictures are kept.
        vision: An encoder that has learned before, in place of ``clip``'s.

    Raises:
        BackboneError: The captioner was trained on another encoder's features.
    """

    def __init__(
        self,
        captioner: PrefixCaptioner,
        clip: Clip,
        trains_vision: bool = False,
        cache: Path | None = None,
        vision: nn.Module | None = None,
    ):
        super().__init__()
        if captioner.config.clip_fingerprint not in ("", clip.fingerprint):
            raise BackboneError(f"the captioner was trained on the features of another encoder than {clip.name}")
        self.captioner, self.clip, self.cache = captioner, clip, cache
        self.sees_pictures = captioner.config.uses_image
        self.trains_vision = trains_vision
        self.vision = copy.deepcopy(clip.model) if trains_vision and vision is None else vision
        if self.vision is not None:
            self.vision.requires_grad_(False)
            visual_part(self.vision).requires_grad_(trains_vision)
            self.vision.to(self.device)
        silence_dropout(self)

    def train(self, mode: bool = True) -> CaptionerPolicy:
        """Set the training mode; batch normalisation keeps to its running statistics, as the reference does."""
        super().train(mode)
        if self.vision is not None:
            self.vision.eval()
        return self

    @property
    def tokenizer(self) -> Any:
        """Of its texts."""
        return self.captioner.tokenizer

    @property
    def device(self) -> torch.device:
        """Where the captioner is."""
        return self.captioner.embedding.weight.device

    def read(self, pictures: PairPictures, rows: Sequence[int], better: bool) -> Tensor:
        """Normalised pixels of pictures of pairs, (B, 3, H, W)."""
        with ThreadPoolExecutor(READERS) as pool:
            pixels = torch.stack(list(pool.map(lambda row: self.clip.preprocess(pictures.open(row, better)), rows)))
        return pixels if better else pictures.noisy(pixels, rows)

    def encode_pixels(self, pixels: Tensor) -> Tensor:
        """Unit-length features by the encoder in its present state, (B, 3, H, W) -> (B, width)."""
        model: Any = self.clip.model if self.vision is None else self.vision
        where = next(model.parameters()).device
        return model.encode_image(pixels.to(where), normalize=True).float().to(self.device)

    @torch.inference_mode()
    def picture_features(self, paths: Sequence[str]) -> Tensor:
        """Features of picture files by the encoder in its present state, (n, width) on the CPU."""
        parts = [
            self.encode_pixels(read_pictures(list(paths[i : i + PICTURES_AT_ONCE]), self.clip)).cpu()
            for i in range(0, len(paths), PICTURES_AT_ONCE)
        ]
        return torch.cat([torch.zeros(0, self.clip.width), *parts])

    @torch.inference_mode()
    def pair_features(self, pictures: PairPictures, better: bool) -> Tensor:
        """Features of the own or the worse pictures of all pairs, (n, width) on the CPU; kept in the cache."""

        def encode() -> Tensor:
            rows = range(len(pictures.paths))
            batches = [rows[i : i + PICTURES_AT_ONCE] for i in range(0, len(rows), PICTURES_AT_ONCE)]
            return torch.cat([self.encode_pixels(self.read(pictures, batch, better)).cpu() for batch in batches])

        if self.cache is None:
            return encode()
        encoder = self.clip.fingerprint if self.vision is None else weights_fingerprint(self.vision)
        stamps = map(file_stamp, pictures.paths)
        key = Key(CODE, weights=encoder, reading=self.clip.reading, pictures=stamps, better=better)
        if not better:
            key.add(negatives=pictures.settings)
        file = self.cache / f"{key}.safetensors"
        with only_one(file.with_suffix(".lock")):
            kept = file.is_file()
            note(READ_BACK if kept else COMPUTED, "CLIP features of pairs", file.name)
            if not kept:
                with whole_file(file) as part:
                    save_file({"features": encode()}, part)
            return load_file(file)["features"]

    def prepare(self, pairs: pd.DataFrame, negatives: NegativeSettings) -> CaptionerPairs:
        """Pairs as :meth:`log_probabilities` takes them; texts are cropped as the captioner does."""
        pictures = PairPictures(pairs["image"].tolist(), negatives)
        chosen, rejected = (
            [self.captioner.encode(*texts) for texts in zip(pairs["text"], pairs[name], strict=True)]
            for name in ("chosen", "rejected")
        )
        features = {}
        if self.sees_pictures and not self.trains_vision:
            features = {better: self.pair_features(pictures, better) for better in (True, False)}
        partner = partners([tuple(example.text) for example in chosen], negatives.seed)
        return CaptionerPairs(pictures, chosen, rejected, features, partner, self.clip.pixels)

    def prefixes(self, prepared: CaptionerPairs, rows: Sequence[int], better: bool) -> Tensor:
        """Prefix vectors of the own or the worse pictures, (B, k, d)."""
        if not self.sees_pictures:
            return self.captioner.prefix(torch.zeros(len(rows), self.clip.width, device=self.device))
        if self.trains_vision:
            return self.captioner.prefix(self.encode_pixels(self.read(prepared.pictures, rows, better)))
        return self.captioner.prefix(prepared.features[better][list(rows)].to(self.device))

    def log_probabilities(self, prepared: CaptionerPairs, rows: Sequence[int], wanted: Sequence[Combination]) -> Tensor:
        """log p(response | post, picture) of pairs in several combinations, (B, number of combinations) in nats."""
        captioner, end = self.captioner, self.captioner.end
        places = {row: i for i, row in enumerate(rows)}
        prefix = {better: self.prefixes(prepared, rows, better) for better in {c.picture for c in wanted}}

        def context(row: int, better: bool) -> list[int]:
            return [*prepared.chosen[row if better else prepared.partner[row]].text, captioner.border]

        def response(row: int, better: bool) -> list[int]:
            return [*(prepared.chosen if better else prepared.rejected)[row].alt_text, end]

        trees, order = combination_trees(rows, wanted, lambda row, b: prefix[b][places[row]], context, response)
        language: Any = captioner.language_model
        found = tree_log_probabilities(language.base_model, language.get_output_embeddings(), trees, end)
        return found.view(len(rows), len(wanted))[:, order]

    def save(self, folder: Path) -> None:
        """Write the captioner, and its own image encoder if it has one."""
        self.captioner.save(folder)
        write_json(folder / "policy.json", {"own_vision": self.vision is not None, "clip": self.clip.fingerprint})
        if self.vision is not None:
            with whole_file(folder / "vision.safetensors") as part:
                save_file(copied_state(visual_part(self.vision).state_dict()), part)


def visual_part(model: Any) -> Any:
    """The image encoder of a CLIP, or all of an encoder of pictures alone."""
    return getattr(model, "visual", model)


def load_captioner_policy(
    folder: Path, clip: Clip, trains_vision: bool = False, device: str = "cpu", cache: Path | None = None
) -> CaptionerPolicy:
    """Read what :meth:`CaptionerPolicy.save` or :meth:`PrefixCaptioner.save` wrote, in evaluation mode.

    Args:
        folder: Where it was written.
        clip: The encoder that it started from.
        trains_vision: Whether the encoder learns from here on.
        device: Where it is put.
        cache: As for :class:`CaptionerPolicy`.

    Raises:
        BackboneError: There is none, or it started from another encoder.
    """
    captioner = load_captioner(folder, device)
    vision = None
    if (folder / "policy.json").is_file():
        told = read_json(folder / "policy.json")
        if told["clip"] != clip.fingerprint:
            raise BackboneError(f"{folder} was trained with other CLIP weights than {clip.name} has; train it again")
        if told["own_vision"]:
            vision = copy.deepcopy(clip.model)
            visual_part(vision).load_state_dict(load_file(folder / "vision.safetensors"))
    return CaptionerPolicy(captioner, clip, trains_vision, cache, vision).eval()
