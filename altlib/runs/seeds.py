"""Run the book once a seed and summarise."""

from __future__ import annotations

import re
from pathlib import Path

from altlib.core.files import read_json, write_json
from altlib.runs.book import root_of, run_book
from altlib.runs.parameters import apply_settings, read_yaml


def parse_seeds(text: str) -> list[int]:
    """``"0-2,7"`` -> ``[0, 1, 2, 7]``; raises ``ValueError`` for anything else."""
    seeds: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d+)(?:-(\d+))?\s*", part)
        if not match:
            raise ValueError(f"seeds must look like 0-4 or 0,3,5, not {text!r}")
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first or last - first > 999:
            raise ValueError(f"seeds must rise, at most 1,000 of them, not {part.strip()!r}")
        seeds += range(first, last + 1)
    return list(dict.fromkeys(seeds))


def run_seeds(parameter_file: Path, settings: list[str], seeds: list[int], snakemake: list[str]) -> Path:
    """Run the book once a seed, each in its own run folder, and write the means with 95% intervals over seeds.

    Returns the summary's path, ``runs/<run>-seeds.json``: system -> metric -> mean, low, high,
    values; of a single seed ``low`` and ``high`` are null.
    """
    from altlib.core.statistics import plus_minus, seed_interval

    root = root_of(parameter_file)
    base = apply_settings(read_yaml(parameter_file), settings).get("run", parameter_file.stem)
    tables = []
    for seed in seeds:
        run = f"{base}-seed{seed}"
        run_book(parameter_file, [*settings, f"run={run}", f"common.seed={seed}"], snakemake, root)
        tables.append(read_json(root / "runs" / run / "results" / "scores.json")["systems"])
    summary: dict[str, dict] = {}
    for system in tables[0]:
        summary[system] = {}
        for metric in tables[0][system]:
            values = [t[system][metric]["value"] for t in tables if system in t]
            mean, half = seed_interval(values)
            low, high = (mean - half, mean + half) if len(values) > 1 else (None, None)
            summary[system][metric] = {"mean": mean, "low": low, "high": high, "values": values}
    path = root / "runs" / f"{base}-seeds.json"
    write_json(path, {"seeds": seeds, "systems": summary})
    print(f"{'system':45} " + " ".join(f"{m:>16}" for m in next(iter(summary.values()))))
    for system, row in summary.items():
        print(f"{system:45} " + " ".join(f"{plus_minus(v['values']):>16}" for v in row.values()))
    print(f"Means and half widths of 95% intervals over seeds {seeds}: {path}")
    return path
