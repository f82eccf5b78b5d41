"""``altlib train``: train a run's captioners, on all GPUs."""

from __future__ import annotations

import argparse

from altlib.cli.parameter_file import add_parameter_file


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the command and its arguments."""
    parser = commands.add_parser(
        "train",
        help="train a run's captioners as chapter 02 does, on all GPUs: accelerate launch -m altlib train FILE",
    )
    add_parameter_file(parser, "the parameter file of a run whose chapter 01 is done")
    parser.set_defaults(carry_out=train_captioners)


def train_captioners(options: argparse.Namespace) -> None:
    """Train every captioner of the run that is not finished yet."""
    from altlib.runs.book import resolve_file
    from altlib.training.suite import suite_of

    run, resolved = resolve_file(options.file, options.settings)
    suite_of(run, resolved.chapters["training"]).train_all()
