"""Tables and sentences about judges: agreement and bias, robustness, and which judge may be used for what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from altlib.core.estimates import Estimate
from altlib.evaluation.flagged_posts import Flagged
from altlib.evaluation.flagging import ALL, ANY_RULE, FINDINGS
from altlib.evaluation.poor_alt_text import RULES

KAPPA = "kappa with raters"
POSITION = "position bias (first minus second)"
LENGTH = "length bias (longer minus shorter, beyond raters)"
STYLE = "same facts, other words: first writer minus second"
LEAST_KAPPA = 0.4  # agreement that is commonly called moderate
MOST_BIAS = 0.1
LEAST_FALLS = 90.0  # % of worse texts whose score must fall

# What a judge may be used for, and the check that it must pass beyond those on bias.
USES = {
    "comparing two systems": "",
    "finding texts of other pictures": "another picture",
    "finding texts that break off": "truncated",
    "finding captions in place of descriptions": "caption for description",
    "finding texts that are not fluent": "words shuffled",
}


def interval(value: float, low: float, high: float, digits: int = 2) -> str:
    """``0.41 [0.30, 0.52]``; a dash for a missing number."""
    if value != value:
        return "–"
    return f"{value:.{digits}f}" + (f" [{low:.{digits}f}, {high:.{digits}f}]" if low == low else "")


def validation_table(validated: pd.DataFrame) -> pd.DataFrame:
    """One row per measure, one column per judge, each number with its 95% interval over pairs.

    Args:
        validated: Rows of :func:`altlib.evaluation.judge_validation.validate` for all judges.
    """
    text = validated.assign(
        shown=[interval(r.value, r.low, r.high) for r in validated.itertuples()],
    )
    return wide(text, "measure", "judge")


def robustness_table(robust: pd.DataFrame) -> pd.DataFrame:
    """How often each score falls (%), one row per check, one column per scorer, each with its 95% interval.

    Args:
        robust: From :func:`altlib.evaluation.robustness.robustness`.
    """
    columns = robust[["falls (%)", "low (%)", "high (%)"]].itertuples(index=False, name=None)
    text = robust.assign(shown=[interval(value, low, high, 0) for value, low, high in columns])
    table = wide(text, "check", "scorer")
    table.insert(1, "texts", robust.groupby("check", sort=False)["texts"].max().to_numpy())
    return table


def wide(text: pd.DataFrame, rows: str, columns: str) -> pd.DataFrame:
    """The column ``shown`` with one row per value of ``rows`` and one column per value of ``columns``, in their order."""
    table = text.pivot(index=rows, columns=columns, values="shown").fillna("–")
    ordered = table.reindex(index=text[rows].drop_duplicates(), columns=text[columns].drop_duplicates())
    return ordered.rename_axis(columns=None).reset_index()


def uses_table(validated: pd.DataFrame, robust: pd.DataFrame) -> pd.DataFrame:
    """Which judge may be used for what, one row per judge and one column per use: yes, or why not.

    A judge may compare systems if the whole interval of its kappa with raters lies above
    :data:`LEAST_KAPPA`, and the intervals of its biases to position, length and style lie within
    :data:`MOST_BIAS`. It may find texts of a kind if it scores at least :data:`LEAST_FALLS` % of them
    lower, by the lower end of the interval.
    """
    rows = []
    for judge, measured in validated.groupby("judge", sort=False):
        measures = measured.set_index("measure")
        checks = robust[robust["scorer"] == judge].set_index("check")
        row: dict[str, str] = {"judge": str(judge)}
        for use, check in USES.items():
            row[use] = why_not_found(checks, check) if check else why_not_compare(measures)
        rows.append(row)
    return pd.DataFrame(rows)


def why_not_compare(measures: pd.DataFrame) -> str:
    """Yes, or what keeps a judge from comparing systems."""
    reasons = []
    kappa = measures.loc[KAPPA]
    if not kappa["low"] > LEAST_KAPPA:
        reasons.append(f"kappa {interval(kappa['value'], kappa['low'], kappa['high'])}")
    for name, measure in (("position", POSITION), ("length", LENGTH), ("style", STYLE)):
        if measure not in measures.index:
            continue
        bias = measures.loc[measure]
        if bias["value"] == bias["value"] and not (bias["low"] >= -MOST_BIAS and bias["high"] <= MOST_BIAS):
            reasons.append(f"{name} bias {interval(bias['value'], bias['low'], bias['high'])}")
    return f"no: {', '.join(reasons)}" if reasons else "yes"


def why_not_found(checks: pd.DataFrame, check: str) -> str:
    """Yes, or how seldom a judge's score falls by a check; a dash if it was not checked."""
    if check not in checks.index or not checks.loc[check, "texts"]:
        return "–"
    row = checks.loc[check]
    shown = interval(row["falls (%)"], row["low (%)"], row["high (%)"], digits=0)
    return "yes" if row["low (%)"] >= LEAST_FALLS else f"no: falls in {shown}%"


