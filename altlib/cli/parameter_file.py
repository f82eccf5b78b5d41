"""The arguments of commands that read a parameter file."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_parameter_file(parser: argparse.ArgumentParser, meaning: str) -> None:
    """Give a parser the file of parameters and ``--set``; ``meaning`` is the help text of the file."""
    parser.add_argument("file", type=Path, help=meaning)
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="SECTION.NAME=VALUE",
        dest="settings",
        help="override a parameter; may be repeated",
    )
