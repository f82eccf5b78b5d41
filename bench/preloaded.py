"""How long a chapter's process takes to have its libraries: started by itself, and forked from one that has them."""

import os
import subprocess
import sys
import tempfile
import time

from altlib.runs.processes.preloaded import ADDRESS, LIBRARIES, serving

STARTS = 5


def seconds(environment: dict[str, str]) -> float:
    """The median time of a process that loads the libraries and ends."""
    command = [
        sys.executable,
        "-m",
        "altlib.runs.processes.preloaded",
        "timeit",
        "-n1",
        "-r1",
        f"import {', '.join(LIBRARIES)}",
    ]
    times = []
    for _ in range(STARTS):
        started = time.perf_counter()
        subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
        times.append(time.perf_counter() - started)
    return sorted(times)[STARTS // 2]


def main() -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", ADDRESS: ""}
    alone = seconds(environment)
    with tempfile.TemporaryDirectory() as folder, serving(folder) as served:
        if not served[ADDRESS]:
            print("processes are forked on Linux only")
            return
        warm = environment | {ADDRESS: served[ADDRESS], "TMPDIR": folder}
        started = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "altlib.runs.processes.preloaded", "timeit", "-n1", "-r1", "pass"],
            env=warm,
            check=True,
        )
        loading = time.perf_counter() - started
        forked = seconds(warm)
    print(f"libraries loaded once, for all: {loading:.1f} s")
    print(f"a process by itself {alone:.2f} s, forked {forked:.2f} s: {alone / forked:.0f} x (median of {STARTS})")


if __name__ == "__main__":
    main()
