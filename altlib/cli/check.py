"""``altlib check``: check a parameter file without running anything."""

from __future__ import annotations

import argparse

from altlib.cli.parameter_file import add_parameter_file


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the command and its arguments."""
    parser = commands.add_parser("check", help="check a parameter file without running anything")
    add_parameter_file(parser, "the parameter file to check")
    parser.set_defaults(carry_out=check_file)


def check_file(options: argparse.Namespace) -> None:
    """Say that a parameter file is valid; what is wrong with it is raised as an error."""
    from altlib.runs.book import resolve_file

    _, resolved = resolve_file(options.file, options.settings)
    count = sum(map(len, resolved.chapters.values()))
    print(f"{options.file}: valid; run {resolved.run}, {count} parameters in {len(resolved.chapters)} chapters")
