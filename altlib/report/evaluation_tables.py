"""The scores of files of captions as text for a terminal, as JSON and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

from altlib.data.caption_files import CaptionSets
from altlib.evaluation.caption_file_scores import CLIP_METRICS, Difference, Evaluation

COLUMNS = ("kind", "file", "other", "metric", "value", "low", "high", "p")
SAME = 0.05  # a higher p-value tells no difference


def digits(metric: str) -> int:
    """How many decimals a metric is shown with: those of CLIP are no percentages."""
    return 4 if metric in CLIP_METRICS else 2


def columns_of_text(rows: Sequence[Sequence[str]]) -> str:
    """Rows as a table whose first column is on the left and whose others are on the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [
        "  ".join(
            f"{cell:<{w}}" if not i else f"{cell:>{w}}" for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    return "".join(f"{line.rstrip()}\n" for line in lines)


def score_table(found: Evaluation) -> str:
    """Every metric of every file with its 95% interval, and the lengths of the texts under them."""
    names = list(found.scores)
    rows = [["", *names]]
    for metric in found.scores[names[0]]:
        rows.append([metric, *(found.scores[name][metric].text(digits(metric)) for name in names)])
    rows.append(["words a caption", *(f"{found.words[name]:.1f}" for name in names)])
    rows.append(["words a reference", *(f"{found.reference_words:.1f}" for _ in names)])
    return columns_of_text(rows)


def difference_table(differences: Sequence[Difference]) -> str:
    """The paired tests, a line each; empty without any."""
    if not differences:
        return ""
    rows = [["metric", "difference", "95% interval", "p", ""]]
    for d in differences:
        low, high = d.estimate.interval
        places = digits(d.metric)
        verdict = "no difference shown" if d.p >= SAME else f"{d.first if d.estimate.value > 0 else d.second} is higher"
        interval = f"[{low:+.{places}f}, {high:+.{places}f}]"
        rows.append(
            [d.metric, f"{d.estimate.value:+.{places}f}", interval, f"{d.p:.3f}", f"{d.first} - {d.second}: {verdict}"]
        )
    return columns_of_text(rows)


def robustness_text(found: Evaluation) -> str:
    """In how many of the worse texts each score falls; empty without pictures."""
    if found.robust.empty:
        return ""
    rows = [["check", "score", "texts", "falls (%)", "95% interval"]]
    for row in found.robust.to_dict("records"):
        interval = f"[{row['low (%)']:.0f}, {row['high (%)']:.0f}]"
        rows.append([row["check"], row["scorer"], str(row["texts"]), f"{row['falls (%)']:.0f}", interval])
    return columns_of_text(rows)


def notes(sets: CaptionSets, found: Evaluation) -> list[str]:
    """What must be said beside the scores: what was left out, what is empty, what could not be read."""
    said = []
    for name, count in sets.left_out.items():
        if count:
            why = "not in the sample or not in every file" if len(sets.captions) > 1 else "not in the sample"
            said.append(f"{name}: captions that are not scored, as they are {why}: {count:,}")
    said += [f"{name}: empty captions, which score 0: {n:,}" for name, n in found.empty.items() if n]
    if sets.blank_references:
        said.append(f"blank references, which are left out: {sets.blank_references:,}")
    if found.pictures is not None:
        for reason, count in sorted(found.pictures.broken.items()):
            said.append(f"pictures that the scores that look at pictures leave out, because {reason}: {count:,}")
        if found.pictures.unnamed:
            said.append(f"captions without a picture, which these scores leave out: {found.pictures.unnamed:,}")
    return said


def pictures_seen(found: Evaluation) -> int:
    """How many captions the scores that look at pictures come from."""
    return len(found.pictures.rows) if found.pictures is not None else 0


def numbers(estimate: Any) -> dict[str, float]:
    """Value and interval of an estimate."""
    low, high = estimate.interval
    return {"value": estimate.value, "low": low, "high": high}


def as_record(
    sets: CaptionSets, found: Evaluation, differences: Sequence[Difference], settings: dict
) -> dict[str, Any]:
    """Everything as JSON.

    Args:
        sets: The captions.
        found: Their scores.
        differences: The paired tests.
        settings: What the command was asked for.
    """
    return {
        "settings": settings,
        "captions": len(sets.ids),
        "pictures": pictures_seen(found),
        "notes": notes(sets, found),
        "scores": {
            name: {metric: numbers(estimate) for metric, estimate in scores.items()}
            for name, scores in found.scores.items()
        },
        "words": {"captions": found.words, "references": found.reference_words},
        "differences": [
            {"metric": d.metric, "first": d.first, "second": d.second, **numbers(d.estimate), "p": d.p}
            for d in differences
        ],
        "robustness": found.robust.astype(object).where(found.robust.notna(), None).to_dict("records"),
    }


def as_csv(found: Evaluation, differences: Sequence[Difference]) -> str:
    """Scores, lengths and differences as CSV, a row each."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for name, scores in found.scores.items():
        for metric, estimate in scores.items():
            writer.writerow({"kind": "score", "file": name, "metric": metric, **numbers(estimate)})
        writer.writerow({"kind": "length", "file": name, "metric": "words a caption", "value": found.words[name]})
    for d in differences:
        names = {"file": d.first, "other": d.second, "metric": d.metric}
        writer.writerow({"kind": "difference", **names, **numbers(d.estimate), "p": d.p})
    return out.getvalue()
