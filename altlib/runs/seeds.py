"""Run the book once for each seed and summarise."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

from altlib.core.files import read_json, write_json
from altlib.runs.book import root_of, run_book
from altlib.runs.parameters import apply_settings, read_yaml

Table = dict[str, dict[str, dict[str, Any]]]  # system -> metric -> its value and more
WIDTHS = (45, 22)  # columns of the names of systems, and of each metric, in the printed table
MOST_SEEDS = 1000  # in one part of the text that names seeds


def parse_seeds(text: str) -> list[int]:
    """The seeds that a text names: ``"0-2,7"`` gives ``[0, 1, 2, 7]``.

    Raises:
        ValueError: the text has another form, or a part of it falls or is too long.
    """
    seeds: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d+)(?:-(\d+))?\s*", part)
        if not match:
            raise ValueError(f"seeds must look like 0-4 or 0,3,5, not {text!r}")
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first or last - first >= MOST_SEEDS:
            raise ValueError(f"seeds must rise, at most {MOST_SEEDS:,} of them, not {part.strip()!r}")
        seeds += range(first, last + 1)
    return list(dict.fromkeys(seeds))


def over_seeds(tables: dict[int, Table]) -> Table:
    """Means with 95% intervals over seeds, of every system and metric that some seed has.

    Args:
        tables: seed -> the scores of its run.

    Returns:
        System -> metric -> ``mean``, ``low``, ``high``, ``values`` and the ``seeds`` that they are
        of; ``low`` and ``high`` are None for a single seed.
    """
    from altlib.core.statistics import seed_interval

    summary: Table = {}
    for system in dict.fromkeys(name for table in tables.values() for name in table):
        rows = {seed: table[system] for seed, table in tables.items() if system in table}
        summary[system] = {}
        for metric in dict.fromkeys(name for row in rows.values() for name in row):
            found = {seed: row[metric]["value"] for seed, row in rows.items() if metric in row}
            found = {seed: value for seed, value in found.items() if value is not None and math.isfinite(value)}
            if not found:
                continue
            values = list(found.values())
            mean, half = seed_interval(values)
            low, high = (mean - half, mean + half) if len(values) > 1 else (None, None)
            summary[system][metric] = {"mean": mean, "low": low, "high": high, "values": values, "seeds": list(found)}
    return summary


def as_text(summary: Table) -> str:
    """What :func:`over_seeds` gives as a table in text, each mean with its number of seeds in brackets."""
    from altlib.core.statistics import plus_minus

    first, width = WIDTHS
    metrics = list(dict.fromkeys(metric for row in summary.values() for metric in row))
    lines = [" ".join([f"{'system':{first}}", *(f"{metric:>{width}}" for metric in metrics)])]
    for system, row in summary.items():
        cells = [f"{plus_minus(row[m]['values'])} ({len(row[m]['seeds'])})" if m in row else "–" for m in metrics]
        lines.append(" ".join([f"{system:{first}}", *(f"{cell:>{width}}" for cell in cells)]))
    return "\n".join(lines)


def run_seeds(parameter_file: Path, settings: list[str], seeds: list[int], snakemake: list[str]) -> Path:
    """Run the book once for each seed, in a run folder of its own, and write and print the summary.

    Args:
        parameter_file: the YAML file.
        settings: each ``section.name=value``; they override the file.
        seeds: the seeds.
        snakemake: further arguments for Snakemake.

    Returns:
        The path of the summary, ``runs/<run>-seeds.json``.

    Raises:
        ParameterError: a parameter is wrong; nothing has run.
        RunError: a run failed; those before it are complete, and the same command goes on.
    """
    root = root_of(parameter_file)
    base = apply_settings(read_yaml(parameter_file), settings).get("run", parameter_file.stem)
    tables: dict[int, Table] = {}
    for seed in seeds:
        run = f"{base}-seed{seed}"
        run_book(parameter_file, [*settings, f"run={run}", f"common.seed={seed}"], snakemake, root)
        tables[seed] = read_json(root / "runs" / run / "results" / "scores.json")["systems"]
    summary = over_seeds(tables)
    path = root / "runs" / f"{base}-seeds.json"
    write_json(path, {"seeds": seeds, "systems": summary})
    print(as_text(summary))
    print(f"Means and half widths of 95% intervals, in brackets over how many of the seeds {seeds}: {path}")
    return path
