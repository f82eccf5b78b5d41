"""``altlib bundle``: an archive that installs without any network."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the command and its arguments."""
    parser = commands.add_parser(
        "bundle", help="write an archive of book, packages and a finished run, for offline use"
    )
    parser.add_argument("--run", type=Path, default=None, help="the finished run (default: runs/workshop)")
    parser.add_argument("--output", type=Path, default=None, help="the zip file (default: build/altlib-bundle.zip)")
    parser.add_argument(
        "--extra-index",
        action="append",
        default=[],
        metavar="URL",
        help="a further index of packages, such as PyTorch's for processors alone, whose torch brings no CUDA (some GB)",
    )
    parser.add_argument(
        "--wheels",
        action="append",
        default=[],
        type=Path,
        metavar="FOLDER",
        help="take packages from this folder and ask no index; may be repeated",
    )
    parser.set_defaults(carry_out=make_bundle)


def make_bundle(options: argparse.Namespace) -> None:
    """Write the archive and say how large it is."""
    from altlib.runs.bundle import write_bundle
    from altlib.runs.project import default_run, project_root

    root = project_root()
    target = options.output or root / "build" / "altlib-bundle.zip"
    written = write_bundle(root, options.run or default_run(), target, options.extra_index, options.wheels)
    print(f"{written}: {written.stat().st_size / 1e9:.2f} GB; unpack it and run install.py in it, without any network")
