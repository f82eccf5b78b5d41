"""What a killed command leaves running: the smoke book below ``altlib.runs.supervise``, and without it.

    python bench/left_behind.py [TIMES]

Each time, who runs the command is killed after a random time, and what was started below it is counted 10 s later.

Measured, five kills each: without it, 5 to 9 processes ran on; none with it.
"""

import contextlib
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from uuid import uuid4

import psutil
from faults import MARK, ROOT, copy_project, started

from altlib.runs.book import read_parameters, snakemake_command
from altlib.runs.plan import plan_run

HOLDER = "import subprocess, sys; subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE).wait()"
WAIT = 10.0  # seconds between the kill and the count
SOONEST, LATEST = 8.0, 30.0  # seconds before the kill; chapters run


def left_behind(supervised, seconds):
    """Kill who runs the command after some seconds; how many processes run on."""
    mark = uuid4().hex
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        project = copy_project(Path(folder))
        chapters, resolved = read_parameters(project, project / "params" / "smoke.yaml", [])
        run = project / "runs" / resolved.run
        run.mkdir(parents=True)
        command = snakemake_command(plan_run(project, resolved, chapters, run), run, [])
        supervise = [sys.executable, "-m", "altlib.runs.supervise"] if supervised else []
        environment = {**os.environ, MARK: mark, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "0"}
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        with subprocess.Popen([sys.executable, "-c", HOLDER, *supervise, *command], env=environment, **quiet) as holder:
            time.sleep(seconds)
            below = len(started(mark)) - 1
            holder.kill()
        time.sleep(WAIT)
        left = started(mark)
        for process in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
    return below, len(left)


def main():
    """Measure and print."""
    rng = random.Random(0)
    for turn in range(int(sys.argv[1]) if len(sys.argv) > 1 else 5):
        seconds = rng.uniform(SOONEST, LATEST)
        for supervised in (True, False):
            below, left = left_behind(supervised, seconds)
            how = "supervised" if supervised else "not supervised"
            print(f"{turn + 1}: {how}, killed after {seconds:.0f} s: {left} of {below} processes run on", flush=True)


if __name__ == "__main__":
    main()
