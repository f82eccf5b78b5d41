"""The living index as tables and sentences."""

from dataclasses import replace

import pytest

from altlib.evaluation.scoreboard import FAILS, HOLDS, INCOMPARABLE, NOT_RUN, UNDECIDED, Entry
from altlib.published.index.reading import Work
from altlib.report import scoreboard_tables as tables

NAN = float("nan")
WORKS = {"a": Work("a", "Work A (2024)", {}), "b": Work("b", "Work B (2025)", {})}
CLAIM = Entry(
    "x", "claim", "a", "section 1", "Ours < theirs & better.", "", 1.5, 1.0, 2.0, 12.25, "BLEU: ours minus theirs",
    HOLDS, "The interval shows it.", "03-results", "main-table",
)  # fmt: skip
ENTRIES = [
    CLAIM,
    replace(CLAIM, id="y", verdict=FAILS, reason="The interval shows the opposite."),
    replace(CLAIM, id="z", work="b", verdict=UNDECIDED, reason="The interval cannot tell."),
    replace(CLAIM, id="n", kind="number", paper="1.83", verdict=INCOMPARABLE, reason="Other data."),
    replace(CLAIM, id="m", kind="number", paper="2 ± 1", value=NAN, low=NAN, verdict=NOT_RUN, reason="No endpoint."),
]


def test_verdicts_are_counted_by_work_and_together():
    counts = tables.count_table(ENTRIES[:3], WORKS)
    assert counts["work"].tolist() == ["Work A (2024)", "Work B (2025)", "all"]
    assert counts[[HOLDS, FAILS, UNDECIDED]].to_numpy().tolist() == [[1, 1, 0], [0, 0, 1], [1, 1, 1]]
    assert counts["together"].tolist() == [2, 1, 3]


def test_the_findings_count_claims_and_numbers():
    said = tables.findings(ENTRIES)
    assert said[0] == (
        "Of 3 claims of the five works, 1 holds, 1 does not hold, 1 is undecided, 0 cannot be compared and 0 were not run."
    )
    assert "says the opposite" in said[1] and "too small to tell" in said[1]
    assert said[-1].startswith("Of 2 published numbers, 0 hold, 0 do not hold, 0 are undecided, 1 cannot be compared")


def test_reasons_for_missing_verdicts_are_counted_and_those_that_name_different_things_are_one():
    assert tables.reason_table([*ENTRIES, ENTRIES[-1]]).to_numpy().tolist() == [["No endpoint.", 2], ["Other data.", 1]]
    named = [replace(ENTRIES[-1], reason=f"There is no interval of “{name}”: more seeds.") for name in "ab"]
    assert tables.reason_table([*named, ENTRIES[3]]).to_numpy().tolist() == [
        ["There is no interval of “a” and the like: more seeds.", 2],
        ["Other data.", 1],
    ]


@pytest.mark.parametrize(
    "value, text",
    [
        (NAN, "–"),
        (float("inf"), "–"),
        (0.0, "0"),
        (-0.00001, "0"),
        (0.0004, "0.0004"),
        (1.234, "1.23"),
        (123.45, "123.5"),
        (371270, "371,270"),
    ],
)
def test_numbers_are_short(value, text):
    assert tables.short(value) == text


def test_a_claim_stands_with_verdict_interval_length_and_link_and_is_escaped():
    page = tables.claim_table([CLAIM], "Claims <1>").data
    assert "Ours &lt; theirs &amp; better." in page and "Claims &lt;1&gt;" in page and "<1>" not in page
    assert "<strong>holds</strong>. The interval shows it." in page
    assert "1.50 [1.00 or more]" in tables.claim_table([replace(CLAIM, high=float("inf"))], "Claims").data
    assert "1.50 [1.00, 2.00]" in page and ">12.25<" in page
    assert '<a href="03-results.html#main-table">03, main table</a>' in page


def test_numbers_are_folded_and_share_their_reasons():
    page = tables.number_table([ENTRIES[3], ENTRIES[4], ENTRIES[3]], "Numbers").data
    assert page.startswith("<details><summary>Numbers</summary>") and page.count("Other data.") == 1
    assert page.count("not comparable (1)") == 2 and "not run (2)" in page and "2 ± 1" in page
