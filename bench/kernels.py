"""What forked kernels save: the smoke book with them and without, alternating.

    python bench/kernels.py [TIMES]

Both run in a folder of their own, which is removed. Without: the same command, not below the process that forks kernels.

Measured on two cores: without them the smoke book takes 1.17 times as long. The default book took 542 s with them and
572 s without (one run each, the same process above both).
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

from altlib.runs.book import read_parameters, snakemake_command
from altlib.runs.plan import plan_run

ROOT = Path(__file__).resolve().parent.parent


def seconds(forked: bool) -> float:
    """How long a smoke book takes, from nothing."""
    chapters, resolved = read_parameters(ROOT, ROOT / "params" / "smoke.yaml", [f"run=kernels-{forked}"])
    folder = ROOT / "runs" / resolved.run
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    command = snakemake_command(plan_run(ROOT, resolved, chapters, folder), folder, [])
    supervise = [sys.executable, "-m", "altlib.runs.supervise"] if forked else []
    began = time.monotonic()
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    pipe = subprocess.PIPE  # its other end is held for as long as the process runs
    with subprocess.Popen([*supervise, *command], cwd=ROOT, env=environment, stdin=pipe, stderr=pipe) as process:
        assert process.stderr
        said = process.stderr.read()
    if process.returncode:
        raise SystemExit(said.decode())
    took = time.monotonic() - began
    shutil.rmtree(folder)
    return took


def main() -> None:
    """Measure and print."""
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 2
    took: dict[bool, list[float]] = {True: [], False: []}
    for turn in range(times):
        for forked in (True, False):
            took[forked].append(seconds(forked))
            print(f"turn {turn + 1}: {'forked' if forked else 'started'} kernels {took[forked][-1]:.0f} s", flush=True)
    ratio = statistics.median(took[False]) / statistics.median(took[True])
    print(f"without forked kernels the smoke book takes {ratio:.2f} times as long (medians)")


if __name__ == "__main__":
    main()
