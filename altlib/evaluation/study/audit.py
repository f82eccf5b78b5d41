"""The audit of alt-text quality (Twitter paper, section 4): a sheet to open, fill in and count."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined

from altlib.core.errors import PictureError
from altlib.core.files import whole_file, write_text
from altlib.core.images import data_uri, open_picture
from altlib.core.statistics import proportion_interval

QUESTIONS = {"fluent": "Is it fluently written?", "descriptive": "Does it literally describe what is shown?"}

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet runs a cell that begins with one of these

SHOWN_WIDTH = 320  # CSS pixels of a picture on the page

SHOWN_TEXT = 2000  # characters of a text on the page


def draw_sample(posts: pd.DataFrame, size: int, seed: int) -> pd.DataFrame:
    """``size`` random rows of ``posts`` (all if there are fewer), in random order."""
    return posts.sample(n=min(size, len(posts)), random_state=seed).reset_index(drop=True)


def spreadsheet_safe(text: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    return "'" + text if text.startswith(FORMULA) else text


def write_sheet(sample: pd.DataFrame, folder: Path) -> tuple[Path, Path]:
    """Write the audit of ``sample`` in two forms: a CSV file to fill in and a web page.

    Returns:
        The paths of ``audit.csv``, which has empty columns for the answers, and of ``audit.html``,
        which shows the pictures and saves such a CSV file. All text of posts is escaped in both.
    """
    sheet, page = folder / "audit.csv", folder / "audit.html"
    rows = io.StringIO()
    writer = csv.writer(rows)
    writer.writerow(["item_id", *QUESTIONS, "post", "alt_text", "image"])
    for post in sample.itertuples():
        cells = (post.item_id, *[""] * len(QUESTIONS), post.text, post.alt_text, post.image)
        writer.writerow([spreadsheet_safe(str(cell)) for cell in cells])
    with whole_file(sheet) as part:
        part.write_text(rows.getvalue(), encoding="utf-8")
    write_text(page, audit_page(sample))
    return sheet, page


def audit_page(sample: pd.DataFrame) -> str:
    """The page that shows each picture of ``sample`` with its texts and the questions, as HTML."""
    items = []
    for number, post in enumerate(sample.itertuples(), start=1):
        picture = problem = ""
        try:
            picture = data_uri(open_picture(str(post.image), longest=2 * SHOWN_WIDTH))
        except PictureError as error:
            problem = error.reason
        items.append(
            {
                "number": number,
                "cell": spreadsheet_safe(str(post.item_id)),  # the page writes it into a CSV file
                "text": str(post.text)[:SHOWN_TEXT],
                "alt_text": str(post.alt_text)[:SHOWN_TEXT],
                "picture": picture,
                "problem": problem,
            }
        )
    templates = Environment(
        loader=PackageLoader("altlib.evaluation", "study"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    return templates.get_template("audit.html.jinja").render(items=items, questions=QUESTIONS, width=SHOWN_WIDTH)


def summarise(answers: Path) -> pd.DataFrame:
    """Shares of yes in a filled-in sheet, with 95% Wilson intervals.

    Returns:
        One row per question with the columns question, answered, unanswered, "yes (%)", "low (%)"
        and "high (%)". The shares are of the answered rows.

    Raises:
        ValueError: The file lacks a question or holds other answers than yes and no.
    """
    frame = pd.read_csv(answers, dtype=str, keep_default_na=False)
    rows = []
    for key, question in QUESTIONS.items():
        if key not in frame:
            raise ValueError(f"{answers} lacks the column {key!r}")
        given = frame[key].str.strip().str.lower()
        odd = sorted(set(given) - {"yes", "no", ""})
        if odd:
            raise ValueError(f"{answers}: column {key!r} must hold yes or no, not {odd[0]!r}")
        yes, answered = int((given == "yes").sum()), int((given != "").sum())
        low, high = proportion_interval(yes, answered)
        rows.append(
            {
                "question": question,
                "answered": answered,
                "unanswered": len(frame) - answered,
                "yes (%)": 100 * yes / answered if answered else None,
                "low (%)": 100 * low,
                "high (%)": 100 * high,
            }
        )
    return pd.DataFrame(rows)
