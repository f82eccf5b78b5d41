"""Interrupt the smoke book at random moments, again and again, and compare what it ends up with.

Each run of the book is interrupted by one of five faults after a random time, and started again
by the same command, until it is complete. Then its results are compared with those of an
undisturbed run, byte by byte. Counts runs, interruptions, processes that an interrupted command
left behind, and runs whose results differ.

- kill, terminate, interrupt: SIGKILL, SIGTERM or SIGINT to the command alone;
- full disk: the disk that the run lies on has no byte left for some seconds (a small tmpfs, so root only);
- no permission: the folders of the run cannot be written to for some seconds.

python bench/faults.py --interruptions 200

Measured on two cores that other work shared, with --part 0.13: 200 interruptions of 4 runs (48 kills, 41 terminations,
40 interrupts, 37 full disks, 34 times no permission), no process left behind, no command that hung, and all results,
captioners and pictures of the corpus equal to those of the undisturbed run. Then 60 interruptions of 1 run (10 kills,
11 terminations, 16 interrupts, 15 full disks, 8 times no permission): the same, and all features and weights equal, too.
"""

import argparse
import contextlib
import json
import math
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections import Counter
from hashlib import sha256
from pathlib import Path
from random import Random
from uuid import uuid4

import pandas as pd
import psutil

ROOT = Path(__file__).resolve().parents[1]
MARK = "ALTLIB_FAULTS"  # in the environment of all that a command starts
SIGNALS = {"kill": signal.SIGKILL, "terminate": signal.SIGTERM, "interrupt": signal.SIGINT}
DISK = "2500M"  # size of the tmpfs
HOLD = 3.0  # seconds that a full disk or a lack of permission lasts
TIMES = {"seconds", "examples_per_second"}  # differ from run to run
PATIENCE = 4  # interruptions without a completed chapter, after which the waits become longer
ENDS = 60.0  # seconds in which an interrupted command must have ended


def copy_project(folder):
    """The parts of the project that a run needs, so that the runs lie in a folder of their own."""
    for name in ("book", "params"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns(".ipynb_checkpoints", "_build"))
    shutil.copy(ROOT / "_config.yml", folder)
    return folder


