"""``altlib study``: make a study of a run for raters, and report what their answers say."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from altlib.evaluation.study.answers import Answers
    from altlib.evaluation.study.folder import StoredStudy
    from altlib.evaluation.study.questionnaire import Study


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the command and its arguments."""
    parser = commands.add_parser("study", help="ask people which alt text is better, and report their answers")
    steps = parser.add_subparsers(dest="step", required=True)
    add_make(steps)
    add_report(steps)


def add_make(steps: argparse._SubParsersAction) -> None:
    """Add the arguments of ``altlib study make``."""
    make = steps.add_parser(
        "make",
        help="write the pages of a study, and its keys",
        description="Pages that work without a network, by keyboard alone and with a screen reader.",
    )
    make.add_argument("run", type=Path, help="the folder of a finished run")
    make.add_argument("--output", type=Path, required=True, metavar="FOLDER", help="where the study is written")
    make.add_argument(
        "--systems",
        nargs=2,
        action="append",
        metavar=("A", "B"),
        help="two systems of the run to compare; may be repeated (default: the paper's two comparisons)",
    )
    make.add_argument("--audit", action="store_true", help="ask about the writers' own alt texts instead")
    make.add_argument(
        "--pictures", type=int, default=0, metavar="N", help="pictures per comparison (default: 150; of an audit 200)"
    )
    make.add_argument(
        "--worse",
        type=Path,
        default=None,
        metavar="FILE",
        help="for the qualification round: a JSON object of item_id of a validation picture and a clearly worse text",
    )
    make.add_argument("--seed", type=int, default=0, help="of the sample and the order (default: %(default)s)")
    make.add_argument(
        "--pictures-url",
        default="",
        metavar="URL",
        help="also write the layouts of Mechanical Turk and Prolific, which show the pictures from this address",
    )
    make.add_argument("--completion-code", default="", metavar="CODE", help="shown at the end of each page")
    make.set_defaults(carry_out=make_study)


def add_report(steps: argparse._SubParsersAction) -> None:
    """Add the arguments of ``altlib study report``."""
    report = steps.add_parser("report", help="report what raters answered")
    report.add_argument("study", type=Path, help="the folder of the study")
    report.add_argument(
        "answers",
        type=Path,
        nargs="*",
        help="files that pages saved, results of Mechanical Turk (.csv) or responses from Prolific (.json), or folders "
        "of them (default: the folder answers of the study)",
    )
    report.add_argument(
        "--minimum-seconds",
        type=float,
        default=3.0,
        metavar="S",
        help="leave out raters whose median time per picture is shorter (default: %(default)s)",
    )
    report.add_argument("--seed", type=int, default=0, help="of the bootstrap (default: %(default)s)")
    report.add_argument("--format", choices=["text", "json"], default="text", help="(default: %(default)s)")
    report.add_argument("--output", type=Path, default=None, help="the file to write (default: standard output)")
    report.set_defaults(carry_out=report_study)


def make_study(options: argparse.Namespace) -> None:
    """Write the study and say where what is."""
    from altlib.evaluation.study.folder import write_audit, write_study
    from altlib.evaluation.study.of_run import audit_of_run, comparisons_of_run
    from altlib.evaluation.study.platforms import check_address
    from altlib.report.people_tables import PAPERS_COMPARISONS

    if options.audit and options.systems:
        raise ValueError("--audit asks about the writers' alt texts; leave out --systems")
    if options.pictures < 0:
        raise ValueError("--pictures must be 1 or more")
    if not (options.run / "corpus").is_dir():
        raise FileNotFoundError(f"{options.run} is no run: it has no folder corpus")
    if options.pictures_url:
        check_address(options.pictures_url)
    if options.audit:
        studies = [audit_of_run(options.run, options.pictures or 200, options.seed)]
        pages = write_audit(studies[0], options.output, options.completion_code)
    else:
        pairs = [(pair[0], pair[1]) for pair in options.systems or PAPERS_COMPARISONS.values()]
        worse = worse_texts(options.worse) if options.worse else None
        rounds = comparisons_of_run(options.run, pairs, options.pictures or 150, options.seed, worse)
        studies = [found.study for found in rounds]
        pages = write_study(rounds, options.output, options.completion_code)
        print(f"{len(rounds[-1].identical)} comparisons need no rater, as both systems wrote the same text")
    for page, study in zip(pages, studies, strict=True):
        print(f"{options.output / page}: {len(study.items)} pictures")
        if options.pictures_url:
            print_platforms(study, options.output / "platforms" / study.name, options.pictures_url)
    print(f"Keep {options.output / 'keys'} from raters: it tells who wrote what.")
    print(f"The pages hold posts: name {options.output} to `altlib forget`, too, when a post is to be forgotten.")


