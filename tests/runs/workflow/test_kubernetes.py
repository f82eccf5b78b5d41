"""Chapters as jobs of a Kubernetes cluster, and the profiles of clusters."""

import json
import os
import sys
from pathlib import Path

import pytest

from altlib.core.errors import RunError
from altlib.runs.book import run_book
from altlib.runs.workflow import kubernetes
from tests.conftest import ROOT

KUBECTL = """#!{python}
# Stands in for kubectl: runs a job at once and remembers how it ended.
import json, pathlib, subprocess, sys
folder = pathlib.Path(__file__).parent
if sys.argv[1] == "apply":
    job = json.load(sys.stdin)
    container = job["spec"]["template"]["spec"]["containers"][0]
    with open(folder / "jobs.log", "a") as log:
        log.write(json.dumps(job) + chr(10))
    ended = subprocess.run(container["command"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
    failed = {{"conditions": [{{"type": "Failed", "status": "True"}}]}}
    status = failed if ended else {{"succeeded": 1}}
    (folder / job["metadata"]["name"]).write_text(json.dumps({{"status": status}}))
else:
    print((folder / sys.argv[3]).read_text())
"""


def test_chapters_run_as_kubernetes_jobs(project, tmp_path, monkeypatch):
    """The profile with a stand-in for kubectl: one job a chapter, and what fails in one is told as it is here."""
    (tools := tmp_path / "tools").mkdir()
    (tools / "kubectl").write_text(KUBECTL.format(python=sys.executable))
    (tools / "kubectl").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:{Path(sys.executable).parent}:{os.environ['PATH']}")
    profile = [
        "--profile",
        str(ROOT / "altlib" / "runs" / "workflow" / "profiles" / "kubernetes"),
        "--latency-wait",
        "5",
    ]
    profile += ["--seconds-between-status-checks", "1"]
    run_book(project / "p.yaml", [], ["--dry-run", *profile])
    assert not (tools / "jobs.log").exists()
    run = project / "runs" / "r"
    with pytest.raises(RunError, match=r"02-second, cell \d+ .*: ValueError: the broken thing"):
        run_book(project / "p.yaml", ["second.bad=true"], [*profile, "--until", "second"])
    jobs = [json.loads(line) for line in (tools / "jobs.log").read_text().splitlines()]
    assert (run / "records" / "01-first.json").is_file() and len(jobs) == 2
    container = jobs[0]["spec"]["template"]["spec"]["containers"][0]
    assert container["resources"]["limits"]["memory"] == "32000Mi" and container["volumeMounts"]
    assert len({job["metadata"]["name"] for job in jobs}) == 2 and jobs[0]["spec"]["backoffLimit"] == 0


def test_without_kubectl_it_is_said(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert kubernetes.main(["submit", "job.sh"]) == 1 and "kubectl is not on the PATH" in capsys.readouterr().err
    assert kubernetes.status_of({"status": {"active": 1}}) == "running"


def test_the_profile_and_the_job_of_a_cluster_are_sound():
    """The profile's settings are options of Snakemake or of its Slurm plugin; the job runs a command that exists."""
    import yaml
    from snakemake.cli import get_argument_parser

    workflow = ROOT / "altlib" / "runs" / "workflow"
    known = {o.lstrip("-") for a in get_argument_parser()._actions for o in a.option_strings}
    profile = yaml.safe_load((workflow / "profiles" / "slurm" / "config.yaml").read_text())
    assert profile.keys() <= known and profile["executor"] == "slurm"
    job = yaml.safe_load((workflow / "kubernetes.yaml").read_text())
    program, *arguments = job["spec"]["template"]["spec"]["containers"][0]["command"]
    assert program == "altlib" and arguments[0] == "book" and (ROOT / arguments[1]).is_file()
