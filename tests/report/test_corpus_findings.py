"""What chapter 01 says first."""

import pandas as pd

from altlib.report.corpus_findings import corpus_findings

LENGTHS = {
    name: pd.DataFrame({"characters": values}) for name, values in {"alt_text": [10, 20], "text": [30, 30]}.items()
}
PAPER = {"alt_text": 144, "text": 152}


def steps(*rows: tuple[str, str, int]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["step", "action", "pictures"])


def test_shares_and_lengths_have_intervals_and_the_largest_step_is_named():
    found = corpus_findings(
        75, 100, steps(("short", "left out", 5), ("gif", "left out", 20), ("url", "rewritten", 90)), LENGTHS, PAPER
    )
    assert found == [
        "Of 100 collected pictures, 75 are kept: 75.0% [65.7, 82.5].",
        "The step that leaves out most is “gif”, with 20 pictures.",
        "Alt texts have 15 ± 10 characters on average; the paper's have 144.",
        "Posts have 30 ± 0 characters on average; the paper's have 152.",
    ]


def test_a_corpus_that_needed_no_cleaning_names_no_step():
    found = corpus_findings(100, 100, steps(("short", "left out", 0)), LENGTHS, PAPER)
    assert len(found) == 3 and not any("leaves out most" in sentence for sentence in found)
