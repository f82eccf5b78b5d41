"""``altlib execute`` and ``altlib render``: the steps that Snakemake runs for ``altlib book``."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_execute(commands: argparse._SubParsersAction) -> None:
    """Add the command that executes a chapter, and its arguments."""
    parser = commands.add_parser("execute", help="execute one chapter of a plan (used by Snakemake)")
    parser.add_argument("plan", type=Path)
    parser.add_argument("chapter")
    parser.set_defaults(carry_out=execute)


def add_render(commands: argparse._SubParsersAction) -> None:
    """Add the command that renders the pages, and its arguments."""
    parser = commands.add_parser("render", help="render the pages of a plan (used by Snakemake)")
    parser.add_argument("plan", type=Path)
    parser.set_defaults(carry_out=render)


def execute(options: argparse.Namespace) -> None:
    """Execute one chapter."""
    from altlib.runs.execute import execute_chapter

    execute_chapter(options.plan, options.chapter)


def render(options: argparse.Namespace) -> None:
    """Render the pages."""
    from altlib.runs.render import render_book

    render_book(options.plan)
