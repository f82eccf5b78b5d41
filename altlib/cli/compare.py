"""``altlib compare``: compare runs on a page."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the command and its arguments."""
    parser = commands.add_parser(
        "compare",
        help="compare runs on a page: parameters, chapters, scores on shared pictures, captions side by side",
        epilog="The first run is what the others are compared with. A file runs/NAME-seeds.json, as `altlib book --seeds` "
        "writes it, stands for the runs of all its seeds.",
    )
    parser.add_argument(
        "runs", type=Path, nargs="+", metavar="RUN", help="the folder of a run, or a summary over seeds"
    )
    parser.add_argument(
        "--output", type=Path, default=Path("comparison.html"), help="the page to write (default: %(default)s)"
    )
    parser.add_argument(
        "--pictures",
        type=int,
        default=10,
        metavar="N",
        help="pictures shown with their captions (default: %(default)s)",
    )
    parser.add_argument("--seed", type=int, default=0, help="of the bootstrap (default: %(default)s)")
    parser.set_defaults(carry_out=compare)


def compare(options: argparse.Namespace) -> None:
    """Write the page, and print what it says first."""
    from altlib.runs.comparison import compare_runs

    if options.pictures < 0 or options.seed < 0:
        raise ValueError("--pictures and --seed must be 0 or more")
    page = options.output / "comparison.html" if options.output.suffix != ".html" else options.output
    for sentence in compare_runs(options.runs, page, options.pictures, options.seed):
        print(sentence)
    print(f"The page: {page}")
