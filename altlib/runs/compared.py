"""What two or more runs were made from, and where they differ: parameters, code, data, machine."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from altlib.core.errors import RunError
from altlib.core.files import read_json
from altlib.core.measured import Measured, read_measured
from altlib.core.statistics import plus_minus
from altlib.runs.plan import digest_files

CAPTIONS, SCORES, STEPS = "results/captions.parquet", "results/scores.json", "corpus/steps.json"
ABSENT = "–"  # shown where a run has no such value
SUMMARY = "-seeds.json"  # how the name of a summary over seeds ends


@dataclass(frozen=True)
class Run:
    """A run as its folder records it.

    Attributes:
        folder: Where it is.
        name: Its folder's name.
        record: Commit, versions and hardware, of ``run.json``.
        parameters: Of each chapter.
        fingerprints: What each chapter's plan hashes: ``notebook`` and ``library``.
        inputs: The files of the run that each chapter reads.
        records: Of each chapter that has run: when, and for how long.
        source: Where its posts come from; empty if the corpus is not made.
        captions: A row per test picture: item_id, gold, and a column per system; None if there are none.
        scores: System -> metric -> its value, of ``results/scores.json``.
    """

    folder: Path
    name: str
    record: dict[str, Any]
    parameters: dict[str, dict[str, Any]]
    fingerprints: dict[str, dict[str, Any]]
    inputs: dict[str, list[str]]
    records: dict[str, dict[str, Any]]
    source: str
    captions: pd.DataFrame | None
    scores: dict[str, dict[str, dict[str, Any]]]


@dataclass(frozen=True)
class Group:
    """A run, or the runs of one set of parameters with several seeds.

    Attributes:
        name: How it is called on the page.
        runs: The runs by the seed of their corpus.
    """

    name: str
    runs: dict[int, Run] = field(default_factory=dict)

    @property
    def first(self) -> Run:
        """The run of the first seed, which stands for the parameters of all."""
        return next(iter(self.runs.values()))


@dataclass(frozen=True)
class ChapterDifference:
    """A chapter in a run beside the same chapter in the first run.

    Attributes:
        chapter: Its name.
        started: When it last ran in the run; empty if it has not.
        seconds: How long it took; NaN if it has not run.
        reasons: What it was made from differently, in words; empty if from the same.
    """

    chapter: str
    started: str
    seconds: float
    reasons: list[str]


def broken(folder: Path, file: str, what: str) -> RunError:
    """The error for a run of which a file is missing or damaged."""
    return RunError(
        f"{folder} cannot be compared: {file} {what}. Is it the folder of a run? If it is, start the run again as it was "
        "started; what is finished is kept"
    )


def read_part(folder: Path, file: str, optional: bool = False) -> Any:
    """A JSON object of a run.

    Args:
        folder: The run's.
        file: Its path inside the run.
        optional: Whether an empty object stands for a file that is not there.

    Raises:
        RunError: The file is missing or damaged.
    """
    if optional and not (folder / file).is_file():
        return {}
    try:
        found = read_json(folder / file)
    except FileNotFoundError as error:
        raise broken(folder, file, "is missing") from error
    except ValueError as error:  # also bytes that are no text
        raise broken(folder, file, "is not valid JSON, it may be cut off") from error
    if not isinstance(found, dict):
        raise broken(folder, file, "holds something else than an object")
    return found


def read_run(folder: Path) -> Run:
    """A run from its folder; chapters that have not run leave their parts empty.

    Raises:
        RunError: The folder is no run, or a file of it is missing or damaged; the message names it.
    """
    if not folder.is_dir():
        raise RunError(f"{folder} is not a folder; give the folders of runs, such as runs/workshop")
    plan, parameters = read_part(folder, "plan/plan.json"), read_part(folder, "parameters.json")
    try:
        chapters = {
            c["name"]: ([p for p in c["inputs"] if not p.startswith("plan/")], c["outputs"]) for c in plan["chapters"]
        }
        records = {
            n: read_part(folder, next(p for p in o if p.startswith("records/")), True) for n, (_, o) in chapters.items()
        }
    except (KeyError, TypeError, StopIteration) as error:
        raise broken(folder, "plan/plan.json", f"lacks {error}") from error
    captions = None
    if (folder / CAPTIONS).is_file():
        try:
            captions = pd.read_parquet(folder / CAPTIONS)
            captions = captions.assign(item_id=captions["item_id"].astype(str), gold=captions["gold"].astype(str))
        except (OSError, ValueError, KeyError) as error:  # pyarrow's errors are kinds of these
            raise broken(folder, CAPTIONS, f"cannot be read ({type(error).__name__}), it may be cut off") from error
    return Run(
        folder,
        folder.resolve().name,
        read_part(folder, "run.json"),
        parameters,
        {name: read_part(folder, f"plan/{name}.json") for name in chapters},
        {name: inputs for name, (inputs, _) in chapters.items()},
        {name: record for name, record in records.items() if record},
        str(read_part(folder, STEPS, True).get("source", "")),
        captions,
        read_part(folder, SCORES, True).get("systems", {}),
    )


def read_groups(paths: Sequence[Path]) -> list[Group]:
    """Runs, and groups of runs over seeds, from their folders and summaries.

    Args:
        paths: Folders of runs, and files ``runs/<run>-seeds.json`` as ``altlib book --seeds`` writes them.

    Raises:
        RunError: There are fewer than two, one is named twice, or a run is broken.
    """
    if len(paths) < 2:
        raise RunError("there is one run alone; name two or more to compare")
    resolved = [path.resolve() for path in paths]
    twice = next((path for i, path in enumerate(paths) if resolved[i] in resolved[:i]), None)
    if twice is not None:
        raise RunError(f"{twice} is named twice; a run is compared with another one")
    groups = [read_seeds(path) if path.name.endswith(SUMMARY) else single(read_run(path)) for path in paths]
    if len({group.name for group in groups}) < len(groups):
        return [Group(str(path), group.runs) for path, group in zip(paths, groups, strict=True)]
    return groups


def single(run: Run) -> Group:
    """A group of one run."""
    return Group(run.name, {int(run.parameters.get("collection", {}).get("seed", 0)): run})


def read_seeds(path: Path) -> Group:
    """The runs of a summary over seeds, which lie beside it.

    Raises:
        RunError: The summary or a run is missing or damaged.
    """
    base = path.name.removesuffix(SUMMARY)
    seeds = read_part(path.parent, path.name).get("seeds")
    if not isinstance(seeds, list) or not seeds:
        raise broken(path.parent, path.name, "lacks the list of seeds")
    return Group(f"{base} ({len(seeds)} seeds)", {int(s): read_run(path.parent / f"{base}-seed{s}") for s in seeds})


def parameter_differences(groups: Sequence[Group]) -> list[tuple[str, str, list[str]]]:
    """Chapter, name and the value in each group, of every parameter whose values differ."""
    found = []
    every = [group.first.parameters for group in groups]
    for chapter in dict.fromkeys(name for parameters in every for name in parameters):
        for name in dict.fromkeys(n for parameters in every for n in parameters.get(chapter, {})):
            values = [
                json.dumps(p[chapter][name], ensure_ascii=False) if name in p.get(chapter, {}) else ABSENT
                for p in every
            ]
            if len(set(values)) > 1:
                found.append((chapter, name, values))
    return found


def chapter_differences(first: Run, other: Run) -> list[ChapterDifference]:
    """What each chapter of a run was made from differently than in the first run.

    A chapter depends on its parameters, its notebook, the library that it uses, and the files that it reads.
    """
    found = []
    for chapter in dict.fromkeys([*first.fingerprints, *other.fingerprints]):
        record = other.records.get(chapter, {})
        reasons = []
        if chapter not in first.fingerprints or chapter not in other.fingerprints:
            reasons.append("one of the runs has no such chapter")
        else:
            one, two = first.fingerprints[chapter], other.fingerprints[chapter]
            ours, theirs = first.parameters.get(chapter, {}), other.parameters.get(chapter, {})
            names = sorted(n for n in {*ours, *theirs} if n not in ours or n not in theirs or ours[n] != theirs[n])
            reasons += [f"parameters: {', '.join(names)}"] if names else []
            reasons += ["code of the notebook"] if one.get("notebook") != two.get("notebook") else []
            reasons += ["code of the library"] if one.get("library") != two.get("library") else []
            files = [path for path in other.inputs[chapter] if content(first, path) != content(other, path)]
            reasons += [f"files: {', '.join(files)}"] if files else []
        found.append(
            ChapterDifference(chapter, record.get("started", ""), float(record.get("wall_time_s", "nan")), reasons)
        )
    return found


def content(run: Run, file: str) -> str:
    """The hash of a file of a run; empty if it is not there."""
    path = run.folder / file
    return digest_files([path]) if path.is_file() else ""


def machine_differences(groups: Sequence[Group]) -> list[tuple[str, list[str]]]:
    """Commit, versions and hardware, as far as they differ, with the value in each group."""
    flat = []
    for group in groups:
        record = group.first.record
        versions = {f"version of {name}": value for name, value in record.get("versions", {}).items()}
        flat.append({"commit": record.get("commit")} | versions | record.get("hardware", {}))
    rows = [(name, [str(f.get(name, ABSENT)) for f in flat]) for name in dict.fromkeys(n for f in flat for n in f)]
    return [(name, values) for name, values in rows if len(set(values)) > 1]


def measured_numbers(groups: Sequence[Group]) -> list[tuple[str, str, str, list[str]]]:
    """The numbers that chapters measured, as far as they differ between the first runs of the groups.

    They are not tested, as each is of its own run's pictures and texts.

    Returns:
        Chapter, of what, the measure, and the value with its 95% interval in each group, as text.

    Raises:
        RunError: A file of measured numbers is damaged.
    """
    tables: list[dict[tuple[str, str, str], Measured]] = []
    for group in groups:
        files = sorted((group.first.folder / "results" / "measured").glob("*.parquet"))
        tables.append({(file.stem, *name): number for file in files for name, number in read_measured(file).items()})
    found = []
    for name in dict.fromkeys(n for table in tables for n in table):
        texts = [number_text(table[name]) if name in table else ABSENT for table in tables]
        if len(set(texts)) > 1:
            found.append((*name, texts))
    return found


def number_text(number: Measured) -> str:
    """A measured number with four digits, and its interval where it has one."""
    low, high = number.interval
    return f"{number.value:.4g}" + (f" [{low:.4g}, {high:.4g}]" if math.isfinite(low) else "")


def across_seeds(groups: Sequence[Group]) -> list[tuple[str, str, list[str], list[str]]]:
    """Means over seeds of each system and metric, and the differences to the first group, paired by seed.

    Returns:
        System, metric, the mean of each group, and the difference of each later group, all as text with the
        half width of the 95% interval; none if no group has several seeds.
    """
    if max(len(group.runs) for group in groups) < 2:
        return []
    tables = [{seed: run.scores for seed, run in group.runs.items()} for group in groups]
    found = []
    for system in dict.fromkeys(name for by_seed in tables for scores in by_seed.values() for name in scores):
        for metric in dict.fromkeys(m for t in tables for scores in t.values() for m in scores.get(system, {})):
            values = [values_of(by_seed, system, metric) for by_seed in tables]
            differences = [[of[s] - values[0][s] for s in of if s in values[0]] for of in values[1:]]
            found.append(
                (system, metric, [plus_minus(of.values()) for of in values], [plus_minus(of) for of in differences])
            )
    return found


def values_of(by_seed: Mapping[int, dict], system: str, metric: str) -> dict[int, float]:
    """A system's value of a metric by seed, where there is one."""
    found = {seed: scores.get(system, {}).get(metric, {}).get("value") for seed, scores in by_seed.items()}
    return {seed: float(value) for seed, value in found.items() if value is not None}
