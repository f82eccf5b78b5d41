"""The numbers and claims of the works as data."""

from importlib.resources import files

import pandas as pd
import pytest

from altlib.published.index import reading
from altlib.published.tables import published_table

TABLES = sorted(p.name.removesuffix(".csv") for p in files("altlib.published").iterdir() if p.name.endswith(".csv"))
CLAIM = {"id": "x", "place": "p", "statement": "s", "kind": "above", "chapter": "c", "cell": "d", "subject": "a"}


@pytest.mark.parametrize("name", TABLES)
def test_every_row_of_every_published_table_is_in_the_index(name):
    """A row has an entry for each of its columns that holds a number."""
    table = published_table(name)
    measured = reading.read_toml("tables.toml")[name]["measures"]
    for column in table.columns:
        values = table[column].dropna().astype(str).str.partition("±")[0]
        is_number = pd.to_numeric(values, errors="coerce").notna().all()
        assert (column in measured) == is_number, column
    found = [n for n in reading.numbers() if n.key.startswith(f"{name}: ")]
    assert len(found) == int(table[list(measured)].notna().sum().sum())


def test_every_number_and_claim_has_a_name_of_its_own():
    names = [n.key for n in reading.numbers()] + [c.id for c in reading.claims()]
    assert len(set(names)) == len(names)


def test_every_work_has_claims_and_numbers():
    assert {c.work for c in reading.claims()} == {n.work for n in reading.numbers()} == set(reading.works())


def test_an_uncertain_number_keeps_half_the_width_of_its_interval():
    number = next(n for n in reading.numbers() if n.key == "clip-figure2a: behavioural, through, concreteness")
    assert (number.value, number.half) == (0.24, 0.08)


def test_a_number_that_a_run_may_fail_to_find_says_what_it_needs():
    key = "self-supervised-text: labelled pictures that suffice to start from, value"
    assert "from which the self-supervised stage raises RefCompare" in next(
        n.needs for n in reading.numbers() if n.key == key
    )


@pytest.mark.parametrize(
    "change, words",
    [
        ({"kind": "bigger"}, "kind 'bigger' is none of higher"),
        ({"colour": "red"}, "colour.*README.md"),
        ({"kind": "higher", "measures": ["m"]}, "needs subject and measures and others"),
        ({"kind": "unmeasured"}, "needs the field lacking"),
        ({}, "'x' of twitter: the kind 'above' needs subject and measures$"),
    ],
)
def test_a_claim_that_cannot_be_decided_is_an_error_that_names_it(change, words):
    with pytest.raises(ValueError, match=words):
        reading.make_claim("twitter", CLAIM | change)
