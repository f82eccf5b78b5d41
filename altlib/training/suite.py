"""The captioners of the Twitter paper's Table 1: what each sees, what of it learns, and what it starts from.

Chapter 02 trains them; ``altlib train`` does the same under ``accelerate launch``, on as many GPUs
as there are. Whoever comes second finds them finished.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from altlib.checkpoints.miniature import MINIATURE
from altlib.core.devices import distributed, pick_device, precision_note, wait_for_everyone
from altlib.core.parallel import side_by_side
from altlib.data.posts import read_corpus, stream_corpus
from altlib.data.sources import registry
from altlib.evaluation.attention_to_inputs import SwappedInputs, captioner_attention
from altlib.models.captioner import CaptionerConfig, PrefixCaptioner, build_captioner, load_captioner
from altlib.models.clip import Clip, load_clip
from altlib.models.clipcap import start_from_clipcap
from altlib.models.features import picture_features
from altlib.training.captions import TrainingSettings, example_losses, train
from altlib.training.examples import CaptionData, Examples
from altlib.training.loop import facts_of

FROZEN = "clipcap-frozen"
TRAIN = "train"  # instead of a file with the frozen ClipCap: it is trained here
CAPTION_SEED = 5_000_000  # of the caption corpus, far from the seeds of the runs' own posts


@dataclass(frozen=True)
class SuiteSettings:
    """What the captioners of a run are made from, by chapter 02's names.

    Attributes:
        language_model: Text decoder: miniature, a folder, or a name of the hub.
        prefix_length: Vectors that stand for the picture.
        mapper: Mapping network: mlp or transformer.
        max_tokens: Tokens after which posts and alt texts are cropped.
        clip_model: Picture encoder: miniature, a folder, or open_clip's name.
        clip_pretrained: Pretrained tag of an open_clip name.
        clipcap: The frozen ClipCap: miniature, a ``.pt`` file of the original code, or train.
        warm_start: Whether captioners of post and picture start from ClipCap's mapping network.
        caption_corpus: What ClipCap learns from if it is trained: miniworld, or source (the run's own captions).
        caption_posts: Posts of the miniature world in the caption corpus.
        ablations: Whether two more captioners are trained.
    """

    language_model: str = MINIATURE
    prefix_length: int = 10
    mapper: str = "mlp"
    max_tokens: int = 150
    clip_model: str = MINIATURE
    clip_pretrained: str = ""
    clipcap: str = MINIATURE
    warm_start: bool = True
    caption_corpus: str = "miniworld"
    caption_posts: int = 1000
    ablations: bool = True


@dataclass(frozen=True)
class SuiteMember:
    """One captioner of the suite.

    Attributes:
        config: What it sees and is built from, and whether its language model learns.
        learns_from: posts, captions, or nothing.
        starts_from: What its mapping network starts from: :data:`FROZEN`, a ClipCap (miniature or a
            ``.pt`` file), or nothing.
        takes_language_model: Whether it starts from the language model there, too.
    """

    config: CaptionerConfig
    learns_from: str = "posts"
    starts_from: str = "nothing"
    takes_language_model: bool = False


def suite_members(common: CaptionerConfig, settings: SuiteSettings) -> dict[str, SuiteMember]:
    """The captioners by name, each after those that it starts from.

    Args:
        common: The captioner of post and picture, of which the others are changes.
        settings: The suite's.
    """
    trained = settings.clipcap == TRAIN
    picture_alone = replace(common, uses_text=False)
    warm = FROZEN if settings.warm_start else "nothing"
    members = {
        FROZEN: SuiteMember(
            replace(picture_alone, trains_lm=settings.clipcap != MINIATURE),
            learns_from="captions" if trained else "nothing",
            starts_from="nothing" if trained else settings.clipcap,
            takes_language_model=True,
        ),
        "text-image": SuiteMember(common, starts_from=warm),
        "text-only": SuiteMember(replace(common, uses_image=False)),
        "clipcap-finetuned": SuiteMember(picture_alone, starts_from=FROZEN, takes_language_model=True),
        "clipcap-scratch": SuiteMember(picture_alone),
    }
    if settings.ablations:
        other = {"mlp": "transformer", "transformer": "mlp"}[common.mapper]
        members[f"text-image-{other}"] = SuiteMember(replace(common, mapper=other))  # ClipCap has the first mapper
        members["text-image-frozen-lm"] = SuiteMember(replace(common, trains_lm=False), starts_from=warm)
    return members


class CaptionerSuite:
    """All captioners of a run.

    Args:
        run: The run's folder, whose corpus is there.
        settings: What they are made from.
        training: How they are trained.
        device: auto, cpu, cuda or mps.
    """

    def __init__(self, run: Path, settings: SuiteSettings, training: TrainingSettings, device: str = "auto"):
        self.run, self.settings, self.training, self.device = run, settings, training, device
        common = CaptionerConfig(
            settings.language_model,
            clip_width=self.clip.width,
            prefix_length=settings.prefix_length,
            mapper=settings.mapper,
            max_tokens=settings.max_tokens,
            clip_fingerprint=self.clip.fingerprint,
            clip_name=settings.clip_model,
            clip_pretrained=settings.clip_pretrained,
        )
        self.members = suite_members(common, settings)

    @cached_property
    def clip(self) -> Clip:
        """The frozen picture encoder."""
        return load_clip(self.settings.clip_model, self.settings.clip_pretrained, pick_device(self.device))

    @cached_property
    def index(self) -> pd.DataFrame:
        """Picture and split of every post of the run; the texts stay on disk.

        Raises:
            CorpusError: There is no corpus.
        """
        return read_corpus(self.run / "corpus", columns=["image", "split"])

    @cached_property
    def features(self) -> Tensor:
        """CLIP features of the corpus, (n, width)."""
        return picture_features(self.index["image"].tolist(), self.clip, self.run / "features")

    @cached_property
    def captions(self) -> pd.DataFrame:
        """The pictures with captions that ClipCap learns from if it is to be trained."""
        if self.settings.caption_corpus == "source":
            posts = read_corpus(self.run / "corpus", columns=["image", "split", "text", "caption"])
            return posts[posts["caption"] != ""].reset_index(drop=True)
        folder, seed = self.run / "caption-corpus", CAPTION_SEED + self.training.seed
        if distributed()[1] > 1:
            folder = folder / f"process-{distributed()[0]}"  # so that no process reads what another is writing
        captions, _ = registry.collect("miniworld", folder, posts=self.settings.caption_posts, seed=seed)
        return captions.assign(split=["val" if i % 10 == 0 else "train" for i in range(len(captions))])

    @cached_property
    def caption_features(self) -> Tensor:
        """CLIP features of :attr:`captions`, (n, width)."""
        return picture_features(self.captions["image"].tolist(), self.clip, self.run / "features")

    def clipcap_origin(self) -> str:
        """A sentence that says where the frozen ClipCap comes from."""
        if self.members[FROZEN].learns_from == "captions":
            count, encoded = len(self.captions), len(self.caption_features)
            return f"ClipCap learns from {count:,} captioned pictures ({encoded:,} features)."
        return f"ClipCap comes from {self.settings.clipcap}; no caption corpus is needed."

    def data(self, name: str, captioner: PrefixCaptioner, split: str) -> CaptionData:
        """What a captioner learns from (split train) or is validated on (val)."""
        on_captions = self.members[name].learns_from == "captions"
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
        """What each captioner sees, what of it learns from what, and what it starts from, one row per captioner."""
        return pd.DataFrame(
            [
                {
                    "system": name,
                    "sees the picture": member.config.uses_image,
                    "reads the post": member.config.uses_text,
                    "mapper": member.config.mapper if member.config.uses_image else "none",
                    "mapper starts from": member.starts_from if member.config.uses_image else "–",
                    "language model learns": member.config.trains_lm and member.learns_from != "nothing",
                    "learns from": "nothing here" if member.learns_from == "nothing" else member.learns_from,
                }
                for name, member in self.members.items()
            ]
        )

    def train(self, name: str) -> pd.DataFrame | None:
        """Train a captioner, or read it back if it is finished; its curve, or None if nothing of it learns."""
        member, folder = self.members[name], self.run / "captioners" / name
        captioner = build_captioner(member.config, self.training.seed)
        if member.starts_from != "nothing":
            ours = member.starts_from in self.members
            known = str(self.run / "captioners" / member.starts_from) if ours else member.starts_from
            start_from_clipcap(captioner, known, language_model=member.takes_language_model)
        if member.learns_from == "nothing":
            if distributed()[0] == 0:
                captioner.save(folder)
            wait_for_everyone()
            return None
        training, validation = (self.data(name, captioner, split) for split in ("train", "val"))
        return train(captioner, training, validation, self.training, folder, name, self.device)[1]

    def train_all(self) -> dict[str, pd.DataFrame]:
        """Train every captioner; the curves of those that learn, by name.

        On the processor small captioners are trained side by side, after the frozen ClipCap, from
        which they start.
        """
        self.train(FROZEN)
        small = pick_device(self.device) == "cpu" and self.settings.language_model == MINIATURE
        if small and distributed()[1] == 1:
            side_by_side({name: partial(self.train, name) for name in self.members if name != FROZEN}, "captioners")
        curves = {name: self.train(name) for name in self.members}
        return {name: curve for name, curve in curves.items() if curve is not None}

    def attention(self, name: str, seed: int) -> SwappedInputs:
        """Whether a trained captioner looks at the pictures and reads the posts of the validation set."""
        captioner = load_captioner(self.run / "captioners" / name, pick_device(self.device))
        rows = np.flatnonzero(self.index["split"] == "val")
        posts, alt_texts = zip(*self.texts(False, "val"), strict=True)
        return captioner_attention(captioner, self.features[torch.from_numpy(rows)], posts, alt_texts, seed)

    def validation_losses(self, name: str) -> Tensor:
        """Negative log-likelihood (nats) and number of tokens of each validation example, (n, 2), of a trained captioner."""
        captioner = load_captioner(self.run / "captioners" / name, pick_device(self.device))
        data = self.data(name, captioner, "val")
        return example_losses(captioner, data, self.training.batch_size, captioner.precision)

    def computed_in(self) -> str:
        """In which number type and on which device the captioners were trained, as a sentence."""
        facts = [facts_of(self.run / "captioners" / n) for n, m in self.members.items() if m.learns_from != "nothing"]
        return " ".join(sorted({precision_note(f["precision"], f["device"]) for f in facts}))


def suite_of(run: Path, values: Mapping[str, Any]) -> CaptionerSuite:
    """The captioners of a run, by the parameters of chapter 02 under their names."""
    settings = SuiteSettings(**{f.name: values[f.name] for f in fields(SuiteSettings)})
    training = TrainingSettings(**{f.name: values[f.name] for f in fields(TrainingSettings) if f.name in values})
    return CaptionerSuite(run, settings, training, values["device"])
