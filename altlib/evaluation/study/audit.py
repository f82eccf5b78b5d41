"""The audit of alt-text quality (Twitter paper, section 4): a sheet or a page to fill in, and its report."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path
from random import Random

import pandas as pd

from altlib.core.errors import StudyError
from altlib.core.files import write_text
from altlib.core.measured import Results, of_share
from altlib.core.statistics import proportion_interval
from altlib.evaluation.study.answers import Answers, Expected, merge_answers
from altlib.evaluation.study.folder import write_audit
from altlib.evaluation.study.questionnaire import (
    CRITERIA,
    Question,
    Study,
    StudyItem,
    spreadsheet_safe,
    unprefixed,
)

CHOICES = {"yes": "Yes", "no": "No"}
QUESTIONS = {"fluent": "Is it fluently written?", "descriptive": "Does it literally describe what is shown?"}
SHEET = ("item_id", "rater", *QUESTIONS, "post", "alt_text", "image")
PAPER = {"fluent": 94.1, "descriptive": 86.0}  # % of yes (section 4)
INTRODUCTION = (
    "Each picture was posted with the alt text below it. Say whether the alt text is fluent, and whether it contains "
    "some literal description of what the picture shows."
)


def draw_sample(posts: pd.DataFrame, size: int, seed: int) -> pd.DataFrame:
    """``size`` random rows of ``posts`` (all if there are fewer), in random order.

    Each post's place in the order depends on nothing but its name and the seed. So a post that leaves
    the corpus takes no other post out of the sample, and what raters said of the others still counts.
    """
    place = posts["item_id"].map(lambda item: Random(f"audit/{seed}/{item}").random())
    return posts.loc[place.sort_values(kind="stable").index[:size]].reset_index(drop=True)


def audit_study(sample: pd.DataFrame) -> Study:
    """The audit of a sample, for any front end."""
    items = tuple(
        StudyItem(str(post.item_id), str(post.image), str(post.text), (str(post.alt_text),))
        for post in sample.itertuples()
    )
    questions = tuple(Question(key, text, CHOICES) for key, text in QUESTIONS.items())
    return Study("audit", "Audit of alt text", INTRODUCTION, CRITERIA, ("Alt text",), questions, items)


def write_sheet(sample: pd.DataFrame, folder: Path) -> tuple[Path, Path]:
    """Write the audit of ``sample`` in two forms: a CSV file to fill in and a web page.

    Answers that the CSV file holds already stay in it.

    Returns:
        The paths of ``audit.csv``, which has empty columns for the answers, and of ``audit.html``,
        which shows the pictures and saves the answers. All text of posts is escaped in both. The keys
        beside them are for ``altlib study report``.
    """
    sheet, page = folder / "audit.csv", folder / "audit.html"
    rows = io.StringIO()
    writer = csv.writer(rows)
    writer.writerow(SHEET)
    filled = filled_rows(sheet)
    for post in sample.itertuples():
        given = filled.pop(str(post.item_id), {"rater": "sheet"})
        answers = [given.get(question, "") for question in QUESTIONS]
        cells = (post.item_id, given["rater"], *answers, post.text, post.alt_text, post.image)
        writer.writerow([spreadsheet_safe(str(cell)) for cell in cells])
    writer.writerows([spreadsheet_safe(row[name]) for name in SHEET] for row in filled.values())
    write_text(sheet, rows.getvalue())
    write_audit(audit_study(sample), folder)
    return sheet, page


def filled_rows(sheet: Path) -> dict[str, dict[str, str]]:
    """The rows of a CSV file of an audit that have an answer, by item; none if there is no such file.

    Raises:
        StudyError: The file is no sheet of an audit, so it must not be overwritten.
    """
    if not sheet.is_file():
        return {}
    try:
        read = list(csv.DictReader(io.StringIO(sheet.read_text(encoding="utf-8-sig"), newline="")))
    except (UnicodeDecodeError, csv.Error) as error:
        raise StudyError(f"{sheet} cannot be read ({error}); move it elsewhere, or save it as CSV in UTF-8") from error
    if read and (missing := sorted({"item_id", "rater", *QUESTIONS} - set(read[0]))):
        raise StudyError(f"{sheet} lacks the columns {', '.join(missing)}; move it elsewhere")
    rows = [{name: unprefixed(row.get(name) or "") for name in SHEET} for row in read]
    return {row["item_id"]: row for row in rows if any(row[question].strip() for question in QUESTIONS)}


def report(answers: Iterable[Path], sample: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What filled-in sheets and saved answers of the page say, beside the paper.

    Args:
        answers: Files of one rater or several.
        sample: What was audited.

    Returns:
        One row per question: question, answers, pictures, raters, "yes (%)", "low (%)" and "high (%)"
        (95% Wilson interval over pictures, each of which counts once, by the majority of its raters; ties
        count for no), and "paper (%)"; and how many answers were left out, by reason.

    Raises:
        ValueError: A file is no file of answers.
    """
    merged = merge_answers(answers, Expected.of([audit_study(sample)]))
    return audit_table(merged), merged.exclusions()


def audit_table(merged: Answers) -> pd.DataFrame:
    """The first table of :func:`report`, from answers that count."""
    rows = []
    for key, question in QUESTIONS.items():
        given = merged.frame[merged.frame["question"] == key]
        by_picture = (given["answer"] == "yes").groupby(given["item_id"]).mean() > 0.5
        low, high = proportion_interval(int(by_picture.sum()), len(by_picture))
        rows.append(
            {
                "question": question,
                "answers": len(given),
                "pictures": len(by_picture),
                "raters": given["rater"].nunique(),
                "yes (%)": 100 * float(by_picture.mean()) if len(by_picture) else None,
                "low (%)": 100 * low,
                "high (%)": 100 * high,
                "paper (%)": PAPER[key],
            }
        )
    return pd.DataFrame(rows)


def audit_measures(found: pd.DataFrame) -> Results:
    """The shares of :func:`audit_table`, for the living index."""
    names = {QUESTIONS["fluent"]: "that are fluent", QUESTIONS["descriptive"]: "with a literal description"}
    return {
        (f"audited alt texts {names[row['question']]}", "value"): of_share(
            round(row["yes (%)"] / 100 * row["pictures"]), int(row["pictures"]), "pictures"
        )
        for _, row in found.iterrows()
        if row["pictures"]
    }
