"""The numbers and claims of the five works, each with where a run's number for it is found.

Numbers are those of the published tables (``*.csv`` in the folder above), found by ``tables.toml``;
claims are in ``claims/*.toml``, whose README says what the fields mean.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from altlib.published.tables import published_table

KINDS = ("higher", "lower", "ratio", "above", "below", "within", "no-higher", "close", "unmeasured")


@dataclass(frozen=True)
class Work:
    """One of the works.

    Attributes:
        key: Its short name.
        name: As readers are told.
        comparable: Conditions under which a run's numbers can be compared with its own: parameter -> value.
        stand_ins: What the miniature world has in place of something, by text in subjects and measures.
    """

    key: str
    name: str
    comparable: Mapping[str, str]
    stand_ins: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class PublishedNumber:
    """A number of a published table, and what measures it in a run.

    Attributes:
        key: A name of its own.
        work: Key of the work.
        place: Table, figure or section.
        row: What the number is of.
        column: What it measures there.
        value: The number.
        half: Half the width of its published interval; NaN without one.
        subject: Of a run's measured number.
        measure: Likewise.
        chapter: The notebook that measures it.
        cell: The cell that shows it.
        needs: What a run must set so that it is measured.
        lacking: Why no run has it; empty if one can.
    """

    key: str
    work: str
    place: str
    row: str
    column: str
    value: float
    half: float
    subject: str
    measure: str
    chapter: str
    cell: str
    needs: str
    lacking: str


@dataclass(frozen=True)
class Claim:
    """A claim in words, and how a run's numbers decide it; the fields are those of ``claims/README.md``."""

    id: str
    work: str
    place: str
    statement: str
    kind: str
    chapter: str
    cell: str
    subject: str = ""
    others: tuple[str, ...] = ()
    measures: tuple[str, ...] = ()
    limit: float = 0.0
    margin: float = 0.0
    relative: bool = False
    of: int = 0
    needs: str = ""
    lacking: str = ""


@cache
def works() -> dict[str, Work]:
    """The works by their keys."""
    return {key: Work(key, **fields) for key, fields in read_toml("works.toml").items()}


@cache
def claims() -> tuple[Claim, ...]:
    """All claims, work by work.

    Raises:
        ValueError: A claim has an unknown field or kind, or lacks what its kind needs.
    """
    found = []
    for work in works():
        for fields in read_toml("claims", f"{work}.toml")["claim"]:
            found.append(make_claim(work, fields))
    return tuple(found)


def make_claim(work: str, fields: Mapping[str, Any]) -> Claim:
    """A claim from its entry.

    Raises:
        ValueError: It has an unknown field or kind, or lacks what its kind needs; the message names it.
    """
    name = f"claim {fields.get('id', '?')!r} of {work}"
    lists: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in fields.items()}
    try:
        claim = Claim(work=work, **lists)
    except TypeError as error:
        raise ValueError(f"{name}: {error}; the fields are listed in altlib/published/index/claims/README.md") from None
    if claim.kind not in KINDS:
        raise ValueError(f"{name}: its kind {claim.kind!r} is none of {', '.join(KINDS)}")
    compares = claim.kind in ("higher", "lower", "ratio", "no-higher", "close")
    if claim.kind == "unmeasured" and not claim.lacking:
        raise ValueError(f"{name} cannot be decided, so it needs the field lacking")
    if claim.kind != "unmeasured" and not (claim.subject and claim.measures and (claim.others or not compares)):
        raise ValueError(f"{name}: the kind {claim.kind!r} needs subject and measures{' and others' * compares}")
    return claim


@cache
def numbers() -> tuple[PublishedNumber, ...]:
    """Every number of every published table, table by table; cells without a number are left out."""
    found = []
    for table, fields in read_toml("tables.toml").items():
        for _, row in published_table(table).iterrows():
            texts = {str(column): str(value) for column, value in row.items()}
            found += numbers_of_row(table, fields, texts)
    return tuple(found)


def numbers_of_row(table: str, fields: Mapping[str, Any], row: Mapping[str, str]) -> list[PublishedNumber]:
    """The numbers of one row of a published table.

    Args:
        table: Its name.
        fields: Its entry in ``tables.toml``.
        row: The row's texts by column.
    """
    columns = fields["measures"]
    aside = {*columns, *fields.get("words", [])}
    label = ", ".join(text for column, text in row.items() if column not in aside)
    subject = fields["subject"].format_map(row)
    found = []
    for column, measure in columns.items():
        if row[column] == "nan":
            continue
        known = fields.get("found", {})
        named = known.get(f"{label}, {column}") or known.get(label) or [subject, measure.format_map(row)]
        value, _, half = row[column].partition("±")
        found.append(
            PublishedNumber(
                key=f"{table}: {label}, {column}",
                work=fields["work"],
                place=fields["place"].format_map(row),
                row=label,
                column=row.get("unit", column) if column == "value" else column,
                value=float(value),
                half=float(half) if half else float("nan"),
                subject=named[0],
                measure=named[1],
                chapter=fields["chapter"],
                cell=fields["cell"],
                needs=fields.get("needs", ""),
                lacking=fields.get("lacking", {}).get(label, ""),
            )
        )
    return found


def read_toml(*path: str) -> dict[str, Any]:
    """A data file of this package."""
    return tomllib.loads(files(__package__).joinpath(*path).read_text(encoding="utf-8"))
