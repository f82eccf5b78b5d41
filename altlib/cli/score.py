"""``altlib score``: score texts for a picture."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the command and its arguments."""
    parser = commands.add_parser(
        "score", help="score texts for a picture: CLIPScore and the preference for descriptions"
    )
    parser.add_argument("picture", type=Path)
    parser.add_argument("--text", action="append", required=True, help="a text to score; may be repeated")
    parser.add_argument("--run", type=Path, default=None, help="the folder of a run (default: runs/workshop)")
    parser.add_argument(
        "--model", default="", help="which tuned model of the run, such as iit-das-lora-0 (default: the best)"
    )
    parser.set_defaults(carry_out=print_scores)


def print_scores(options: argparse.Namespace) -> None:
    """Print the scores of each text, best description first: CLIPScore, the base model's and the tuned model's of the bare text."""
    from altlib.core.images import open_picture
    from altlib.evaluation.clip_scores import score_picture
    from altlib.evaluation.second_captions import open_tuned
    from altlib.models.miniature_notice import miniature_notice
    from altlib.runs.project import default_run

    open_picture(options.picture)  # a bad picture is refused before any model is loaded
    base, tuned = open_tuned(options.run or default_run(), options.model)
    if notice := miniature_notice(base.name):
        print(f"altlib: {notice}", file=sys.stderr)
    rows, cropped = score_picture(options.picture, options.text, base, tuned)
    if cropped:
        print(
            f"altlib: {cropped} of {len(rows)} texts were longer than the model reads and were cropped", file=sys.stderr
        )
    width = max(10, len(tuned.settings.name))
    print(f"{'CLIPScore':>9}  {'bare text':>9}  {tuned.settings.name:>{width}}  text")
    for text, row in sorted(zip(options.text, rows, strict=True), key=lambda pair: -pair[1]["description score"]):
        scores = f"{row['CLIPScore']:9.3f}  {row['bare text']:9.3f}  {row['description score']:{width}.3f}"
        print(f"{scores}  {text}")
