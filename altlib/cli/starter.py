"""``altlib starter``: the chapters as notebooks without the answers to their exercises."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the command and its arguments."""
    parser = commands.add_parser("starter", help="write chapters as notebooks without the answers to their exercises")
    parser.add_argument("chapters", nargs="*", metavar="CHAPTER", help="such as 03 or training (default: all)")
    parser.add_argument(
        "--run", type=Path, default=None, help="the finished run that they read (default: runs/workshop)"
    )
    parser.add_argument(
        "--output", type=Path, default=Path("starters"), help="the folder to write to (default: starters)"
    )
    parser.set_defaults(carry_out=write_starters)


def write_starters(options: argparse.Namespace) -> None:
    """Write the notebooks and say where they are."""
    from altlib.runs.project import default_run, project_root
    from altlib.runs.starters import write_starter_notebooks

    run = options.run or default_run()
    written = write_starter_notebooks(project_root(), run, options.output, options.chapters)
    print(f"{len(written)} notebook{'s' if len(written) != 1 else ''} without answers in {options.output}; "
          f"open them with: jupyter lab {options.output}")  # fmt: skip
