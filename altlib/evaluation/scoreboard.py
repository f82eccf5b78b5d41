"""The living index: each number and each claim of the five works beside what a run measured, with a verdict.

A claim holds only if the whole 95% interval of the run's difference, ratio or number says so, and is undecided if
the interval says neither that nor the opposite. A number holds if it lies within the run's interval, and is compared
only where corpus and models are the work's own.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from altlib.core.files import read_json
from altlib.core.measured import Results, read_measured
from altlib.evaluation.claim_verdicts import (
    FAILS,
    HOLDS,
    INCOMPARABLE,
    NOT_RUN,
    UNDECIDED,
    decide,
    find,
    missing,
    steps_of,
    weakest,
)
from altlib.published.index.reading import Claim, PublishedNumber, Work, claims, numbers, works

VERDICTS = (HOLDS, FAILS, UNDECIDED, INCOMPARABLE, NOT_RUN)
FOLDER = "results/measured"  # of a run


@dataclass(frozen=True)
class Entry:
    """A number or claim of a work beside this run's.

    Attributes:
        id: A name of its own.
        kind: ``number`` or ``claim``.
        work: Key of the work.
        place: Where the work says it.
        statement: What it says.
        paper: The work's number as text; empty for a claim.
        value: This run's number, difference or ratio; NaN without one.
        low: Lower limit of its 95% interval; NaN without one.
        high: Upper limit.
        words: Mean words of the texts that were scored; NaN where it is not of texts.
        compared: What value and interval are of.
        verdict: One of :data:`VERDICTS`.
        reason: Why, as a sentence.
        chapter: The notebook that measures it.
        cell: The cell that shows it.
    """

    id: str
    kind: str
    work: str
    place: str
    statement: str
    paper: str
    value: float
    low: float
    high: float
    words: float
    compared: str
    verdict: str
    reason: str
    chapter: str
    cell: str

    @property
    def link(self) -> str:
        """Where the book shows it, relative to its pages."""
        return f"{self.chapter}.html#{self.cell}"


def read_run(run: Path) -> dict[str, Results]:
    """What the chapters of a run measured, by notebook; chapters that have not run are not in it."""
    return {path.stem: read_measured(path) for path in sorted((run / FOLDER).glob("*.parquet"))}


def unlike(work: Work, parameters: Mapping[str, Mapping[str, Any]]) -> str:
    """Which conditions for comparing numbers a run does not meet, as words; empty if it meets all.

    Args:
        work: The work.
        parameters: Of the run, by chapter; empty where no run recorded any, as in JupyterLab.
    """
    if not parameters:
        return "no parameters are recorded, as the chapters were executed one by one"
    found = []
    for name, wanted in work.comparable.items():
        chapter, _, parameter = name.partition(".")
        value = parameters.get(chapter, {}).get(parameter, "")
        shown = ", ".join(value) if isinstance(value, list) else str(value)
        met = shown != wanted.removeprefix("not ") if wanted.startswith("not ") else shown == wanted
        if not met:
            has = "data of its own" if wanted.startswith("not ") else wanted
            found.append(f"{name} is {shown or 'empty'}, the work has {has}")
    return "; ".join(found)


def number_entry(number: PublishedNumber, run: Mapping[str, Results], differs: str, work: Work) -> Entry:
    """A published number beside this run's.

    Args:
        number: The number.
        run: What the run measured, by notebook.
        differs: From :func:`unlike`.
        work: The number's work.
    """
    measured = find(run.get(number.chapter, {}), number.subject, number.measure, work.stand_ins)
    low, high = measured.interval if measured else (math.nan, math.nan)
    half = 0.0 if math.isnan(number.half) else number.half
    if number.lacking:
        verdict, reason = INCOMPARABLE, f"No run has it: {number.lacking}."
    elif measured is None:
        verdict, reason = NOT_RUN, missing(number.chapter, run, number.needs)
    elif differs:
        verdict, reason = INCOMPARABLE, f"Other data or models: {differs}."
    elif math.isnan(low):
        verdict, reason = INCOMPARABLE, "This run's number has no interval."
    else:
        inside = low - half <= number.value <= high + half
        verdict = HOLDS if inside else FAILS
        reason = f"The work's number lies {'inside' if inside else 'outside'} this run's interval."
    return Entry(
        number.key,
        "number",
        number.work,
        number.place,
        f"{number.row}: {number.column}",
        f"{number.value:g}" + (f" ± {half:g}" if half else ""),
        measured.value if measured else math.nan,
        low,
        high,
        measured.words if measured else math.nan,
        f"{number.subject}: {number.measure}",
        verdict,
        reason,
        number.chapter,
        number.cell,
    )


def claim_entry(claim: Claim, run: Mapping[str, Results], work: Work) -> Entry:
    """A claim beside this run's numbers."""
    results = run.get(claim.chapter, {})
    steps = steps_of(claim, results, work.stand_ins)
    subject = find(results, claim.subject, claim.measures[0], work.stand_ins) if claim.measures else None
    verdict, reason = decide(claim, steps, run)
    decisive = weakest(steps)
    return Entry(
        claim.id,
        "claim",
        claim.work,
        claim.place,
        claim.statement,
        "",
        decisive.value if decisive else math.nan,
        decisive.low if decisive else math.nan,
        decisive.high if decisive else math.nan,
        subject.words if subject else math.nan,
        decisive.compared if decisive else "",
        verdict,
        reason,
        claim.chapter,
        claim.cell,
    )


def index_of_run(run: Path) -> list[Entry]:
    """Every number and every claim of the works beside what a run measured.

    Args:
        run: The run's folder.
    """
    recorded = run / "parameters.json"
    known = read_json(recorded) if recorded.is_file() else {}
    measured, by_key = read_run(run), works()
    differs = {key: unlike(work, known) for key, work in by_key.items()}
    entries = [claim_entry(claim, measured, by_key[claim.work]) for claim in claims()]
    return entries + [number_entry(n, measured, differs[n.work], by_key[n.work]) for n in numbers()]


def records(entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """The entries as JSON and CSV have them; what is not a number is None."""
    rows = [asdict(entry) | {"link": entry.link} for entry in entries]
    return [{k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in row.items()} for row in rows]


def as_csv(entries: Iterable[Entry]) -> str:
    """The entries as a CSV file; what is not a number is empty."""
    import pandas as pd

    return pd.DataFrame(records(entries)).to_csv(index=False)
