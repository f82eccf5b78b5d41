"""A study as one HTML file: offline, by keyboard alone, with a screen reader.

All that is needed lies in the file. Answers are kept by the browser as they are given, so a closed
tab loses nothing; the last page saves them as JSON and as CSV (:mod:`altlib.evaluation.study.answers`
reads both). No answer leaves the rater's machine otherwise. If the address of the page carries
``PROLIFIC_PID`` or ``workerId``, that is the rater's name.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment

from altlib.core.errors import PictureError
from altlib.core.files import write_text
from altlib.core.images import data_uri, open_picture
from altlib.core.templates import html_templates
from altlib.evaluation.study.questionnaire import Study

SHOWN_WIDTH = 320  # CSS pixels of a picture on the page
SHOWN_TEXT = 2000  # characters of a text on the page


def shown_picture(image: str) -> tuple[str, str]:
    """A picture as a ``data:`` address, or an empty one and the reason why it cannot be shown."""
    try:
        return data_uri(open_picture(image, longest=2 * SHOWN_WIDTH)), ""
    except PictureError as error:
        return "", error.reason


def study_page(study: Study, completion_code: str = "") -> str:
    """The page of a study; all text of posts is escaped.

    Args:
        study: The study.
        completion_code: Shown at the end, for a platform that asks raters for one.
    """
    items: list[dict[str, Any]] = []
    for item in study.items:
        picture, problem = shown_picture(item.image)
        texts = [(label, text[:SHOWN_TEXT]) for label, text in zip(study.labels, item.texts, strict=True)]
        items.append(
            {"id": item.item_id, "post": item.post[:SHOWN_TEXT], "texts": texts}
            | {"picture": picture, "problem": problem}
        )
    return (
        templates()
        .get_template("study.html.jinja")
        .render(study=study, items=items, width=SHOWN_WIDTH, completion_code=completion_code)
    )


def templates() -> Environment:
    """The templates of this folder."""
    return html_templates("altlib.evaluation", "study")


def write_page(study: Study, path: Path, completion_code: str = "") -> None:
    """Write :func:`study_page`, whole or not at all."""
    write_text(path, study_page(study, completion_code))
