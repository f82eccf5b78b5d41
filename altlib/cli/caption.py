"""``altlib caption``: write alt text for one picture or many."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from altlib.generation.prompting import Writer

AT_ONCE = 512  # pictures that an endpoint is given before the output is brought up to date


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the command and its arguments."""
    parser = commands.add_parser(
        "caption",
        help="write alt text for one picture or many",
        epilog="The key of an endpoint is read from the environment variable ALTLIB_API_KEY (or --key-variable).",
    )
    parser.add_argument("picture", type=Path, help="a picture, a folder of pictures, or a CSV file with a column image")
    parser.add_argument("--post", default="", help="the text that the picture is posted with")
    parser.add_argument(
        "--output", type=Path, default=None, help="CSV file to write; what it holds is not written again"
    )
    ours = parser.add_argument_group("a captioner of a run (the default)")
    ours.add_argument("--run", type=Path, default=None, help="the folder of a run (default: runs/workshop)")
    ours.add_argument("--captioner", default="text-image", help="which captioner of the run (default: %(default)s)")
    ours.add_argument("--candidates", type=int, default=1, metavar="N", help="print the N best texts with their scores")
    ours.add_argument("--device", default="auto", help="auto, cpu, cuda or mps (default: %(default)s)")
    theirs = parser.add_argument_group("a vision-language model")
    theirs.add_argument(
        "--model", default="", help="its name at the endpoint; without one, that of a transformers model"
    )
    theirs.add_argument(
        "--endpoint", default="", help="such as https://openrouter.ai/api/v1 or http://localhost:11434/v1"
    )
    theirs.add_argument("--prompt", default="", help="name of a prompt, or a TOML file (default: the best known one)")
    theirs.add_argument("--language", default="", help="language of the alt text, such as German")
    theirs.add_argument(
        "--length", choices=["short", "medium", "long"], default="medium", help="(default: %(default)s)"
    )
    theirs.add_argument("--price-in", type=float, default=0.0, metavar="D", help="dollars per million tokens read")
    theirs.add_argument("--price-out", type=float, default=0.0, metavar="D", help="dollars per million tokens written")
    theirs.add_argument(
        "--at-once", type=int, default=32, metavar="N", help="requests in flight (default: %(default)s)"
    )
    theirs.add_argument(
        "--per-minute", type=int, default=0, metavar="N", help="most requests begun in a minute (default: no limit)"
    )
    theirs.add_argument("--key-variable", default="ALTLIB_API_KEY", help="variable with the key (default: %(default)s)")
    parser.set_defaults(carry_out=caption)


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


def reply_file() -> Path:
    """Where the answers of models are kept."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "altlib" / "replies.sqlite"


def say(text: str) -> None:
    """Tell something beside the alt text, on standard error."""
    print(f"altlib: {text}", file=sys.stderr)


def caption(options: argparse.Namespace) -> int:
    """Print the alt text of a picture, or write that of many; returns 1 if a picture has none."""
    from altlib.core.images import open_picture
    from altlib.generation.describing import describe_all, pictures_of
    from altlib.models.replies import spent_in

    if options.candidates < 1:
        raise ValueError("--candidates must be at least 1")
    if options.at_once < 1 or options.per_minute < 0:
        raise ValueError("--at-once must be 1 or more, and --per-minute 0 or more")
    if options.endpoint and not options.model:
        raise ValueError("--endpoint needs --model, the name of a model there")
    pictures = pictures_of(options.picture, options.post)
    single = len(pictures) == 1 and pictures[0].image == str(options.picture)
    if single:
        open_picture(options.picture)  # a bad picture is refused before any model is loaded
    elif options.output is None:
        raise ValueError(
            f"{options.picture} names {len(pictures)} pictures: say where their alt texts go, --output FILE.csv"
        )
    if not options.model and options.candidates > 1:
        if not single:
            raise ValueError("--candidates is for one picture")
        return print_candidates(options)
    write, by = chosen_writer(options)
    before = spent_in(reply_file()) if options.endpoint else None
    chunk = AT_ONCE if options.endpoint else 32
    found = describe_all(pictures, write, by, options.output, chunk, say)
    if single and options.output is None and not found[0].problem:
        print(found[0].text)
    for picture, described in zip(pictures, found, strict=True):
        if described.problem:
            say(f"{picture.image}: {described.problem}")
    if before is not None:
        say((spent_in(reply_file()) - before).sentence())
    return int(any(described.problem for described in found))


def chosen_writer(options: argparse.Namespace) -> tuple[Writer, str]:
    """Who writes, and what identifies it."""
    from altlib.core.devices import pick_device
    from altlib.generation.prompting import Wish, endpoint_writer, transformers_writer
    from altlib.models.endpoint import Endpoint

    if not options.model:
        return captioner_writer(options)
    wish = Wish(options.prompt, options.language, options.length)
    wish.texts("")  # a prompt that cannot be used is refused before anything is loaded or asked
    by = f"{options.model}, {options.prompt or 'best prompt'}, {options.language or 'any language'}, {options.length}"
    if not options.endpoint:
        return transformers_writer(options.model, wish, pick_device(options.device), reply_file()), by
    endpoint = Endpoint(
        options.endpoint,
        options.model,
        options.key_variable,
        options.price_in,
        options.price_out,
        at_once=options.at_once,
        per_minute=options.per_minute,
    )
    return endpoint_writer(endpoint, wish, reply_file()), by


def captioner_writer(options: argparse.Namespace) -> tuple[Writer, str]:
    """The captioner of a run as a writer, and what identifies it."""
    from altlib.generation.run_captioner import open_run_captioner
    from altlib.runs.project import default_run

    folder = captioner_folder(options.run or default_run(), options.captioner)
    captioner = open_run_captioner(folder, options.device)
    if captioner.notice:
        say(captioner.notice)
    return captioner.write, str(folder)


def print_candidates(options: argparse.Namespace) -> int:
    """Print the best candidates for one picture with their scores."""
    from altlib.generation.run_captioner import open_run_captioner
    from altlib.runs.project import default_run

    captioner = open_run_captioner(captioner_folder(options.run or default_run(), options.captioner), options.device)
    if captioner.notice:
        say(captioner.notice)
    for candidate in captioner.candidates([str(options.picture)], [options.post], options.candidates)[0]:
        print(f"{candidate.score:8.3f}  {candidate.text}")
    return 0
