"""Alt text for many pictures: from a file, a folder or a table into a CSV file, resumably."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from pathlib import Path

from altlib.core.files import write_text
from altlib.core.images import picture_problem
from altlib.core.progress import progress_bar
from altlib.data.sources.fields import KNOWN_AS
from altlib.evaluation.study.questionnaire import spreadsheet_safe, unprefixed
from altlib.generation.prompting import Described, Picture, Writer

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff")
COLUMNS = ("image", "post", "alt_text", "problem", "by")


def pictures_of(path: Path, post: str = "") -> list[Picture]:
    """The pictures that a path names.

    Args:
        path: A picture, a folder of pictures, or a CSV file with a column of pictures (relative to the file) and,
            if wanted, one of posts.
        post: The post of all of them, where a CSV file gives none.

    Raises:
        ValueError: There are none.
    """
    if path.is_dir():
        found = [Picture(str(p), post) for p in sorted(path.iterdir()) if p.suffix.lower() in SUFFIXES]
    elif path.suffix.lower() == ".csv":
        found = pictures_of_table(path, post)
    else:
        return [Picture(str(path), post)]
    if not found:
        raise ValueError(f"{path} names no pictures")
    return found


def pictures_of_table(path: Path, post: str) -> list[Picture]:
    """The pictures of a CSV file; raises as :func:`pictures_of`."""
    try:
        rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline="")))
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not a text file in UTF-8") from error
    columns = list(rows[0]) if rows else []
    image, text = (next((c for c in KNOWN_AS[field] if c in columns), None) for field in ("image", "text"))
    if image is None:
        raise ValueError(f"{path} has no column of pictures; call it one of {', '.join(KNOWN_AS['image'])}")
    return [
        Picture(str(path.parent / unprefixed(row[image])), unprefixed((text and row[text]) or "") or post)
        for row in rows
        if row[image]
    ]


def describe_all(
    pictures: Sequence[Picture],
    write: Writer,
    by: str,
    output: Path | None = None,
    chunk: int = 32,
    say: Callable[[str], None] = lambda _: None,
) -> list[Described]:
    """Write alt text for pictures, some at a time.

    Args:
        pictures: The pictures.
        write: Who writes.
        by: What identifies the writer and what is asked of it; texts by another are written anew.
        output: CSV file that is brought up to date after every chunk. What it holds already is not written again.
        chunk: Pictures at a time.
        say: Told when texts are taken from the output.

    Returns:
        For each picture its alt text, or why there is none: a picture that cannot be read is no reason to stop.
    """
    done: dict[int, Described] = {}
    known = read_output(output, by) if output else {}
    for place, picture in enumerate(pictures):
        if text := known.get((picture.image, picture.post)):
            done[place] = Described(text)
    if done:
        say(f"{len(done):,} of {len(pictures):,} pictures have their alt text in {output} already")
    waiting = [place for place in range(len(pictures)) if place not in done]
    with progress_bar(total=len(waiting), desc="alt text", unit=" pictures") as bar:
        for start in range(0, len(waiting), chunk):
            places = waiting[start : start + chunk]
            problems = {place: picture_problem(pictures[place].image) for place in places}
            done |= {place: Described(problem=problem) for place, problem in problems.items() if problem}
            usable = [place for place in places if not problems[place]]
            if usable:
                done.update(zip(usable, write([pictures[place] for place in usable]), strict=True))
            if output:
                write_output(output, pictures, done, by)
            bar.update(len(places))
    return [done[place] for place in range(len(pictures))]


def read_output(output: Path, by: str) -> dict[tuple[str, str], str]:
    """The alt texts in a CSV file by picture and post, those by this writer; none if there is no file.

    Raises:
        ValueError: The file is another kind of table, which must not be overwritten.
    """
    if not output.is_file():
        return {}
    reader = csv.DictReader(io.StringIO(output.read_text(encoding="utf-8"), newline=""))
    if tuple(reader.fieldnames or ()) != COLUMNS:
        raise ValueError(f"{output} is there already and is no table of alt texts; choose another name")
    rows = [{column: unprefixed(value or "") for column, value in row.items()} for row in reader]
    return {(row["image"], row["post"]): row["alt_text"] for row in rows if row["by"] == by}


def write_output(output: Path, pictures: Sequence[Picture], done: dict[int, Described], by: str) -> None:
    """Write what is done, in the order of the pictures, so that no cell is a formula."""
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(COLUMNS)
    for place in sorted(done):
        cells = (pictures[place].image, pictures[place].post, done[place].text, done[place].problem, by)
        table.writerow([spreadsheet_safe(cell) for cell in cells])
    write_text(output, text.getvalue())
