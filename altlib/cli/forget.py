"""``altlib forget``: take posts, their pictures and all that was derived from them out."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the command and its arguments."""
    parser = commands.add_parser("forget", help="take posts, their pictures and all that was derived from them out")
    parser.add_argument("folders", type=Path, nargs="+", help="collections, folders of runs, and folders of studies")
    parser.add_argument(
        "--post",
        action="append",
        default=[],
        metavar="ADDRESS",
        help="such as at://did:plc:x/app.bsky.feed.post/y or https://x.com/i/status/20; may be repeated",
    )
    parser.add_argument(
        "--author",
        action="append",
        default=[],
        metavar="ACCOUNT",
        help="such as did:plc:x (Bluesky), acct:name@instance (Mastodon) or x:783214 (X); may be repeated",
    )
    parser.add_argument("--keep-models", action="store_true", help="keep models that learned from the posts")
    parser.set_defaults(carry_out=forget_posts)


def forget_posts(options: argparse.Namespace) -> None:
    """Forget posts and authors in collections and runs, and print what went in each."""
    from altlib.runs.forgetting import forget

    if not options.post and not options.author:
        raise ValueError("say what to forget: --post ADDRESS or --author ACCOUNT")
    for done in forget(options.folders, options.post, options.author, options.keep_models):
        if done.collection:
            then = "; they will not be collected again"
        else:
            then = f"; deleted {', '.join(sorted(done.deleted))}: run the book again" if done.deleted else ""
        print(f"{done.folder}: {done.pictures} pictures forgotten{then}")
