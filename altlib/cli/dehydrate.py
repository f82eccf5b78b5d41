"""``altlib dehydrate``: write the addresses of a collection's posts and pictures, nothing else."""

from __future__ import annotations

import argparse
import json
from pathlib import Path


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the command and its arguments."""
    parser = commands.add_parser(
        "dehydrate", help="write the addresses of a collection's posts and pictures, nothing else"
    )
    parser.add_argument("folder", type=Path, help="a collection")
    parser.add_argument("file", type=Path, help="JSON Lines file to write")
    parser.set_defaults(carry_out=write_addresses)


def write_addresses(options: argparse.Namespace) -> None:
    """Write one JSON object per picture."""
    from altlib.core.files import write_text
    from altlib.data.collect.reading import open_collection

    with open_collection(options.folder) as collection:
        lines = [json.dumps(record) for record in collection.dehydrated()]
    write_text(options.file, "".join(f"{line}\n" for line in lines))
    print(f"{options.file}: addresses of {len(lines)} pictures")
