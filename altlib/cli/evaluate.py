"""``altlib evaluate``: score anybody's captions against references."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from altlib.models.clip import Clip
    from altlib.models.description_clip import DescriptionClip

OUTPUTS = (".json", ".csv")


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the command and its arguments."""
    parser = commands.add_parser(
        "evaluate",
        help="score captions against references: BLEU, METEOR, ROUGE-L, CIDEr, CLIPScore and more",
        epilog='A line of a file is {"id": ..., "caption": ..., "references": [...], "image": path}; "image" may be '
        'missing. Or the file is a list of COCO\'s results, [{"image_id", "caption"}], with --references.',
    )
    parser.add_argument(
        "captions", type=Path, nargs="+", help="a .jsonl file, or COCO's results; several are compared on shared ids"
    )
    parser.add_argument(
        "--references", type=Path, default=None, help="COCO's annotations, or JSON Lines with id and references"
    )
    parser.add_argument("--images", type=Path, default=None, help="the folder of the pictures (default: each file's)")
    parser.add_argument("--clip", default="", help="the model of CLIPScore, such as ViT-B-32 or a folder")
    parser.add_argument("--pretrained", default="", help="its weights, such as openai")
    parser.add_argument("--run", type=Path, default=None, help="the run whose CLIPs score, also for descriptions")
    parser.add_argument("--sample", type=int, default=0, metavar="N", help="score N random pictures (default: all)")
    parser.add_argument("--seed", type=int, default=0, help="of sample and bootstrap (default: %(default)s)")
    parser.add_argument("--output", type=Path, default=None, help="a .json or .csv file to write, too")
    parser.set_defaults(carry_out=evaluate)


def evaluate(options: argparse.Namespace) -> None:
    """Print the scores of each file, the paired tests between files, and what must be said beside them."""
    from altlib.core.files import write_json, write_text
    from altlib.data.caption_files import read_captions

    if options.output and options.output.suffix not in OUTPUTS:
        raise ValueError(f"--output must end in {' or '.join(OUTPUTS)}, not {options.output.name!r}")
    if options.sample < 0 or options.seed < 0:
        raise ValueError("--sample and --seed must be 0 or more")
    if options.run and options.clip:
        raise ValueError("--run names the CLIPs of a run and --clip another one: give one of them")
    sets = read_captions(options.captions, options.references, options.images, options.sample, options.seed)
    clip, tuned = chosen_models(options, any(sets.images))

    from altlib.evaluation.caption_file_scores import evaluate_captions, paired_differences
    from altlib.report import evaluation_tables as tables

    found = evaluate_captions(sets, clip, tuned, options.seed)
    differences = paired_differences(found.scores)
    said = f"{len(sets.ids):,} captions a file"
    if found.pictures is not None:
        said += f", {tables.pictures_seen(found):,} of them with a picture that {clip.name if clip else ''} sees"
    parts = [
        f"{said}; 95% intervals by bootstrap over captions\n\n{tables.score_table(found)}",
        f"Paired tests{', with Holm correction' if len(sets.captions) > 2 else ''}:\n{tables.difference_table(differences)}"
        if differences
        else "",
        f"Does a score fall when a reference is made worse?\n{tables.robustness_text(found)}"
        if not found.robust.empty
        else "",
    ]
    print("\n".join(part for part in parts if part), end="")
    for note in tables.notes(sets, found):
        say(note)
    settings = {"seed": options.seed, "sample": options.sample, "clip": clip.name if clip else ""}
    if options.output and options.output.suffix == ".json":
        write_json(options.output, tables.as_record(sets, found, differences, settings))
    elif options.output:
        write_text(options.output, tables.as_csv(found, differences))


def chosen_models(options: argparse.Namespace, pictures: bool) -> tuple[Clip | None, DescriptionClip | None]:
    """The CLIPs that score, as far as there are pictures; what is left out is said."""
    if not pictures:
        say("the files name no pictures: scores that look at pictures are left out")
        return None, None
    if not options.run and not options.clip:
        say(
            "scores that look at pictures are left out; name a model for them: --clip ViT-B-32 --pretrained openai is "
            "CLIPScore as published, --run FOLDER takes the CLIPs of a run"
        )
        return None, None

    from altlib.evaluation.second_captions import open_tuned
    from altlib.models.clip import load_clip
    from altlib.models.miniature_notice import miniature_notice

    clip, tuned = open_tuned(options.run) if options.run else (load_clip(options.clip, options.pretrained), None)
    if not clip.reads_text:
        raise ValueError(f"{clip.name} reads no text, so it cannot score captions")
    if notice := miniature_notice(clip.name):
        say(notice)
    if tuned is None:
        say("the description score is left out: it needs --run, a run with a CLIP that prefers descriptions")
    return clip, tuned


def say(text: str) -> None:
    """Tell something beside the scores, on standard error."""
    print(f"altlib evaluate: {text}", file=sys.stderr)
