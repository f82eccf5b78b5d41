from collections import Counter
from random import Random

import numpy as np
import pytest

from altlib.evaluation import robustness as r
from altlib.evaluation.judges.interface import JudgedText

EXAMPLES = [
    r.Example(
        JudgedText(f"A man with boat number {i} at the quay", f"{i}.png", f"Post {i}", f"gold {i}", f"facts {i}"),
        "So proud!",
    )
    for i in range(8)
]


def one(check: str, examples=EXAMPLES):
    return r.CHECKS[check](list(examples), Random(0))


def test_each_check_changes_what_it_names_and_nothing_else():
    for example, changed in zip(EXAMPLES, one("words shuffled"), strict=True):
        assert changed.text != example.judged.text and Counter(changed.text.split()) == Counter(
            example.judged.text.split()
        )
    for example, changed in zip(EXAMPLES, one("another picture"), strict=True):
        other = changed.image.removesuffix(".png")
        assert changed.image != example.judged.image
        assert (changed.reference, changed.facts) == (f"gold {other}", f"facts {other}")
        assert (changed.text, changed.post) == (example.judged.text, example.judged.post)
    assert all(
        c.post != e.judged.post and c.image == e.judged.image
        for e, c in zip(EXAMPLES, one("another post"), strict=True)
    )
    assert {c.text for c in one("caption for description")} == {"So proud!"}
    assert all(any(name in c.text for name in r.NAMES) and "man" not in c.text.split() for c in one("name for person"))
    assert one("truncated")[0].text == "A man with boat"
    assert one("irrelevant true sentence added")[0].text.startswith("A man with boat number 0 at the quay. ")
    assert {c.text for c in one("empty")} == {""}
    assert all(c.text in r.BOILERPLATE for c in one("boilerplate"))


def test_checks_that_do_not_apply_leave_a_text_out():
    plain = [r.Example(JudgedText("boat", post="same")), r.Example(JudgedText("quay", post="same"))]
    for check in ("words shuffled", "another post", "caption for description", "name for person", "truncated"):
        assert one(check, plain) == [None, None]


def test_any_scorer_goes_in_with_one_line():
    table = r.robustness(
        {"length": lambda texts: [len(t.text) for t in texts], "blind": lambda texts: [1.0 for _ in texts]}, EXAMPLES
    )
    length = table[table["scorer"] == "length"].set_index("check")
    assert (
        length.loc["truncated", "falls (%)"] == 100 and length.loc["irrelevant true sentence added", "falls (%)"] == 0
    )
    assert length.loc["another picture", "stays (%)"] == 100
    assert (length["low (%)"] <= length["falls (%)"]).all() and (length["high (%)"] >= length["falls (%)"]).all()
    assert (table[table["scorer"] == "blind"]["stays (%)"] == 100).all()
    assert set(table["check"]) == set(r.CHECKS)


def test_missing_scores_do_not_count():
    row = r.moves(np.array([-1.0, np.nan, 0.0, 2.0]), 1.0)
    assert (
        row["texts"] == 3
        and row["falls (%)"] == pytest.approx(100 / 3)
        and row["mean change (sd)"] == pytest.approx(1 / 3)
    )


def test_one_text_is_refused():
    with pytest.raises(ValueError, match="at least two texts"):
        r.robustness({}, EXAMPLES[:1])