def use_sentence(uses: pd.DataFrame) -> str:
    """For each use the judges that may serve it, in one sentence."""
    good = {use: uses[uses[use] == "yes"]["judge"].tolist() for use in USES}
    said = [f"for {use}: {', '.join(judges)}" for use, judges in good.items() if judges]
    none = [use for use, judges in good.items() if not judges]
    if not said:
        return "No judge may be used for any of these purposes in this run."
    if none:
        said.append(f"no judge for {', nor for '.join(none)}")
    return f"Which judge may be used in this run: {'; '.join(said)}."


def bias_sentence(validated: pd.DataFrame) -> str:
    """Which bias is the largest, judge by judge."""
    said = []
    for judge, measured in validated.groupby("judge", sort=False):
        measures = measured.set_index("measure")
        known = {
            name: measures.loc[m]
            for name, m in (("position", POSITION), ("length", LENGTH), ("style", STYLE))
            if m in measures.index and measures.loc[m, "value"] == measures.loc[m, "value"]
        }
        if known:
            name = max(known, key=lambda n: abs(known[n]["value"]))
            bias = known[name]
            said.append(f"{judge}: {name} {interval(bias['value'], bias['low'], bias['high'])}")
    return f"The largest bias of each judge: {'; '.join(said)}." if said else "No bias could be measured."


def detector_table(estimates: Mapping[str, Estimate], poor: int, texts: int) -> pd.DataFrame:
    """Average precision of each detector of poor alt text with its 95% interval, the best first.

    Args:
        estimates: Name of each detector -> its average precision.
        poor: How many texts are poor.
        texts: Of so many.
    """
    rows = [
        {
            "flagged by": name,
            "average precision [95%]": found.text(2),
            "times as much as chance": found.value * texts / max(1, poor),
        }
        for name, found in sorted(estimates.items(), key=lambda pair: -pair[1].value)
    ]
    return pd.DataFrame(rows)


def flagging_verdict(together: Estimate, rules: Mapping[str, Estimate], claimed: float = 2.0) -> str:
    """Whether rules and models together reach a multiple of the best simple rule's average precision.

    Where even flags without any error could not, as an average precision is at most 1, the sentence says so.

    Args:
        together: Average precision of all.
        rules: Of each rule alone, on the same resamples.
        claimed: The multiple.
    """
    if not rules:
        return (
            f"Rules and models together have an average precision of {together.text(2)}; no rule finds anything here."
        )
    best = max(rules, key=lambda name: rules[name].value)
    most = 1 / rules[best].value
    ratio = Estimate(together.value / rules[best].value, together.resamples / rules[best].resamples)
    if ratio.value < claimed:
        verdict = "not reached"
    else:
        verdict = "reached" if ratio.interval[0] >= claimed else "reached, though the interval holds less"
    said = (
        f"Rules and models together have an average precision of {together.text(2)}, {ratio.text(1)} times that of the "
        f"best single rule, “{best}” ({rules[best].text(2)}); the aim of {claimed:g} times is {verdict} in this run."
    )
    if most < claimed:
        said += f" Here it cannot be reached: even flags without any error would have only {most:.1f} times as much."
    return said


