"""A page that compares runs: what they were made from, their scores on shared pictures, their captions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from altlib.core.errors import CorpusError
from altlib.core.files import write_text
from altlib.data.posts import read_corpus
from altlib.evaluation.run_captions import (
    Compared,
    PictureDifference,
    compare_captions,
    largest_differences,
    least_p,
    shared_captions,
)
from altlib.evaluation.study.page import shown_picture
from altlib.report.comparison_page import comparison_page
from altlib.runs.compared import (
    ChapterDifference,
    Group,
    across_seeds,
    chapter_differences,
    machine_differences,
    measured_numbers,
    parameter_differences,
    read_groups,
)

SAME = 0.05  # a higher p-value shows no difference
NAMED = 3  # differences that the findings name


@dataclass(frozen=True)
class Scored:
    """What is found on the pictures that all groups have.

    Attributes:
        pictures: How many there are.
        systems: Which systems all groups have.
        tests: The paired tests.
        examples: The pictures whose captions differ most.
    """

    pictures: int
    systems: list[str]
    tests: list[Compared]
    examples: list[PictureDifference]


def captions_of(group: Group, by_seed: bool) -> pd.DataFrame | None:
    """The captions of a group's runs; None if a run has none.

    Args:
        group: The group.
        by_seed: Whether pictures of different seeds are different ones, whatever their ids.
    """
    frames = []
    for seed, run in group.runs.items():
        if run.captions is None:
            return None
        ids = f"seed {seed}: " + run.captions["item_id"] if by_seed else run.captions["item_id"]
        frames.append(run.captions.assign(item_id=ids))
    return pd.concat(frames, ignore_index=True)


def score_groups(groups: Sequence[Group], examples: int, seed: int) -> tuple[Scored | None, str]:
    """Scores on the pictures that all groups have, or why there are none.

    Args:
        groups: The runs.
        examples: How many pictures are shown at most.
        seed: Of the bootstrap.
    """
    by_seed = any(len(group.runs) > 1 for group in groups)
    frames = {group.name: captions_of(group, by_seed) for group in groups}
    without = [name for name, frame in frames.items() if frame is None]
    if without:
        return None, f"Captions are not compared: {', '.join(without)} has none, as chapter 03 has not run there."
    shared, systems = shared_captions({name: frame for name, frame in frames.items() if frame is not None})
    pictures = len(next(iter(shared.values())))
    if not pictures:
        sources = {group.name: group.first.source or "unknown" for group in groups}
        why = (
            f"their posts come from different sources ({', '.join(f'{n}: {s}' for n, s in sources.items())})"
            if len(set(sources.values())) > 1
            else "no picture with the same id and reference is in the test set of all of them"
        )
        return None, f"Captions are not compared: the runs share no pictures, because {why}."
    if not systems:
        return None, "Captions are not compared: no system is in all runs."
    tests = compare_captions(shared, systems, seed)
    return Scored(pictures, systems, tests, largest_differences(shared, systems, examples)), ""


def picture_files(group: Group, by_seed: bool) -> dict[str, str]:
    """The file of each picture of a group; those of a run without its corpus are left out."""
    found: dict[str, str] = {}
    for seed, run in group.runs.items():
        try:
            posts = read_corpus(run.folder / "corpus")
        except (CorpusError, OSError):
            continue
        ids = posts["item_id"].astype(str)
        found |= dict(zip(f"seed {seed}: " + ids if by_seed else ids, posts["image"].astype(str), strict=True))
    return found


def shown_examples(scored: Scored, groups: Sequence[Group]) -> list[dict[str, Any]]:
    """The examples with their pictures, as far as these can be read."""
    files = picture_files(groups[0], any(len(group.runs) > 1 for group in groups))
    shown = []
    for example in scored.examples:
        picture, problem = shown_picture(files.get(example.item_id, ""))
        shown.append({"example": example, "picture": picture, "problem": problem})
    return shown


def findings(
    groups: Sequence[Group],
    parameters: int,
    chapters: Sequence[tuple[str, list[ChapterDifference]]],
    scored: Scored | None,
) -> list[str]:
    """What the comparison says, in sentences."""
    first = groups[0].name
    said = [f"Parameters of chapters that differ: {parameters:,}."]
    for name, found in chapters:
        changed = [c.chapter for c in found if c.reasons]
        said.append(
            f"{name}: {len(changed)} of {len(found)} chapters were made from something else than in {first}"
            + (f": {', '.join(changed)}." if changed else ".")
        )
    if scored is None:
        return said
    differ = sorted((t for t in scored.tests if t.p < SAME), key=lambda t: -abs(t.difference.value))
    tests = [t for t in scored.tests if t.differs]
    said.append(
        f"On {scored.pictures:,} shared pictures, {len(differ)} of {len(tests)} paired tests show a difference (p below "
        f"{SAME} with Holm's correction); {len({(t.system, t.run) for t in tests})} of "
        f"{len({(t.system, t.run) for t in scored.tests})} systems wrote other captions than in {first}."
    )
    if least_p(tests) >= SAME:
        said.append(
            "There are too many tests for the bootstrap: after the correction none of them can show a difference."
        )
    for t in differ[:NAMED]:
        low, high = t.difference.interval
        direction = "higher" if t.difference.value > 0 else "lower"
        said.append(
            f"{t.metric} of “{t.system}” is {direction} in {t.run} than in {first}, by {abs(t.difference.value):.2f} "
            f"(95% interval of the difference {low:+.2f} to {high:+.2f})."
        )
    return said


def compare_runs(paths: Sequence[Path], output: Path, examples: int = 10, seed: int = 0) -> list[str]:
    """Write the page that compares runs.

    Args:
        paths: Folders of runs, and summaries over seeds; the first is what the others are compared with.
        output: The page.
        examples: How many pictures it shows with the captions of all runs.
        seed: Of the bootstrap.

    Returns:
        What the page says first, in sentences.

    Raises:
        RunError: There are fewer than two runs, one is named twice, or one is broken; nothing is written.
    """
    groups = read_groups(paths)
    parameters = parameter_differences(groups)
    chapters = [(group.name, chapter_differences(groups[0].first, group.first)) for group in groups[1:]]
    scored, why = score_groups(groups, examples, seed)
    said = findings(groups, len(parameters), chapters, scored) + ([why] if why else [])
    page = comparison_page(
        {
            "names": [group.name for group in groups],
            "findings": said,
            "parameters": parameters,
            "machine": machine_differences(groups),
            "chapters": chapters,
            "tests": scored.tests if scored else [],
            "without_tests": why,
            "pictures": scored.pictures if scored else 0,
            "seeds": across_seeds(groups),
            "measured": measured_numbers(groups),
            "examples": shown_examples(scored, groups) if scored else [],
        }
    )
    write_text(output, page)
    return said