def worse_texts(path: Path) -> dict[str, str]:
    """The texts of ``--worse``.

    Raises:
        ValueError: The file holds something else.
    """
    from altlib.core.files import read_json

    found = read_json(path)
    if not isinstance(found, dict) or not all(isinstance(text, str) and text.strip() for text in found.values()):
        raise ValueError(f"{path} must hold a JSON object: item_id of a validation picture and a worse text for it")
    return found


def print_platforms(study: Study, folder: Path, pictures_url: str) -> None:
    """Write the layouts of both platforms for a round, and say where they are."""
    from altlib.evaluation.study.platforms import write_platforms

    files = write_platforms(study, folder, f"{pictures_url.rstrip('/')}/{study.name}")
    print(f"{folder}: for Mechanical Turk and Prolific; put the files of pictures/ under {pictures_url}/{study.name}")
    for item in files.left_out:
        print(f"altlib study: {item} is left out, as its picture cannot be read", file=sys.stderr)


def report_study(options: argparse.Namespace) -> int:
    """Report what raters answered; returns 1 if no answer counts."""
    from altlib.core.files import write_text
    from altlib.evaluation.study.answer_files import answer_files
    from altlib.evaluation.study.answers import merge_answers
    from altlib.evaluation.study.folder import ANSWERS, read_study

    study = read_study(options.study)
    given = options.answers or [options.study / ANSWERS]
    if missing := [path for path in given if not path.exists()]:
        raise FileNotFoundError(f"{missing[0]} does not exist; give the files of answers, or a folder of them")
    files = [file for path in given for file in answer_files(path)]
    if not files:
        raise ValueError(f"{given[0]} holds no .json or .csv files of answers")
    merged = merge_answers(files, study.expected)
    tables = comparison_tables(study, merged, options) if study.pairs else audit_tables(merged)
    text = as_json(tables) if options.format == "json" else as_text(tables)
    if options.output:
        write_text(options.output, text)
    else:
        print(text, end="")
    counted = next(iter(tables.values()))
    return int(counted.empty or not counted["answers"].sum())


def comparison_tables(study: StoredStudy, merged: Answers, options: argparse.Namespace) -> dict[str, pd.DataFrame]:
    """Title -> table of what comparisons say."""
    from altlib.evaluation.study import analysis
    from altlib.published.tables import published_table
    from altlib.report.people_tables import PAPERS_COMPARISONS, beside_paper

    kept = analysis.exclude_raters(merged, study.key, options.minimum_seconds)
    key = study.key[study.key["round"] == "comparison"]
    named = analysis.named_answers(kept, key)
    preferences = analysis.preference_table(named, study.pairs, options.seed)
    asked = f"{len(key)} comparisons are asked; in {study.identical} more both systems wrote the same text"
    return {
        f"What raters prefer, beside the paper's Table 2; intervals are over pictures. {asked}": beside_paper(
            preferences, published_table("twitter-table2"), PAPERS_COMPARISONS
        ),
        "How far raters agree": analysis.agreement_table(named, options.seed),
        "How each rater rates": analysis.rater_table(named),
        "Answers that do not count, by reason": kept.exclusions(),
    }


def audit_tables(merged: Answers) -> dict[str, pd.DataFrame]:
    """Title -> table of what an audit says."""
    from altlib.evaluation.study.audit import audit_table

    return {
        "The audit beside the paper's; each picture counts once": audit_table(merged),
        "Answers that do not count, by reason": merged.exclusions(),
    }


def as_text(tables: dict[str, pd.DataFrame]) -> str:
    """The tables for a terminal; control characters of raters' names are escaped."""
    parts = []
    for title, table in tables.items():
        shown = table.to_string(index=False, float_format=lambda value: f"{value:.1f}", na_rep="-")
        parts.append(f"{title}\n{'nothing' if table.empty else printable(shown)}\n")
    return "\n".join(parts)


def printable(text: str) -> str:
    """Text whose control characters, but for ends of lines, cannot change the terminal."""
    return "".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in text)


def as_json(tables: dict[str, pd.DataFrame]) -> str:
    """The tables as JSON: title -> rows."""
    rows = {
        title: table.astype(object).where(table.notna(), None).to_dict("records") for title, table in tables.items()
    }
    return json.dumps(rows, indent=2, ensure_ascii=False) + "\n"
