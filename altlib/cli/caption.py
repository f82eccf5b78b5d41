"""``altlib caption``: write alt text for a picture."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the command and its arguments."""
    parser = commands.add_parser("caption", help="write alt text for a picture")
    parser.add_argument("picture", type=Path)
    parser.add_argument("--post", default="", help="the text that the picture is posted with")
    parser.add_argument("--run", type=Path, default=None, help="the folder of a run (default: runs/workshop)")
    parser.add_argument("--captioner", default="text-image", help="which captioner of the run (default: %(default)s)")
    parser.add_argument(
        "--candidates", type=int, default=1, metavar="N", help="print the N best texts with their scores"
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps (default: %(default)s)")
    parser.set_defaults(carry_out=print_captions)


def captioner_folder(run: Path, name: str) -> Path:
    """The folder of a run's captioner.

    Raises:
        ValueError: the run has no captioner of this name; the message lists those that it has.
    """
    folder = run / "captioners" / name
    if not folder.is_dir():
        known = sorted(p.parent.name for p in run.glob("captioners/*/captioner.json"))
        raise ValueError(f"{run} has no captioner {name!r}; it has {', '.join(known) or 'none: run the book first'}")
    return folder


def print_captions(options: argparse.Namespace) -> None:
    """Print the alt text of a picture, or its best candidates with their scores."""
    from altlib.core.devices import pick_device
    from altlib.core.errors import BackboneError
    from altlib.core.images import open_picture
    from altlib.generation.decoding import Decoding, decode
    from altlib.models.captioner import load_captioner
    from altlib.models.clip import load_clip
    from altlib.models.features import encode_pictures
    from altlib.runs.project import default_run

    if options.candidates < 1:
        raise ValueError("--candidates must be at least 1")
    open_picture(options.picture)  # a bad picture is refused before any model is loaded
    folder = captioner_folder(options.run or default_run(), options.captioner)
    device = pick_device(options.device)
    captioner = load_captioner(folder, device)
    config = captioner.config
    clip = load_clip(config.clip_name, config.clip_pretrained, device)
    if config.clip_fingerprint and clip.fingerprint != config.clip_fingerprint:
        raise BackboneError(f"{folder} was trained on other CLIP weights than {clip.name} has now; run the book again")
    features = encode_pictures([str(options.picture)], clip, batch_size=1, workers=1)
    settings = Decoding(beams=max(5, options.candidates), max_tokens=config.max_tokens)
    found = decode(captioner, features, [options.post], settings, name=options.picture.name)[0]
    for candidate in found[: options.candidates]:
        print(f"{candidate.score:8.3f}  {candidate.text}" if options.candidates > 1 else candidate.text)
