"""``altlib collect``: collect posts from a network into a folder."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from altlib.data.collect.networks import NETWORKS, CollectRequest


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the command and its arguments."""
    parser = commands.add_parser("collect", help="collect posts from a network into a folder")
    parser.add_argument("source", choices=list(NETWORKS))
    parser.add_argument("folder", type=Path, help="where the collection is, or is to be")
    parser.add_argument(
        "--instance", default="https://mastodon.social", help="Mastodon instance (default: %(default)s)"
    )
    parser.add_argument("--ids", type=Path, help="for x: file of post ids, as JSON Lines, CSV or one per line")
    parser.add_argument("--pictures", type=int, default=0, metavar="N", help="stop after N pictures (0: do not)")
    parser.add_argument("--minutes", type=float, default=0.0, metavar="M", help="stop after M minutes (0: do not)")
    parser.add_argument("--language", default="en", help="language of the posts (default: en; empty: all)")
    parser.add_argument("--minimum-characters", type=int, default=20, metavar="N", help="shortest alt text taken")
    parser.set_defaults(carry_out=collect_posts)


def say(text: str) -> None:
    """Tell the progress of a collection on standard error."""
    print(text, file=sys.stderr)


def collect_posts(options: argparse.Namespace) -> None:
    """Collect posts until an end is reached or Ctrl-C, then print what was taken and what was not."""
    request = CollectRequest(
        options.folder,
        options.pictures,
        60 * options.minutes,
        options.language,
        options.minimum_characters,
        options.instance,
        options.ids,
        say,
    )
    try:
        NETWORKS[options.source](request)
    finally:
        print_collection(options.folder)


def print_collection(folder: Path) -> None:
    """Print what a collection holds and what was not taken into it; nothing if there is none."""
    from altlib.data.collect.reading import open_collection

    if not (folder / "posts.sqlite").is_file():
        return
    with open_collection(folder) as collection:
        print(f"{folder}: " + ", ".join(f"{n} {state}" for state, n in collection.states().items()))
        for reason, number in collection.excluded().items():
            print(f"  not taken: {number} {reason}")
