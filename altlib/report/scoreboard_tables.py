"""The living index as tables and sentences (chapter 11)."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from IPython.display import HTML

from altlib.evaluation.claim_verdicts import FAILS, HOLDS, INCOMPARABLE, NOT_RUN, UNDECIDED
from altlib.evaluation.scoreboard import VERDICTS, Entry
from altlib.published.index.reading import Work
from altlib.report.figures import as_html

NAMED = re.compile("“[^”]*”")
SMALL = 0.01  # numbers below it are shown with four decimals


def count_table(entries: Sequence[Entry], works: Mapping[str, Work]) -> pd.DataFrame:
    """How many entries of each work have which verdict, one row per work, and one for all."""
    rows: list[dict[str, Any]] = [
        {"work": name} | {verdict: sum(e.verdict == verdict for e in found) for verdict in VERDICTS}
        for name, found in [*by_work(entries, works).items(), ("all", list(entries))]
    ]
    return pd.DataFrame([row | {"together": sum(row[v] for v in VERDICTS)} for row in rows])


def by_work(entries: Sequence[Entry], works: Mapping[str, Work]) -> dict[str, list[Entry]]:
    """The entries by the name of their work, in the order of the works."""
    return {work.name: [e for e in entries if e.work == key] for key, work in works.items()}


def findings(entries: Sequence[Entry]) -> list[str]:
    """What the index says of a run, in sentences."""
    claims = [e for e in entries if e.kind == "claim"]
    numbers = [e for e in entries if e.kind == "number"]
    said = [f"Of {len(claims)} claims of the five works, {in_counts(claims)}."]
    said.append(
        "Where a claim does not hold, the whole interval of some comparison says the opposite; where it is undecided, "
        "this run is too small to tell."
    )
    said.append(f"Of {len(numbers)} published numbers, {in_counts(numbers)}.")
    return said


def in_counts(entries: Sequence[Entry]) -> str:
    """How many entries have which verdict, as words."""
    words = {
        HOLDS: ("holds", "hold"),
        FAILS: ("does not hold", "do not hold"),
        UNDECIDED: ("is undecided", "are undecided"),
        INCOMPARABLE: ("cannot be compared", "cannot be compared"),
        NOT_RUN: ("was not run", "were not run"),
    }
    number = {verdict: sum(e.verdict == verdict for e in entries) for verdict in words}
    counts = [f"{number[verdict]} {forms[number[verdict] != 1]}" for verdict, forms in words.items()]
    return f"{', '.join(counts[:-1])} and {counts[-1]}"


def reason_table(entries: Sequence[Entry]) -> pd.DataFrame:
    """Why entries are not compared or were not run, the most frequent reason first.

    Reasons that differ only in what they name in “quotation marks” count as one, which names the first.
    """
    reasons = pd.Series([e.reason for e in entries if e.verdict in (INCOMPARABLE, NOT_RUN)], dtype=object)
    kind = reasons.str.replace(NAMED, "“…”", regex=True)
    found = reasons.groupby(kind, sort=False)
    shown = [
        reasons_of.iloc[0] if reasons_of.nunique() == 1 else NAMED.sub(r"\g<0> and the like", reasons_of.iloc[0], 1)
        for _, reasons_of in found
    ]
    table = pd.DataFrame({"reason": shown, "entries": found.size().to_numpy()})
    return table.sort_values("entries", ascending=False, kind="stable").reset_index(drop=True)


def short(value: float) -> str:
    """A number with three significant digits or so, at most four decimals; a dash for none."""
    if not math.isfinite(value):
        return "–"
    digits = 0 if abs(value) >= 1000 else 1 if abs(value) >= 100 else 2 if abs(value) >= SMALL else 4
    return "0" if round(value, digits) == 0 else f"{value:,.{digits}f}"


def with_interval(entry: Entry) -> str:
    """This run's number with its interval as text; where a ratio may divide by 0, the interval has no upper limit."""
    if math.isnan(entry.low):
        return short(entry.value)
    if math.isinf(entry.high):
        return f"{short(entry.value)} [{short(entry.low)} or more]"
    return f"{short(entry.value)} [{short(entry.low)}, {short(entry.high)}]"


def claim_table(entries: Sequence[Entry], caption: str) -> HTML:
    """Claims with their verdicts, the deciding comparison, the length of the texts and a link to the cell.

    Args:
        entries: Claims.
        caption: What stands above the table.
    """
    rows = [
        [
            f"{html.escape(e.statement)} <small>({html.escape(e.place)})</small>",
            f"<strong>{e.verdict}</strong>. {html.escape(e.reason)}",
            f"{with_interval(e)}<br><small>{html.escape(e.compared)}</small>" if e.compared else "–",
            short(e.words),
            link(e),
        ]
        for e in entries
    ]
    head = ["the claim", "verdict and reason", "this run [95%]", "words", "shown in"]
    return as_html(table_of(caption, head, rows))


def number_table(entries: Sequence[Entry], caption: str) -> HTML:
    """Published numbers beside this run's, folded; reasons that several rows share stand once below.

    Args:
        entries: Numbers.
        caption: What stands above the table.
    """
    reasons = {reason: place for place, reason in enumerate(dict.fromkeys(e.reason for e in entries), start=1)}
    rows = [
        [
            f"{html.escape(e.statement)} <small>({html.escape(e.place)})</small>",
            html.escape(e.paper),
            with_interval(e),
            short(e.words),
            f"{e.verdict} ({reasons[e.reason]})",
            link(e),
        ]
        for e in entries
    ]
    head = ["the number", "the work's", "this run [95%]", "words", "verdict (reason)", "shown in"]
    notes = "".join(f"<li>{html.escape(reason)}</li>" for reason in reasons)
    return as_html(
        f"<details><summary>{html.escape(caption)}</summary>{table_of(caption, head, rows)}"
        f"<p>Reasons:</p><ol>{notes}</ol></details>"
    )


def link(entry: Entry) -> str:
    """A link to the cell that shows an entry's number."""
    chapter = entry.chapter.partition("-")[0]
    return f'<a href="{html.escape(entry.link)}">{chapter}, {html.escape(entry.cell.replace("-", " "))}</a>'


def table_of(caption: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """An accessible table of HTML cells; the first of each row is its header.

    Args:
        caption: What stands above the table.
        head: Names of the columns.
        rows: Cells as HTML, with the texts in them escaped.
    """
    columns = "".join(f'<th scope="col" style="text-align:left">{html.escape(name)}</th>' for name in head)
    body = "".join(
        f'<tr><th scope="row" style="text-align:left;font-weight:normal">{first}</th>'
        + "".join(f'<td style="text-align:left">{text}</td>' for text in rest)
        + "</tr>"
        for first, *rest in rows
    )
    label = html.escape(caption)
    return (
        f'<div style="overflow-x:auto" tabindex="0" role="region" aria-label="{label}"><table class="table">'
        f'<caption style="caption-side:top;text-align:left">{label}</caption>'
        f"<thead><tr>{columns}</tr></thead><tbody>{body}</tbody></table></div>"
    )
