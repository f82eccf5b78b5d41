"""How a run's numbers decide claims."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from altlib.core.measured import Measured, counted, of_seeds
from altlib.evaluation.claim_verdicts import (
    FAILS,
    HOLDS,
    INCOMPARABLE,
    NOT_RUN,
    UNDECIDED,
    decide,
    find,
    judged,
    steps_of,
    weakest,
)
from altlib.published.index.reading import KINDS, Claim


def resampled(*values: float) -> Measured:
    return Measured(float(np.mean(values)), np.array(values), "pictures", 9)


RESULTS = {
    ("ours", "BLEU"): resampled(4, 5, 6),
    ("theirs", "BLEU"): resampled(1, 2, 2),
    ("ours", "CIDEr"): resampled(4, 5, 6),
    ("theirs", "CIDEr"): resampled(3, 6, 5),
    ("same", "BLEU"): resampled(4.1, 5.1, 6.1),
    ("one seed", "BLEU"): of_seeds([1.0]),
    ("seeds", "BLEU"): of_seeds([3.0, 3.2]),
    ("other seeds", "BLEU"): of_seeds([1.0, 1.1]),
    ("stand-in", "BLEU"): resampled(1, 2, 3),
}


def claim(kind: str, others=("theirs",), measures=("BLEU",), subject="ours", **fields) -> Claim:
    return Claim("x", "w", "p", "s", kind, "c", "d", subject, tuple(others), tuple(measures), **fields)


def verdict(asked: Claim, results=RESULTS) -> str:
    return decide(asked, steps_of(asked, results, {}), {"c": results} if results else {})[0]


@pytest.mark.parametrize(
    "asked, expected",
    [
        (claim("higher"), HOLDS),
        (claim("higher", measures=("BLEU", "CIDEr")), UNDECIDED),
        (claim("higher", measures=("BLEU", "CIDEr"), of=1), HOLDS),
        (claim("lower", measures=("BLEU", "CIDEr")), FAILS),
        (claim("lower", measures=("BLEU", "CIDEr"), of=1), UNDECIDED),
        (claim("lower"), FAILS),
        (claim("lower", subject="theirs", others=("ours",)), HOLDS),
        (claim("ratio", limit=2.0), HOLDS),
        (claim("ratio", limit=3.0), UNDECIDED),
        (claim("ratio", limit=1.5, others=("theirs", "same")), FAILS),
        (claim("above", others=(), limit=3.0), HOLDS),
        (claim("above", others=(), limit=5.0), UNDECIDED),
        (claim("below", others=(), limit=7.0), HOLDS),
        (claim("within", others=(), limit=5.0, margin=2.0), HOLDS),
        (claim("within", others=(), limit=5.0, margin=0.5), UNDECIDED),
        (claim("within", others=(), limit=9.0, margin=1.0), FAILS),
        (claim("no-higher", others=("same",), margin=0.1), HOLDS),
        (claim("no-higher", margin=1.0), FAILS),
        (claim("close", others=("same",), margin=0.2), HOLDS),
        (claim("close", others=("same",), margin=0.1, relative=True), HOLDS),
        (claim("close", margin=0.2), FAILS),
        (claim("higher", subject="seeds", others=("other seeds",)), HOLDS),
        (claim("higher", subject="seeds", others=("one seed",)), INCOMPARABLE),
        (claim("higher", subject="one seed", others=("one seed",)), INCOMPARABLE),
        (claim("unmeasured", lacking="nobody looked"), INCOMPARABLE),
        (claim("higher", subject="absent"), NOT_RUN),
        (claim("higher", others=("absent",)), NOT_RUN),
        (claim("higher", measures=("BLEU", "absent")), NOT_RUN),
    ],
)
def test_every_kind_of_claim_is_decided_by_whole_intervals(asked, expected):
    assert verdict(asked) == expected


@given(st.sampled_from([k for k in KINDS if k != "unmeasured"]), st.floats(-5, 5), st.floats(0, 5), st.floats(0.1, 3))
def test_no_interval_shows_a_claim_and_its_opposite(kind, low, width, margin):
    step = judged(claim(kind, limit=1.0), "m", "c", low, (low, low + width), margin)
    assert not (step.shown and step.opposite)


@given(st.sampled_from(["higher", "lower"]), st.floats(-5, 5), st.floats(0, 5))
def test_an_interval_that_includes_zero_shows_no_direction(kind, low, width):
    step = judged(claim(kind), "m", "c", low, (low, low + width))
    assert (step.shown or step.opposite) == (low > 0 or low + width < 0)


def test_the_reason_says_whether_the_opposite_is_shown_or_nothing():
    reasons = {
        kind: decide(asked, steps_of(asked, RESULTS, {}), {"c": RESULTS})[1]
        for kind, asked in {
            "holds": claim("higher"),
            "opposite": claim("lower"),
            "unclear": claim("higher", measures=("CIDEr",)),
            "mixed": claim("higher", measures=("BLEU", "CIDEr")),
        }.items()
    }
    assert reasons == {
        "holds": "The interval shows it.",
        "opposite": "The interval shows the opposite.",
        "unclear": "The interval cannot tell.",
        "mixed": "Of 2 comparisons, 1 shows it and 1 cannot tell.",
    }


def test_what_did_not_run_is_said():
    asked = claim("higher", others=("theirs", "absent"), needs="chapter.models names it")
    assert decide(asked, steps_of(asked, RESULTS, {}), {"c": RESULTS})[1].endswith("1 of the others did not run.")
    asked = claim("higher", subject="absent", needs="chapter.models names it")
    assert "chapter.models names it" in decide(asked, [], {"c": RESULTS})[1]
    assert decide(asked, [], {})[1] == "Chapter c has not run."


def test_what_stands_in_is_found_where_the_thing_itself_is_not():
    assert find(RESULTS, "real", "BLEU", {"real": "stand-in"}) is RESULTS["stand-in", "BLEU"]
    assert find(RESULTS, "ours", "BLEU", {"ours": "stand-in"}) is RESULTS["ours", "BLEU"]
    assert find(RESULTS, "real", "BLEU", {}) is None


def test_the_comparison_that_decides_shows_the_opposite_or_at_least_not_the_claim():
    asked = claim("higher", measures=("BLEU", "CIDEr"))
    assert weakest(steps_of(asked, RESULTS, {})).measure == "CIDEr"
    assert weakest(steps_of(claim("lower", measures=("CIDEr", "BLEU")), RESULTS, {})).measure == "BLEU"
    assert weakest(steps_of(claim("higher"), RESULTS, {})).measure == "BLEU"
    assert weakest([]) is None


def test_a_count_has_no_interval_and_so_decides_nothing():
    assert verdict(claim("above", others=(), limit=1.0), {("ours", "BLEU"): counted(3)}) == INCOMPARABLE
