"""``altlib book``: bring the book of a parameter file up to date."""

from __future__ import annotations

import argparse

from altlib.cli.parameter_file import add_parameter_file


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the command and its arguments."""
    parser = commands.add_parser(
        "book",
        help="bring the book of a parameter file up to date",
        epilog="Arguments after -- go to Snakemake, such as -- --dry-run or -- --profile FOLDER.",
    )
    add_parameter_file(parser, "a parameter file, such as params/workshop.yaml")
    parser.add_argument("--seeds", metavar="0-4", help="run once for each seed and summarise")
    parser.set_defaults(carry_out=make_book)


def make_book(options: argparse.Namespace) -> None:
    """Run the book once, or once for each seed."""
    from altlib.runs.book import run_book
    from altlib.runs.seeds import parse_seeds, run_seeds

    if options.seeds:
        run_seeds(options.file, options.settings, parse_seeds(options.seeds), options.snakemake)
    else:
        run_book(options.file, options.settings, options.snakemake)
