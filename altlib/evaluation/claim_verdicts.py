"""How a run's numbers decide a claim of a work: only whole 95% intervals count."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from altlib.core.measured import Measured, Results, difference, ratio
from altlib.published.index.reading import Claim

HOLDS, FAILS, UNDECIDED = "holds", "does not hold", "undecided"
INCOMPARABLE, NOT_RUN = "not comparable", "not run"


@dataclass(frozen=True)
class Step:
    """One comparison of a claim: what was compared, its number with interval, and what that says.

    Attributes:
        measure: By which it was compared.
        compared: What the number is of, as words.
        value: The number, difference or ratio.
        low: Lower limit of its 95% interval; NaN without one.
        high: Upper limit.
        shown: Whether the whole interval says what is claimed.
        opposite: Whether the whole interval says the opposite.
    """

    measure: str
    compared: str
    value: float
    low: float
    high: float
    shown: bool
    opposite: bool


def find(results: Results, subject: str, measure: str, stand_ins: Mapping[str, str]) -> Measured | None:
    """A measured number by its names, or what stands in for it; None if the run has neither."""
    if (subject, measure) in results:
        return results[subject, measure]
    for text, other in stand_ins.items():
        name = (subject.replace(text, other), measure.replace(text, other))
        if name in results:
            return results[name]
    return None


def missing(chapter: str, run: Mapping[str, Results], needs: str) -> str:
    """Why a run lacks a number, as a sentence."""
    if chapter not in run:
        return f"Chapter {chapter} has not run."
    return f"Chapter {chapter} did not measure it with these parameters" + (f" ({needs})." if needs else ".")


def steps_of(claim: Claim, results: Results, stand_ins: Mapping[str, str]) -> list[Step]:
    """All comparisons of a claim for which a chapter measured both sides, by its measures, then by the others.

    Args:
        claim: The claim.
        results: What its chapter measured.
        stand_ins: Of the claim's work.
    """
    steps: list[Step] = []
    for measure in claim.measures if claim.kind != "unmeasured" else ():
        one = find(results, claim.subject, measure, stand_ins)
        if one is None:
            continue
        if not claim.others:
            compared = f"{measure}: {claim.subject}"
            steps.append(judged(claim, measure, compared, one.value, one.interval, claim.margin))
        known = {other: find(results, other, measure, stand_ins) for other in claim.others}
        found = {other: number for other, number in known.items() if number is not None}
        if claim.kind == "ratio" and found:
            best = max(found, key=lambda name: found[name].value)
            found = {best: found[best]}
        for other, number in found.items():
            value, interval = (ratio if claim.kind == "ratio" else difference)(one, number)
            sign = "divided by" if claim.kind == "ratio" else "minus"
            margin = claim.margin * (abs(number.value) if claim.relative else 1)
            steps.append(judged(claim, measure, f"{measure}: {claim.subject} {sign} {other}", value, interval, margin))
    return steps


def judged(
    claim: Claim, measure: str, compared: str, value: float, interval: tuple[float, float], margin: float = 0.0
) -> Step:
    """Whether an interval says what a claim says, or the opposite.

    Args:
        claim: The claim.
        measure: By which it is compared.
        compared: What the interval is of.
        value: The number, difference or ratio.
        interval: Lower and upper limit.
        margin: In the unit of the difference.
    """
    (low, high), limit = interval, claim.limit
    shown, opposite = {
        "higher": (low > 0, high < 0),
        "lower": (high < 0, low > 0),
        "ratio": (low >= limit, high < limit),
        "above": (low > limit, high < limit),
        "below": (high < limit, low > limit),
        "within": (limit - margin < low and high < limit + margin, high <= limit - margin or low >= limit + margin),
        "no-higher": (high < margin, low >= margin),
        "close": (-margin < low and high < margin, low >= margin or high <= -margin),
    }[claim.kind]
    return Step(measure, compared, value, low, high, shown, opposite)


def decide(claim: Claim, steps: Sequence[Step], run: Mapping[str, Results]) -> tuple[str, str]:
    """The verdict on a claim, with its reason as a sentence.

    A measure shows the claim if all of its comparisons do, and is against it if one of them shows the opposite.
    The claim holds if enough measures show it, does not hold if too many are against it, and else is undecided.

    Args:
        claim: The claim.
        steps: From :func:`steps_of`.
        run: What the run measured, by notebook.
    """
    if claim.kind == "unmeasured":
        return INCOMPARABLE, f"Nothing here decides it: {claim.lacking}."
    if {step.measure for step in steps} != set(claim.measures):
        return NOT_RUN, missing(claim.chapter, run, claim.needs)
    for step in steps:
        if math.isnan(step.low):
            return INCOMPARABLE, f"There is no interval of “{step.compared}”: more seeds or pictures would give one."
    needed = claim.of or len(claim.measures)
    shown = [m for m in claim.measures if all(step.shown for step in steps if step.measure == m)]
    against = {step.measure for step in steps if step.opposite}
    lost = len(claim.measures) - len(against) < needed
    verdict = HOLDS if len(shown) >= needed else FAILS if lost else UNDECIDED
    others = len({step.compared for step in steps}) // len(claim.measures)
    left_out = max(0, len(claim.others) - others) if claim.kind != "ratio" else 0
    return verdict, in_words(steps) + (f" {left_out} of the others did not run." if left_out else "")


def in_words(steps: Sequence[Step]) -> str:
    """How many comparisons show what is claimed, how many the opposite, and how many cannot tell, as a sentence."""
    shown, opposite = sum(step.shown for step in steps), sum(step.opposite for step in steps)
    if len(steps) == 1:
        return "The interval " + ("shows it." if shown else "shows the opposite." if opposite else "cannot tell.")
    counts = {"show": shown, "opposite": opposite, "tell": len(steps) - shown - opposite}
    words = {
        "show": ("shows it", "show it"),
        "opposite": ("shows the opposite", "show the opposite"),
        "tell": ("cannot tell", "cannot tell"),
    }
    said = [f"{count} {words[name][count > 1]}" for name, count in counts.items() if count]
    return f"Of {len(steps)} comparisons, {' and '.join(said) if len(said) < 3 else f'{said[0]}, {said[1]} and {said[2]}'}."


def weakest(steps: Sequence[Step]) -> Step | None:
    """The comparison that decides a claim; None without any.

    It is the first that shows the opposite, or else the first that does not show the claim, or else the first.
    """
    against, short = [s for s in steps if s.opposite], [s for s in steps if not s.shown]
    return next(iter([*against, *short, *steps]), None)