def flagging_findings(
    precision: Mapping[str, Estimate], kinds: pd.Series, scores: Mapping[str, np.ndarray]
) -> list[str]:
    """:func:`flagging_verdict` of all detectors, and which kinds of poor texts rules and models find.

    Args:
        precision: Name of each detector -> its average precision; nothing is said without any.
        kinds: How each text is poor; empty if it is not, (n,).
        scores: Name of each detector -> its scores, (n,); higher is poorer.
    """
    if not precision:
        return []
    rules = {rule.name: precision[rule.name] for rule in RULES if rule.name in precision}
    by_rule = pd.Series(scores[ANY_RULE] > 0, index=kinds.index).groupby(kinds).mean()
    count = int((kinds != "").sum())
    among_first = pd.Series(flagged_share(scores[ALL], count), index=kinds.index)
    together = among_first.groupby(kinds).mean()
    names = [name for name in kinds.unique() if name]
    gain = max(names, key=lambda name: together[name] - by_rule[name])

    def listed(share: pd.Series) -> str:
        return ", ".join(f"{100 * share[name]:.0f}% of “{name}”" for name in names)

    return [
        flagging_verdict(precision[ALL], rules),
        f"Rules find {listed(by_rule)}, and find fault with {100 * by_rule.get('', 0.0):.0f}% of the other texts. The "
        f"first {count} texts by rules and models together hold {listed(together)}. What models add most are the texts "
        f"of the kind “{gain}”.",
    ]


def plotted_detectors(precision: Mapping[str, Estimate]) -> list[str]:
    """The detectors of the plot: all together, any rule, the best single rule, and each signal of a model."""
    if not precision:
        return []
    rules = [rule.name for rule in RULES if rule.name in precision]
    best = [max(rules, key=lambda name: precision[name].value)] if rules else []
    return [ALL, ANY_RULE, *best, *(name for name in FINDINGS if name in precision)]


def found_by_kind(kinds: pd.Series, scores: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """How many texts of each kind stand among the first ones of each detector, as many as there are poor texts (%).

    Args:
        kinds: How each text is poor; empty if it is not, (n,).
        scores: Name of each detector -> its scores, (n,); higher is poorer. Texts of equal score count by their share.
    """
    names = [name for name in kinds.unique() if name]
    rows = []
    for detector, score in scores.items():
        chance = flagged_share(score, int((kinds != "").sum()))
        rows.append({"flagged by": detector} | {n: 100 * float(chance[(kinds == n).to_numpy()].mean()) for n in names})
    return pd.DataFrame(rows) if names else pd.DataFrame()


def flagged_share(score: np.ndarray, count: int) -> np.ndarray:
    """The chance of each text to stand among the ``count`` highest scores, with ties in random order, (n,)."""
    order = np.sort(score)[::-1]
    border = order[count - 1]
    above, equal = score > border, score == border
    return above + equal * (count - above.sum()) / max(1, equal.sum())


def flagged_item(post: pd.Series, found: Flagged) -> dict[str, str]:
    """A flagged text for :func:`altlib.report.figures.gallery`."""
    said = (
        " ".join(f"{f.reason[:1].upper()}{f.reason[1:]}." for f in found.found)
        or "No rule or model finds fault with it."
    )
    advice = " ".join(dict.fromkeys(f.suggestion for f in found.found))
    item = {
        "image": str(post["image"]),
        "alt": "Flagged picture, whose post and alt text follow",
        "Post": str(post["text"]),
    }
    item |= {"Alt text": str(post["alt_text"]), "Reason": said, "Suggestion": advice}
    return item | ({"Planted as": str(post["poor"])} if post.get("poor") else {})


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table as JSON keeps them; missing numbers become null."""
    return table.astype(object).where(table.notna(), None).to_dict("records")
