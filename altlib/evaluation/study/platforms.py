"""A study in the layouts that Mechanical Turk and Prolific import.

Both show pictures by address only, so the pictures are written to a folder under names that tell
nothing, to be put on any web server. Prolific's task builder shows every column of a dataset but
those whose names begin with ``META_``, which come back with each response; which question a response
answers is told by the value of the chosen option, so the questions are to be given to the task
builder with the options and values of ``prolific-questions.json``.
"""

from __future__ import annotations

import csv
import html
import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from altlib.core.errors import PictureError
from altlib.core.files import whole_file, write_json, write_text
from altlib.core.images import open_picture
from altlib.evaluation.study.page import templates
from altlib.evaluation.study.questionnaire import Study, StudyItem, spreadsheet_safe

LONGEST = 1024  # pixels of a picture's longer side
PROLIFIC_ITEM = "META_item_id"
PROLIFIC_VALUE = "."  # between the question and the answer in the value of an option


@dataclass(frozen=True)
class PlatformFiles:
    """What :func:`write_platforms` wrote.

    Attributes:
        pictures: Folder of the pictures, to be put on a web server.
        turk_template: Mechanical Turk: the HTML of a task, for "Design Layout".
        turk_batch: Mechanical Turk: the CSV file of a batch.
        prolific_dataset: Prolific: the CSV file of a dataset for its task builder.
        prolific_questions: Prolific: the questions with the values of their options.
        left_out: Items whose picture cannot be read.
    """

    pictures: Path
    turk_template: Path
    turk_batch: Path
    prolific_dataset: Path
    prolific_questions: Path
    left_out: list[str]


def column_name(label: str) -> str:
    """``"Text A"`` -> ``"text_a"``."""
    return re.sub(r"\W+", "_", label.lower()).strip("_")


def check_address(pictures_url: str) -> None:
    """Check the address of the pictures.

    Raises:
        ValueError: That is no web address that platforms show pictures from.
    """
    if not re.match(r"https://[^/\s]+", pictures_url):
        raise ValueError(f"pictures_url must begin with https://, unlike {pictures_url!r}: platforms show nothing else")


def write_platforms(study: Study, folder: Path, pictures_url: str) -> PlatformFiles:
    """Write the files of both platforms.

    Mechanical Turk puts values into the HTML as they are, so in its batch they are escaped.

    Args:
        study: The study.
        folder: Where the files are written.
        pictures_url: The address under which the pictures will be, such as ``https://example.org/study``.

    Raises:
        ValueError: That is no web address.
    """
    check_address(pictures_url)
    items, left_out = [], []
    for item in study.items:
        try:
            picture = open_picture(item.image, longest=LONGEST)
        except PictureError:
            left_out.append(item.item_id)
            continue
        with whole_file(folder / "pictures" / f"{item.item_id}.jpg") as part:
            picture.save(part, format="JPEG", quality=90)  # saved anew, it has no metadata
        items.append(item)
    files = PlatformFiles(
        folder / "pictures",
        folder / "mturk-template.html",
        folder / "mturk-batch.csv",
        folder / "prolific-dataset.csv",
        folder / "prolific-questions.json",
        left_out,
    )
    columns = ["item_id", "picture_url", "post", *map(column_name, study.labels)]

    def rows(clean: bool) -> list[list[str]]:
        return [
            [html.escape(cell) if clean else spreadsheet_safe(cell) for cell in cells(item, pictures_url)]
            for item in items
        ]

    write_csv(files.turk_batch, columns, rows(clean=True))
    write_csv(files.prolific_dataset, [PROLIFIC_ITEM, *columns[1:]], rows(clean=False))
    write_json(files.prolific_questions, prolific_questions(study))
    page = templates().get_template("mturk.html.jinja").render(study=study, columns=columns[3:])
    write_text(files.turk_template, page)
    return files


def prolific_questions(study: Study) -> list[dict[str, Any]]:
    """The questions as Prolific's task builder describes them; the value of an option names its question, too."""
    return [
        {
            "type": "multiple_choice",
            "description": question.text,
            "options": [
                {"label": label, "value": f"{question.key}{PROLIFIC_VALUE}{value}"}
                for value, label in question.choices.items()
            ],
        }
        for question in study.questions
    ]


def cells(item: StudyItem, pictures_url: str) -> list[str]:
    """What a row says about an item."""
    return [item.item_id, f"{pictures_url.rstrip('/')}/{item.item_id}.jpg", item.post, *item.texts]


def write_csv(path: Path, columns: list[str], rows: list[list[str]]) -> None:
    """Write a CSV file, whole or not at all."""
    text = io.StringIO()
    csv.writer(text).writerows([columns, *rows])
    write_text(path, text.getvalue())
