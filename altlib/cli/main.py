"""The command ``altlib``: render the book, caption a picture.

Each command imports what it needs when it is carried out, so that a short one does not wait for
torch or pandas.
"""

from __future__ import annotations

import argparse
import sys

from altlib.cli import (
    audit,
    book,
    bundle,
    caption,
    check,
    collect,
    compare,
    dehydrate,
    evaluate,
    forget,
    score,
    starter,
    steps,
    study,
    train,
)
from altlib.core.errors import BackboneError, DiskFullError, EndpointError, FetchError, RunError

# What a message explains; CorpusError, ParameterError, PictureError and StudyError are kinds of ValueError.
EXPLAINED = (BackboneError, DiskFullError, EndpointError, FetchError, RunError, ValueError, FileNotFoundError)


def command_parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    parser = argparse.ArgumentParser(
        prog="altlib", description="Alt-text generation for social media: run the book, caption a picture."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for command in (
        book,
        check,
        starter,
        bundle,
        train,
        caption,
        score,
        evaluate,
        compare,
        audit,
        study,
        collect,
        forget,
        dehydrate,
    ):
        command.add_parser(commands)
    steps.add_execute(commands)
    steps.add_render(commands)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: what follows ``altlib`` on the command line; by default that of this process.

    Returns:
        The exit status: 0 done, 1 an error that the message explains or poor alt text that `audit` found, 130 interrupted.
    """
    given = sys.argv[1:] if arguments is None else arguments
    border = given.index("--") if "--" in given else len(given)
    parser = command_parser()
    options = parser.parse_args(given[:border], argparse.Namespace(snakemake=given[border + 1 :]))
    if options.snakemake and options.command != "book":
        parser.error("only `altlib book` takes arguments after --")
    try:
        found = options.carry_out(options)
    except EXPLAINED as error:
        print(f"altlib: {error}", file=sys.stderr)
        return 1
    except OSError as error:  # of the system itself, such as a folder that may not be written to
        where = f"{error.filename}: " if error.filename else ""
        print(f"altlib: {where}{error.strerror or error}; mend this and run the same command again", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("altlib: interrupted; what was finished is kept, run the same command again to go on", file=sys.stderr)
        return 130
    return int(found or 0)
