"""Run independent jobs side by side on the processor's cores."""

from __future__ import annotations

import multiprocessing.connection
import os
from collections.abc import Callable, Mapping
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import torch

from altlib.core.progress import PROGRESS_FILE, progress_bar


def side_by_side(jobs: Mapping[str, Callable[[], object]], label: str, workers: int = 0) -> None:
    """Run every job in a process of its own, ``workers`` at a time (0: one a core, as many as there are jobs).

    For work that keeps its results in files and finds them there when it is asked again: what a
    job returns is dropped, and a job that failed is simply repeated by whoever asks for it next,
    which tells why. The cores are shared out evenly, so small models, whose steps are too little
    work for several cores, train up to half as fast again. Nothing happens where processes
    cannot be forked.
    """
    if "fork" not in multiprocessing.get_all_start_methods() or not jobs:
        return
    context = multiprocessing.get_context("fork")  # the processes share what is in memory
    cores = os.cpu_count() or 1
    workers = min(workers or cores, len(jobs))
    waiting = list(jobs.values())
    running: dict[int, Any] = {}  # by the number of its file of progress bars
    try:
        with progress_bar(total=len(jobs), desc=label, unit=" runs") as bar:
            while waiting or running:
                for line in set(range(1, workers + 1)) - running.keys():
                    if waiting:
                        running[line] = context.Process(target=work, args=(waiting.pop(0), line, cores // workers))
                        running[line].start()
                multiprocessing.connection.wait([process.sentinel for process in running.values()])
                alive = {line: process for line, process in running.items() if process.is_alive()}
                bar.update(len(running) - len(alive))
                running = alive
    finally:
        for process in running.values():
            process.terminate()


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
