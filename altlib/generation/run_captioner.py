"""A run's captioner for any picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from altlib.core.devices import pick_device
from altlib.core.errors import BackboneError
from altlib.generation.decoding import Candidate, Decoding, decode
from altlib.generation.prompting import Described, Picture
from altlib.models.captioner import PrefixCaptioner, load_captioner
from altlib.models.clip import Clip, load_clip
from altlib.models.features import encode_pictures
from altlib.models.miniature_notice import miniature_notice


@dataclass(frozen=True)
class RunCaptioner:
    """A captioner with the picture encoder that it was trained with.

    Attributes:
        captioner: The captioner.
        clip: Its picture encoder.
        notice: What the reader must know about its models; empty if nothing.
    """

    captioner: PrefixCaptioner
    clip: Clip
    notice: str

    def candidates(self, images: list[str], posts: list[str], number: int) -> list[list[Candidate]]:
        """The ``number`` best texts for each picture with its post, best first."""
        features = encode_pictures(images, self.clip, batch_size=32, workers=2)
        settings = Decoding(beams=max(5, number), max_tokens=self.captioner.config.max_tokens)
        name = Path(images[0]).name if len(images) == 1 else f"{len(images)} pictures"
        return [found[:number] for found in decode(self.captioner, features, posts, settings, name=name)]

    def write(self, pictures: Sequence[Picture]) -> list[Described]:
        """The best text for each picture."""
        found = self.candidates([p.image for p in pictures], [p.post for p in pictures], 1)
        return [
            Described(c[0].text if c else "", "" if c and c[0].text else "the captioner wrote nothing") for c in found
        ]


def open_run_captioner(folder: Path, device: str = "auto") -> RunCaptioner:
    """Read a captioner of a run and its picture encoder.

    Args:
        folder: The captioner's folder in the run.
        device: auto, cpu, cuda or mps.

    Raises:
        BackboneError: The captioner was trained with other weights of the encoder than there are.
    """
    where = pick_device(device)
    captioner = load_captioner(folder, where)
    config = captioner.config
    clip = load_clip(config.clip_name, config.clip_pretrained, where)
    if config.clip_fingerprint and clip.fingerprint != config.clip_fingerprint:
        raise BackboneError(f"{folder} was trained on other CLIP weights than {clip.name} has now; run the book again")
    return RunCaptioner(captioner, clip, miniature_notice(config.clip_name, config.language_model))
