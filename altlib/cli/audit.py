"""``altlib audit``: list poor alt text of posts or of pages, with the reason and a suggestion."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from altlib.evaluation.poor_alt_text import Finding


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the command and its arguments."""
    parser = commands.add_parser(
        "audit",
        help="list poor alt text of posts (.jsonl) or of HTML and Markdown pages",
        epilog="The exit status is 1 if there is an error or a warning; notes alone leave it 0.",
    )
    parser.add_argument("path", type=Path, help="a .jsonl file of posts, a page, or a folder of pages")
    parser.add_argument(
        "--run", type=Path, default=None, help="for posts: also judge by the models of this run, which see the pictures"
    )
    parser.add_argument("--worst", type=int, default=0, metavar="N", help="show the N worst pictures only (0: all)")
    parser.add_argument("--format", choices=["text", "json", "sarif"], default="text", help="(default: %(default)s)")
    parser.add_argument("--output", type=Path, default=None, help="the file to write (default: standard output)")
    parser.set_defaults(carry_out=audit)


Found = tuple[str, int, str, str, list["Finding"]]  # file, line (0: not known), picture, alt text, what is wrong


def audit(options: argparse.Namespace) -> int:
    """Judge the alt text, show what is poor; returns 1 if there is an error or a warning."""
    from altlib.core.files import write_text

    if options.worst < 0:
        raise ValueError("--worst must be 0 or more")
    if not options.path.exists():
        raise FileNotFoundError(
            f"{options.path} does not exist; give a .jsonl file of posts, a page or a folder of pages"
        )
    of_posts = options.path.suffix == ".jsonl"
    if options.run and not of_posts:
        raise ValueError("--run judges posts: give a .jsonl file of posts")
    found, checked = posts_found(options.path, options.run) if of_posts else pages_found(options.path)
    poor = [picture for picture in found if picture[4]]
    shown = poor[: options.worst] if options.worst else poor
    text = FORMATS[options.format](shown, checked)
    if options.output:
        write_text(options.output, text)
    else:
        print(text, end="")
    said = f"{checked:,} pictures, {len(poor):,} with poor alt text"
    print(f"altlib audit: {said}; {len(shown):,} are shown", file=sys.stderr)
    return int(any(finding.level != "note" for picture in poor for finding in picture[4]))


def posts_found(path: Path, run: Path | None) -> tuple[list[Found], int]:
    """What is wrong with the alt texts of posts, the worst first, and how many there are."""
    from altlib.data.posts import as_posts
    from altlib.data.sources.jsonl import records
    from altlib.data.sources.registry import Request
    from altlib.evaluation.flagged_posts import flag, unusual_pictures

    request = Request(path.parent, str(path))
    posts = as_posts(list(records(request)))
    for record in request.unreadable:
        print(f"altlib audit: {record['item_id']}: {record['reason']}", file=sys.stderr)
    if posts.empty:
        raise ValueError(f"{path} holds no posts")
    if run is None:
        flagged = flag(posts)
    else:
        from altlib.evaluation.flagging_models import run_flagger

        flagger = run_flagger(run)
        say_miniature(flagger.models.clip.name)
        flagged = flag(posts, flagger)
        if said := unusual_pictures(flagged):
            print(f"altlib audit: {said}", file=sys.stderr)
    rows = posts.to_dict("records")
    return [(path.name, 0, rows[f.row]["item_id"], rows[f.row]["alt_text"], f.found) for f in flagged], len(posts)


def say_miniature(model: str) -> None:
    """Say on standard error what miniature models know, if ``model`` is one."""
    from altlib.models.miniature_notice import miniature_notice

    if notice := miniature_notice(model):
        print(f"altlib: {notice}", file=sys.stderr)


def pages_found(path: Path) -> tuple[list[Found], int]:
    """What is wrong with the alt texts of pages, in the pages' order, and how many pictures there are."""
    from altlib.evaluation.page_images import images_of, pages_in

    pages = pages_in(path)
    if not pages:
        raise ValueError(f"{path} holds no .html, .htm or .md files")
    root = path if path.is_dir() else path.parent
    images = [image for page in pages for image in images_of(page)]
    return [
        (i.page.relative_to(root).as_posix(), i.line, shortened(i.source), i.alt or "", i.findings()) for i in images
    ], len(images)


def shortened(source: str) -> str:
    """The address of a picture, cut short."""
    return source if len(source) <= 80 else f"{source[:77]}..."


def as_text(found: list[Found], checked: int) -> str:
    """For a terminal: one line for each thing that is wrong; control characters of texts are escaped."""
    lines = []
    for place, line, name, alt, wrong in found:
        where = f"{place}:{line}" if line else place
        lines.append(f"{where}: {printable(name)}: {printable(alt[:200]) or '(no alt text)'}")
        lines += [f"    {finding.level}: {finding.reason}. {finding.suggestion}" for finding in wrong]
    return "".join(f"{line}\n" for line in lines)


def printable(text: str) -> str:
    """A text whose control characters cannot change the terminal."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def as_json(found: list[Found], checked: int) -> str:
    """As JSON."""
    pictures = [
        {"file": place, "line": line or None, "picture": name, "alt_text": alt, "findings": [vars(f) for f in wrong]}
        for place, line, name, alt, wrong in found
    ]
    return dumped({"checked": checked, "poor": pictures})


def as_sarif(found: list[Found], checked: int) -> str:
    """As SARIF."""
    from altlib.evaluation.sarif import sarif

    return dumped(sarif((place, line, name, f) for place, line, name, _, wrong in found for f in wrong))


def dumped(value: Any) -> str:
    """A value as JSON text."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


FORMATS = {"text": as_text, "json": as_json, "sarif": as_sarif}
