"""Run independent jobs side by side on the processor's cores."""

from __future__ import annotations

import contextlib
import multiprocessing.connection
import os
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import torch

from altlib.core.progress import PROGRESS_FILE, progress_bar

SILENCE = 600.0  # seconds without any processor time after which a job is taken for hung
LOOK = 1.0  # seconds between two looks at the jobs that run


@dataclass
class RunningJob:
    """A job in a process of its own, and for how long it has used no processor time.

    Attributes:
        name: what the job is called.
        process: the process.
        used: processor time of the process and all below it at the last look, in seconds.
        quiet: seconds that it has used none. A pause of the whole machine does not count.
        seen: the time of the last look.
    """

    name: str
    process: Any
    used: float = -1.0
    quiet: float = 0.0
    seen: float = field(default_factory=time.monotonic)

    def look(self) -> None:
        """Bring ``used`` and ``quiet`` up to date."""
        used = 0.0
        with contextlib.suppress(psutil.Error):  # it ends just now
            process = psutil.Process(self.process.pid)
            used = sum(t.user + t.system for t in (p.cpu_times() for p in family(process)))
        now = time.monotonic()
        self.quiet = self.quiet + min(now - self.seen, 2 * LOOK) if used == self.used else 0.0
        self.used, self.seen = used, now

    def kill(self) -> None:
        """End the process and all below it at once."""
        with contextlib.suppress(psutil.Error):
            for process in family(psutil.Process(self.process.pid)):
                process.kill()
        self.process.join()


def family(process: psutil.Process) -> list[psutil.Process]:
    """A process and all below it."""
    return [process, *process.children(recursive=True)]


def side_by_side(
    jobs: Mapping[str, Callable[[], object]], label: str, workers: int = 0, silence: float = SILENCE
) -> None:
    """Run every job in a process of its own.

    For work that keeps its results in files and finds them there when it is asked again: what a
    job returns is dropped, and a job that failed is simply repeated by whoever asks for it next,
    which tells why. So is a job that hangs, as a forked process does that waits for a lock which a
    thread of its parent held: it is ended, and a line says so. The cores are shared out evenly, so
    small models, whose steps are too little work for several cores, train up to half as fast
    again. Nothing happens where processes cannot be forked.

    Args:
        jobs: The jobs by name.
        label: What the progress bar calls them.
        workers: Jobs at a time; 0 takes one per core.
        silence: A job that has used no processor time for so many seconds is ended.
    """
    if "fork" not in multiprocessing.get_all_start_methods() or not jobs:
        return
    context = multiprocessing.get_context("fork")  # the processes share what is in memory
    cores = os.cpu_count() or 1
    workers = min(workers or cores, len(jobs))
    waiting = list(jobs.items())
    running: dict[int, RunningJob] = {}  # by the number of its file of progress bars
    try:
        with progress_bar(total=len(jobs), desc=label, unit=" runs") as bar:
            while waiting or running:
                for line in set(range(1, workers + 1)) - running.keys():
                    if waiting:
                        name, job = waiting.pop(0)
                        process = context.Process(target=work, args=(job, line, cores // workers))
                        running[line] = RunningJob(name, process)
                        process.start()
                multiprocessing.connection.wait([job.process.sentinel for job in running.values()], LOOK)
                end_hung(running.values(), label, silence)
                alive = {line: job for line, job in running.items() if job.process.is_alive()}
                bar.update(len(running) - len(alive))
                running = alive
    finally:
        for left in running.values():
            left.process.terminate()


def end_hung(jobs: Iterable[RunningJob], label: str, silence: float) -> None:
    """End the jobs that have used no processor time for ``silence`` seconds, and say so."""
    for job in jobs:
        job.look()
        if job.quiet >= silence:
            job.kill()
            print(f"{label}: {job.name} hung and was ended ({silence:g} s without processor time); it is run again.")


def work(job: Callable[[], object], line: int, threads: int) -> None:
    """Run a job in a new process with its share of the cores; it shows its progress and says nothing else."""
    torch.set_num_threads(max(1, threads))
    path = os.environ.get(PROGRESS_FILE)
    os.environ[PROGRESS_FILE] = f"{path}.{line}" if path else os.devnull
    with Path(os.devnull).open("w") as nowhere, redirect_stderr(nowhere), redirect_stdout(nowhere):
        try:
            job()
        except Exception as error:  # the repetition tells it
            raise SystemExit(1) from error
