"""The audit of alt-text quality (Twitter paper, section 4): a sheet to open, fill in and count."""

from __future__ import annotations

import csv
import html
import io
from pathlib import Path

import pandas as pd

from altlib.core.files import whole_file, write_text
from altlib.core.statistics import proportion_interval
from altlib.report.figures import picture_tag

QUESTIONS = {"fluent": "Is it fluently written?", "descriptive": "Does it literally describe what is shown?"}


FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would run a cell that begins so


def draw_sample(posts: pd.DataFrame, size: int, seed: int) -> pd.DataFrame:
    """``size`` random rows of ``posts`` (all if there are fewer), in random order."""
    return posts.sample(n=min(size, len(posts)), random_state=seed).reset_index(drop=True)


def spreadsheet_safe(text: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    return "'" + text if text.startswith(FORMULA) else text


def write_sheet(sample: pd.DataFrame, folder: Path) -> tuple[Path, Path]:
    """Write ``audit.csv``, with empty columns to fill in, and ``audit.html``, which shows the pictures and saves such a CSV.

    Returns both paths. All text of posts is escaped.
    """
    rows = io.StringIO()
    writer = csv.writer(rows)
    writer.writerow(["item_id", *QUESTIONS, "post", "alt_text", "image"])
    for post in sample.itertuples():
        writer.writerow(
            [
                spreadsheet_safe(str(v))
                for v in (post.item_id, *[""] * len(QUESTIONS), post.text, post.alt_text, post.image)
            ]
        )
    sheet, page = folder / "audit.csv", folder / "audit.html"
    with whole_file(sheet) as part:
        part.write_text(rows.getvalue(), encoding="utf-8")
    items = []
    for number, post in enumerate(sample.itertuples(), start=1):
        questions = "".join(
            f"<fieldset><legend>{html.escape(question)}</legend>"
            + "".join(
                f'<label><input type="radio" name="{key}-{number}" value="{answer}"> {answer}</label> '
                for answer in ("yes", "no")
            )
            + "</fieldset>"
            for key, question in QUESTIONS.items()
        )
        items.append(
            f'<section data-item="{html.escape(str(post.item_id))}"><h2>Picture {number} of {len(sample)}</h2>'
            f"{picture_tag(str(post.image), 'The picture to judge', 320)}<p><b>Post:</b> {html.escape(str(post.text)[:2000])}</p>"
            f"<p><b>Alt text:</b> {html.escape(str(post.alt_text)[:2000])}</p>{questions}</section>"
        )
    write_text(page, PAGE.replace("{items}", "\n".join(items)).replace("{keys}", ",".join(f'"{k}"' for k in QUESTIONS)))
    return sheet, page


PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Audit of alt text</title>
<style>body{font:1.1rem/1.5 sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem}section{border-top:2px solid #555;padding:1rem 0}
p{overflow-wrap:anywhere}fieldset{margin:.5rem 0}button{font-size:1.1rem;padding:.5rem 1rem}</style>
<h1>Audit of alt text</h1><p>Answer both questions for each picture, then save the answers as a CSV file.</p>
{items}
<button id="save">Save the answers</button>
<script>
document.getElementById("save").onclick = () => {
  const keys = [{keys}], rows = [["item_id", ...keys]];
  document.querySelectorAll("section").forEach((s, i) => rows.push([s.dataset.item, ...keys.map(
    k => (s.querySelector(`input[name="${k}-${i + 1}"]:checked`) || {value: ""}).value)]));
  const text = rows.map(r => r.map(v => '"' + v.replaceAll('"', '""') + '"').join(",")).join("\\n");
  const a = document.createElement("a");
  a.href = URL.createObjectURL(new Blob([text], {type: "text/csv"}));
  a.download = "audit-answers.csv";
  a.click();
};
</script></html>
"""


def summarise(answers: Path) -> pd.DataFrame:
    """Shares of yes with 95% Wilson intervals from a filled-in sheet; unanswered rows are counted apart.

    Raises ``ValueError`` if the file lacks a question or holds other answers than yes and no.
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
