"""Whether two runs have the same results: every number in results/ and the corpus, to the last digit.

python bench/same_results.py RUN OTHER [--within 1e-9]
"""

import argparse
import json
import math
from pathlib import Path

import pandas as pd

TIMES = {"seconds", "examples_per_second"}  # differ from run to run


def differences(a, b, where, within):
    """Every place where two JSON values differ by more than ``within`` (a share of the larger)."""
    if isinstance(a, dict) and isinstance(b, dict):
        for key in sorted(set(a) | set(b)):
            if key not in TIMES:
                yield from differences(a.get(key), b.get(key), f"{where}.{key}", within)
    elif isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        for number, pair in enumerate(zip(a, b, strict=True)):
            yield from differences(*pair, f"{where}[{number}]", within)
    elif isinstance(a, float) and isinstance(b, float):
        if not (a == b or (math.isnan(a) and math.isnan(b)) or math.isclose(a, b, rel_tol=within, abs_tol=within)):
            yield f"{where}: {a!r} and {b!r}"
    elif a != b:
        yield f"{where}: {str(a)[:80]!r} and {str(b)[:80]!r}"


def read(path):
    """A result as nested lists and dictionaries; paths of pictures by their names alone."""
    if path.suffix == ".parquet":
        frame = pd.read_parquet(path)
        if "image" in frame:
            frame["image"] = frame["image"].str.split("/").str[-1]
        return frame.sort_values(list(frame.columns[:2])).astype(object).where(frame.notna(), None).to_dict("list")
    return json.loads(path.read_text())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", type=Path, nargs=2)
    parser.add_argument("--within", type=float, default=0.0)
    options = parser.parse_args()
    names = ["corpus/posts.parquet", "corpus/excluded.parquet", "corpus/steps.json", "captioners/curves.json"]
    names += sorted(str(p.relative_to(options.runs[0])) for p in options.runs[0].glob("results/*.*"))
    found = []
    for name in names:
        first, second = (read(run / name) for run in options.runs)
        found += differences(first, second, name, options.within)
    print("\n".join(found[:50]) or f"{len(names)} files are equal")
    if found:
        raise SystemExit(f"{len(found)} differences")


if __name__ == "__main__":
    main()
