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

from altlib.core.cache_keys import Key, file_stamp
from altlib.core.code_imports import code_fingerprint
from altlib.core.errors import BackboneError
from altlib.core.files import only_one, read_json, whole_file, write_json
from altlib.data.comparisons import Combination
from altlib.models.captioner import Example, PrefixCaptioner, load_captioner
from altlib.models.clip import Clip
from altlib.models.features import read_pictures
from altlib.models.policy import NegativeSettings, PairPictures, combination_trees, frozen_state, silence_dropout
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
    """

    pictures: PairPictures
    chosen: list[Example]
    rejected: list[Example]
    features: dict[bool, Tensor]

    def __len__(self) -> int:
        return len(self.chosen)

    @property
    def partner(self) -> Sequence[int]:
        """The pair whose post is the worse one, for each pair."""
        return self.pictures.partner

    @property
    def lengths(self) -> list[int]:
        """Tokens of post and both responses of each pair."""
        return [
            len(c.text) + len(c.alt_text) + len(r.alt_text) for c, r in zip(self.chosen, self.rejected, strict=True)
        ]

    def stamp(self) -> Iterator[Any]:
        """Everything about the pairs that a result follows from."""
        yield self.pictures.settings
        yield from self.chosen
        yield from self.rejected
        yield from (self.features[better] for better in sorted(self.features))
        if not self.features:
            yield from map(file_stamp, self.pictures.paths)


class CaptionerPolicy(nn.Module):
    """A captioner, and a copy of CLIP's image encoder if that learns too.

    Args:
        captioner: The captioner.
        clip: The encoder of its pictures.
        trains_vision: Whether the encoder learns. Then features are not cached: they are computed from
            pixels in every step.
        cache: Folder in which features of worse pictures are kept.

    Raises:
        BackboneError: The captioner was trained on another encoder's features.
    """

    def __init__(self, captioner: PrefixCaptioner, clip: Clip, trains_vision: bool = False, cache: Path | None = None):
        super().__init__()
        if captioner.config.clip_fingerprint not in ("", clip.fingerprint):
            raise BackboneError(f"the captioner was trained on the features of another encoder than {clip.name}")
        self.captioner, self.clip, self.cache = captioner, clip, cache
        self.sees_pictures = captioner.config.uses_image
        self.vision: nn.Module | None = copy.deepcopy(clip.model) if trains_vision else None
        if self.vision is not None:
            self.vision.requires_grad_(False)
            getattr(self.vision, "visual", self.vision).requires_grad_(True)
            self.vision.to(self.device)
        silence_dropout(self)

    @property
    def trains_vision(self) -> bool:
        """Whether the vision encoder learns."""
        return self.vision is not None

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
        key = Key(CODE, weights=self.clip.fingerprint, pictures=map(file_stamp, pictures.paths), better=better)
        if not better:
            key.add(negatives=pictures.settings)
        file = self.cache / f"{key}.safetensors"
        with only_one(file.with_suffix(".lock")):
            if not file.is_file():
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
        return CaptionerPairs(pictures, chosen, rejected, features)

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
        """Write the captioner, and the image encoder if it learned."""
        self.captioner.save(folder)
        write_json(folder / "policy.json", {"trains_vision": self.trains_vision, "clip": self.clip.fingerprint})
        if self.vision is not None:
            learned = {name: p for name, p in self.vision.named_parameters() if p.requires_grad}
            with whole_file(folder / "vision.safetensors") as part:
                save_file(frozen_state(learned), part)


def load_captioner_policy(folder: Path, clip: Clip, device: str = "cpu", cache: Path | None = None) -> CaptionerPolicy:
    """Read what :meth:`CaptionerPolicy.save` wrote, in evaluation mode.

    Args:
        folder: Where it was written.
        clip: The encoder that it started from.
        device: Where it is put.
        cache: As for :class:`CaptionerPolicy`.

    Raises:
        BackboneError: There is none, or it started from another encoder.
    """
    captioner = load_captioner(folder, device)
    told = read_json(folder / "policy.json")
    if told["clip"] != clip.fingerprint:
        raise BackboneError(f"{folder} was trained with other CLIP weights than {clip.name} has now; train it again")
    policy = CaptionerPolicy(captioner, clip, told["trains_vision"], cache)
    if policy.vision is not None:
        learned, own = load_file(folder / "vision.safetensors"), dict(policy.vision.named_parameters())
        with torch.no_grad():
            for name, value in learned.items():
                own[name].copy_(value)
    return policy.eval()
