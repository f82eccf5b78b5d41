"""The captioners of the Twitter paper's Table 1: what each sees, what of it learns, and what it starts from.

Chapter 02 trains them one after the other, or side by side; ``altlib train`` does the same under
``accelerate launch``, on as many GPUs as there are. Whoever comes second finds them finished.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from altlib.checkpoints.miniature import MINIATURE
from altlib.core.devices import distributed, mixed_precision, pick_device, wait_for_everyone
from altlib.data.posts import read_corpus, stream_corpus
from altlib.data.sources import registry
from altlib.models.captioner import CaptionerConfig, PrefixCaptioner, build_captioner, load_captioner
from altlib.models.clip import Clip, load_clip
from altlib.models.clipcap import start_from_clipcap
from altlib.models.features import picture_features
from altlib.training.captions import TrainingSettings, example_losses, train
from altlib.training.examples import CaptionData, Examples

FROZEN = "clipcap-frozen"


@dataclass
class Systems:
    """All captioners of a run, by the parameters of chapter 02.

    ``common`` what all configurations share besides the encoder; ``clipcap`` where the frozen
    ClipCap comes from: ``miniature``, a ``.pt`` file of the original code, or ``train``;
    ``caption_corpus`` what it learns from then, ``miniworld`` or ``source``, with
    ``caption_posts`` of the former; ``warm_start`` whether captioners that see the picture start
    from its mapping network; ``ablations`` whether two more of them are trained.
    """

    run: Path
    common: dict[str, Any]
    settings: TrainingSettings
    clip_model: str = MINIATURE
    clip_pretrained: str = ""
    clipcap: str = MINIATURE
    warm_start: bool = True
    caption_corpus: str = "miniworld"
    caption_posts: int = 1000
    ablations: bool = True
    device: str = "auto"
    configs: dict[str, CaptionerConfig] = field(init=False)

    def __post_init__(self) -> None:
        shared = self.common | {
            "clip_width": self.clip.width,
            "clip_fingerprint": self.clip.fingerprint,
            "clip_name": self.clip_model,
            "clip_pretrained": self.clip_pretrained,
        }
        changes: dict[str, dict[str, Any]] = {
            FROZEN: {"uses_text": False, "trains_lm": self.clipcap != MINIATURE},
            "text-image": {},
            "text-only": {"uses_image": False},
            "clipcap-finetuned": {"uses_text": False},
            "clipcap-scratch": {"uses_text": False},
        }
        if self.ablations:
            other = {"mlp": "transformer", "transformer": "mlp"}[self.common["mapper"]]
            changes |= {f"text-image-{other}": {"mapper": other}, "text-image-frozen-lm": {"trains_lm": False}}
        self.configs = {name: CaptionerConfig(**(shared | change)) for name, change in changes.items()}

    @cached_property
    def clip(self) -> Clip:
        """The frozen picture encoder."""
        return load_clip(self.clip_model, self.clip_pretrained, pick_device(self.device))

    @cached_property
    def index(self) -> pd.DataFrame:
        """Picture and split of every post of the run; the texts stay on disk.

        Raises :class:`altlib.core.errors.CorpusError` if there is no corpus.
        """
        return read_corpus(self.run / "corpus", columns=["image", "split"])

    @cached_property
    def features(self) -> Tensor:
        """CLIP features of the corpus, (n, width)."""
        return picture_features(self.index["image"].tolist(), self.clip, self.run / "features")

    @cached_property
    def captions(self) -> pd.DataFrame:
        """The pictures with captions that ClipCap learns from if it is to be trained."""
        if self.caption_corpus == "source":
            posts = read_corpus(self.run / "corpus", columns=["image", "split", "text", "caption"])
            return posts[posts["caption"] != ""].reset_index(drop=True)
        folder, seed = self.run / "caption-corpus", 5_000_000 + self.settings.seed
        if distributed()[1] > 1:
            folder = folder / f"process-{distributed()[0]}"  # so that no process reads what another is writing
        captions, _ = registry.collect("miniworld", folder, posts=self.caption_posts, seed=seed)
        return captions.assign(split=["val" if i % 10 == 0 else "train" for i in range(len(captions))])

    @cached_property
    def caption_features(self) -> Tensor:
        """CLIP features of :attr:`captions`."""
        return picture_features(self.captions["image"].tolist(), self.clip, self.run / "features")

    def start_of(self, name: str) -> str:
        """What a captioner's mapping network starts from: another captioner, a ClipCap, ``train`` or ``nothing``."""
        if name == FROZEN:
            return self.clipcap
        config = self.configs[name]
        warm = name == "clipcap-finetuned" or (self.warm_start and name.startswith("text-image"))
        return FROZEN if warm and config.uses_image and config.mapper == self.common["mapper"] else "nothing"

    def data(self, name: str, captioner: PrefixCaptioner, split: str) -> CaptionData:
        """What a captioner learns from (split train) or is validated on (val)."""
        on_captions = name == FROZEN
        frame, features = (self.captions, self.caption_features) if on_captions else (self.index, self.features)
        rows = torch.from_numpy(np.flatnonzero(frame["split"] == split))
        examples = (captioner.encode(text, target) for text, target in self.texts(on_captions, split))
        return CaptionData(features, Examples(examples, self.run), rows)

    def texts(self, on_captions: bool, split: str) -> Iterator[tuple[str, str]]:
        """Post and target text of each example of a split, read from the corpus as they are asked for."""
        target = "caption" if on_captions else "alt_text"
        columns = ["text", target, "split"]
        for frame in [self.captions] if on_captions else stream_corpus(self.run / "corpus", columns):
            rows = frame[frame["split"] == split]
            yield from zip(rows["text"], rows[target], strict=True)

    def table(self) -> pd.DataFrame:
        """What each captioner sees, what of it learns from what, and what it starts from."""
        rows = []
        for name, config in self.configs.items():
            learns = name != FROZEN or self.clipcap == "train"
            start = self.start_of(name) if config.uses_image else "–"
            rows.append(
                {
                    "system": name,
                    "sees the picture": config.uses_image,
                    "reads the post": config.uses_text,
                    "mapper": config.mapper if config.uses_image else "none",
                    "mapper starts from": "nothing" if start == "train" else start,
                    "language model learns": config.trains_lm and learns,
                    "learns from": "posts" if name != FROZEN else "captions" if learns else "nothing here",
                }
            )
        return pd.DataFrame(rows)

    def train(self, name: str) -> pd.DataFrame | None:
        """Train a captioner, or read it back if it is finished; its curve, or None if nothing of it learns."""
        captioner = build_captioner(self.configs[name], self.settings.seed)
        folder, start = self.run / "captioners" / name, self.start_of(name)
        if start not in ("nothing", "train"):
            known = str(self.run / "captioners" / start) if start in self.configs else start
            start_from_clipcap(captioner, known, language_model=name.startswith("clipcap"))
        if name == FROZEN and self.clipcap != "train":
            if distributed()[0] == 0:
                captioner.save(folder)
            wait_for_everyone()
            return None
        training, validation = (self.data(name, captioner, split) for split in ("train", "val"))
        return train(captioner, training, validation, self.settings, folder, name, self.device)[1]

    def validation_losses(self, name: str) -> Tensor:
        """Negative log-likelihood (nats) and number of tokens of each validation example, (n, 2), of a trained captioner."""
        device = pick_device(self.device)
        captioner = load_captioner(self.run / "captioners" / name, device)
        data = self.data(name, captioner, "val")
        return example_losses(captioner, data, self.settings.batch_size, mixed_precision(device))

    def train_all(self) -> dict[str, pd.DataFrame]:
        """Train every captioner, the frozen ClipCap first, as others start from it; curves by name."""
        curves = {name: self.train(name) for name in self.configs}
        return {name: curve for name, curve in curves.items() if curve is not None}


def systems_of(run: Path, values: Mapping[str, Any]) -> Systems:
    """The captioners of a run by the parameters of chapter 02, by name."""
    common = {name: values[name] for name in ("language_model", "prefix_length", "mapper", "max_tokens")}
    names = ("epochs", "batch_size", "micro_batch", "learning_rate", "schedule", "patience", "seed")
    others = (
        "clip_model",
        "clip_pretrained",
        "clipcap",
        "warm_start",
        "caption_corpus",
        "caption_posts",
        "ablations",
        "device",
    )
    settings = TrainingSettings(**{name: values[name] for name in names})
    return Systems(run, common, settings, **{name: values[name] for name in others})