def start(project, mark):
    """Start the command on the smoke book; as root, without root's right to write everywhere."""
    command = [sys.executable, "-m", "altlib", "book", str(project / "params" / "smoke.yaml")]
    if hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("setpriv"):
        rights = "-dac_override,-dac_read_search"
        command = ["setpriv", f"--bounding-set={rights}", f"--inh-caps={rights}", "--", *command]
    environment = {**os.environ, MARK: mark, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"}
    with (project / "command.log").open("a") as log:
        return subprocess.Popen(command, cwd=project, env=environment, stdout=log, stderr=log, start_new_session=True)


def started(mark):
    """All processes that a command with this mark started and that are still there."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


@contextlib.contextmanager
def full_disk(project):
    """No byte is left on the disk of the project."""
    filler = project / "filler"
    with filler.open("wb") as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(1 << 20))
            file.flush()
    with filler.open("ab", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
    try:
        yield
    finally:
        filler.unlink()


@contextlib.contextmanager
def no_permission(project):
    """The folders of the run cannot be written to."""
    folders = [path for path in [project / "runs", *(project / "runs").rglob("*")] if path.is_dir()]
    for path in folders:
        with contextlib.suppress(FileNotFoundError):
            path.chmod(0o555)
    try:
        yield
    finally:
        for path in folders:
            with contextlib.suppress(FileNotFoundError):
                path.chmod(path.stat().st_mode | stat.S_IWUSR)


def end(process):
    """Wait until a command has ended; one that does not end is killed, and counts as hung."""
    try:
        process.wait(ENDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return "hung"
    return ""


def interrupt(project, process, fault):
    """Do what the fault says to a running command; returns what went wrong beyond it, or nothing."""
    if fault in SIGNALS:
        process.send_signal(SIGNALS[fault])
        return end(process)
    with (full_disk if fault == "full disk" else no_permission)(project):
        deadline = time.monotonic() + HOLD
        while process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
    if process.poll() is None:  # it may not have written anything meanwhile
        process.send_signal(signal.SIGTERM)
    return end(process)


def differences(a, b, where):
    """Every place where two JSON values differ."""
    if isinstance(a, dict) and isinstance(b, dict):
        for key in sorted(set(a) | set(b)):
            if key not in TIMES:
                yield from differences(a.get(key), b.get(key), f"{where}.{key}")
    elif isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        for number, pair in enumerate(zip(a, b, strict=True)):
            yield from differences(*pair, f"{where}[{number}]")
    elif isinstance(a, float) and isinstance(b, float):
        if not (a == b or (math.isnan(a) and math.isnan(b))):
            yield f"{where}: {a!r} and {b!r}"
    elif a != b:
        yield f"{where}: {str(a)[:80]!r} and {str(b)[:80]!r}"


def read(path):
    """A result as nested lists and dictionaries, or as its lines; paths of pictures by their names alone."""
    if path.suffix == ".parquet":
        frame = pd.read_parquet(path)
        if "image" in frame:
            frame["image"] = frame["image"].str.split("/").str[-1]
        return frame.sort_values(list(frame.columns[:2])).astype(object).where(frame.notna(), None).to_dict("list")
    return json.loads(path.read_text()) if path.suffix == ".json" else path.read_text().splitlines()


def compare(run, other):
    """Where the results of two runs differ: numbers and texts, and every byte of weights and corpus."""
    names = ["captioners/curves.json", *(str(p.relative_to(other)) for p in sorted(other.glob("results/*.*")))]
    found = []
    for name in names:
        found += differences(read(run / name), read(other / name), name)
    here, there = contents(run), contents(other)
    return found + [f"{folder}: other bytes" for folder in sorted({folder for folder, _ in here ^ there})]


def contents(run):
    """The folder and the digest of each file of weights, features or pixels.

    Without its name: features are kept under names that hold the times of the pictures' files.
    """
    paths = [path for kind in ("*.safetensors", "*.png") for path in run.rglob(kind)]
    folders = {path: str(path.parent.relative_to(run)) for path in paths}
    return {(f, sha256(path.read_bytes()).hexdigest()) for path, f in folders.items() if f.split("/")[0] != "html"}


def disturbed_run(project, longest, faults, rng, mark, left):
    """One run of the book, interrupted until it is complete or nothing is left to interrupt; returns the faults done.

    Where no chapter is completed between several interruptions, the waits become longer.
    """
    done, chapters, in_vain = [], 0, 0
    while True:
        process = start(project, mark)
        fault = rng.choice(faults)
        longer = longest * 1.5 ** (in_vain // PATIENCE)
        try:
            status = process.wait(rng.uniform(0.5, longer) if len(done) < left else None)
        except subprocess.TimeoutExpired:
            trouble = interrupt(project, process, fault)
            done.append(f"{fault} {trouble}".strip())
            deadline = time.monotonic() + 10
            while (behind := started(mark)) and time.monotonic() < deadline:
                time.sleep(0.2)
            if behind:
                done.append(f"{len(behind)} processes left behind by {fault}")
                for process in behind:
                    process.kill()
            completed = len(list(project.glob("runs/*/records/*.json")))
            in_vain = in_vain + 1 if completed == chapters else 0
            chapters = completed
            print(f"{len(done):5} {done[-1]}; {completed} chapters complete", flush=True)
            continue
        if status == 0:
            return done
        done.append(f"failed by itself, status {status}: see {project / 'command.log'}")
        raise SystemExit("\n".join(done))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--interruptions", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--part", type=float, default=0.33, help="the longest wait for a fault, in undisturbed runs")
    parser.add_argument("--folder", type=Path, default=None, help="where the runs lie (default: a temporary folder)")
    options = parser.parse_args()
    # Where this runs in the background SIGINT may be ignored, and would be in all that it starts.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    rng, counts, lost = Random(options.seed), Counter(), 0
    with contextlib.ExitStack() as held:
        folder = options.folder or Path(held.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        faults = [*SIGNALS, "no permission"]
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "altlib-faults", folder], check=False)
        if mounted.returncode == 0:
            held.callback(subprocess.run, ["umount", "--lazy", folder], check=False)
            faults.append("full disk")
        calm = copy_project(folder / "calm")
        began = time.monotonic()
        if start(calm, uuid4().hex).wait():
            raise SystemExit(f"the undisturbed run failed: {(calm / 'command.log').read_text()[-2000:]}")
        longest = time.monotonic() - began
        print(f"undisturbed: {longest:.0f} s; faults: {', '.join(faults)}", flush=True)
        done, runs = 0, 0
        while done < options.interruptions:
            project = copy_project(folder / f"run-{runs}")
            found = disturbed_run(
                project, longest * options.part, faults, rng, uuid4().hex, options.interruptions - done
            )
            counts.update(found)
            done += sum("left behind" not in each for each in found)
            differing = compare(project / "runs" / "smoke", calm / "runs" / "smoke")
            lost += bool(differing)
            runs += 1
            print(
                f"run {runs}: {len(found)} interruptions, {done} in all; {differing[:3] or 'results equal'}", flush=True
            )
            shutil.rmtree(project)
        for what, number in sorted(counts.items()):
            print(f"{number:5} {what}")
        print(f"{done} interruptions of {runs} runs; {runs - lost} with equal results, {lost} not")
    raise SystemExit(1 if lost or any("behind" in c or "hung" in c for c in counts) else 0)


if __name__ == "__main__":
    main()
