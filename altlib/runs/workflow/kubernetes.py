"""Chapters as Kubernetes jobs: what Snakemake's ``cluster-generic`` executor calls to submit one and to ask after it.

Snakemake's own executor for Kubernetes assumes that jobs share no file system, while chapters
hand on whole folders. So each chapter becomes a job of the manifest ``altlib/runs/workflow/kubernetes.yaml``,
whose volume all pods see at the same place.
"""

from __future__ import annotations

import argparse
import copy
import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import yaml

MANIFEST = Path(__file__).resolve().parent / "kubernetes.yaml"


def job_of(manifest: dict[str, Any], script: str, cores: int, memory: int, gpus: int) -> dict[str, Any]:
    """A job like that of the manifest, which runs a script of Snakemake once; ``memory`` in MiB."""
    job = copy.deepcopy(manifest)
    job["metadata"]["name"] = f"{manifest['metadata']['name']}-{uuid4().hex[:12]}"
    job["spec"]["backoffLimit"] = 0  # Snakemake tells what failed, and the same command goes on from there
    container = job["spec"]["template"]["spec"]["containers"][0]
    container["command"] = ["sh", script]
    limits = {"cpu": cores, "memory": f"{memory}Mi"} | ({"nvidia.com/gpu": gpus} if gpus else {})
    container["resources"] = {"limits": limits}
    return job


def status_of(job: dict[str, Any]) -> str:
    """``success``, ``failed`` or ``running``: a job as Kubernetes describes it."""
    status = job.get("status", {})
    if status.get("succeeded"):
        return "success"
    failed = any(c["type"] == "Failed" and c["status"] == "True" for c in status.get("conditions", []))
    return "failed" if failed else "running"


def main(arguments: list[str] | None = None) -> int:
    """``submit`` prints the new job's name, ``status`` one word; both call ``kubectl``."""
    parser = argparse.ArgumentParser(prog="altlib-kubernetes", description=main.__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    submit = commands.add_parser("submit")
    submit.add_argument("--manifest", type=Path, default=MANIFEST)
    submit.add_argument("--cores", type=int, default=1)
    submit.add_argument("--memory", type=int, default=32_000, help="MiB")
    submit.add_argument("--gpus", type=int, default=0)
    submit.add_argument("script")
    commands.add_parser("status").add_argument("name")
    options = parser.parse_args(arguments)
    if options.command == "submit":
        manifest = yaml.safe_load(options.manifest.read_text(encoding="utf-8"))
        job = job_of(manifest, options.script, options.cores, options.memory, options.gpus)
        call, given = ["kubectl", "apply", "--filename", "-"], json.dumps(job)
    else:
        call, given = ["kubectl", "get", "job", options.name, "--output", "json"], ""
    try:
        done = subprocess.run(call, input=given, capture_output=True, text=True, check=True)
    except FileNotFoundError:
        print("kubectl is not on the PATH: install it and give it access to your cluster", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print(f"kubectl failed: {error.stderr.strip()}", file=sys.stderr)
        return 1
    print(job["metadata"]["name"] if options.command == "submit" else status_of(json.loads(done.stdout)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
