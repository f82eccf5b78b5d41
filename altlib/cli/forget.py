"""``altlib forget``: take posts, their pictures and all that was derived from them out."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the command and its arguments."""
    parser = commands.add_parser("forget", help="take posts, their pictures and all that was derived from them out")
    parser.add_argument("folders", type=Path, nargs="+", help="collections and folders of runs")
    parser.add_argument(
        "--post",
        action="append",
        default=[],
        metavar="ADDRESS",
        help="such as at://did:plc:x/app.bsky.feed.post/y; may be repeated",
    )
    parser.add_argument(
        "--author", action="append", default=[], metavar="ACCOUNT", help="such as did:plc:x; may be repeated"
    )
    parser.add_argument("--keep-models", action="store_true", help="keep models that learned from the posts")
    parser.set_defaults(carry_out=forget_posts)


def forget_posts(options: argparse.Namespace) -> None:
    """Forget posts and authors in collections and runs, and print how many pictures went."""
    from altlib.runs.forgetting import forget_collected, forget_in_run

    if not options.post and not options.author:
        raise ValueError("say what to forget: --post ADDRESS or --author ACCOUNT")
    for folder in options.folders:
        if (folder / "posts.sqlite").is_file():
            count = forget_collected(folder, options.post, options.author)
            print(f"{folder}: {count} pictures forgotten; they will not be collected again")
            continue
        found = forget_in_run(folder, options.post, options.author, options.keep_models)
        deleted = f"; deleted {', '.join(found.folders)}: run the book again" if found.folders else ""
        print(f"{folder}: {found.rows} pictures forgotten{deleted}")
