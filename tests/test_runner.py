"""The runner on a project of two small chapters."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import nbformat
import psutil
import pytest
from nbclient.exceptions import DeadKernelError

from altlib.cli.main import main
from altlib.core.errors import ParameterError, RunError
from altlib.runs.book import project_root, run_book
from altlib.runs.execute import chapter_error
from altlib.runs.parameters import read_chapter, read_chapters
from altlib.runs.plan import dependencies, loads_torch, waiting
from altlib.runs.seeds import parse_seeds
from altlib.runs.workflow import kubernetes
from tests.conftest import ROOT, wait_until

FIRST = [
    'n: int = 2  # how many [1, 9]\nrun_folder: str = "x"  # folder\nseed: int = 0  # seed',
    "from pathlib import Path\nfrom altlib.core.files import write_json\nwrite_json(Path(run_folder) / 'a.json', list(range(n)))",
    "with open(Path(run_folder) / 'first.log', 'a') as f:\n    f.write('x')\nprint('<script>alert(1)</script>')",
]
SECOND = [
    'bad: bool = False  # fail\nwait: float = 0.0  # seconds [0, 100]\nrun_folder: str = "x"  # folder\nseed: int = 0  # seed',
    "import time\nfrom pathlib import Path\nfrom altlib.core.files import read_json, write_json\nkept = 41 + 1\nprint(kept)",
    "Path(run_folder, 'waiting').touch()\ntime.sleep(wait)\nif bad:\n    raise ValueError('the broken thing')",
    "write_json(Path(run_folder) / 'b.json', read_json(Path(run_folder) / 'a.json'))",
]


def notebook(path: Path, title: str, cells: list[str], reads: list[str], writes: list[str]) -> None:
    book = nbformat.v4.new_notebook()
    book.metadata.update(
        {
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
            "altlib": {"reads": reads, "writes": writes},
        }
    )
    book.cells = [nbformat.v4.new_markdown_cell(f"# {title}"), *map(nbformat.v4.new_code_cell, cells)]
    book.cells[1].metadata["tags"] = ["parameters"]
    nbformat.write(book, path)


@pytest.fixture
def project(tmp_path):
    (tmp_path / "book").mkdir()
    notebook(tmp_path / "book" / "01-first.ipynb", "First", FIRST, [], ["a.json"])
    notebook(tmp_path / "book" / "02-second.ipynb", "Second", SECOND, ["a.json"], ["b.json"])
    (tmp_path / "book" / "intro.md").write_text("# Hello\n")
    (tmp_path / "book" / "_toc.yml").write_text(
        "format: jb-book\nroot: intro\nchapters:\n  - file: 01-first\n  - file: 02-second\n"
    )
    (tmp_path / "_config.yml").write_text(
        "title: T\nexecute:\n  execute_notebooks: 'off'\nhtml:\n  use_repository_button: false\n"
    )
    (tmp_path / "p.yaml").write_text("run: r\n")
    return tmp_path


def times_run(project) -> int:
    return len((project / "runs" / "r" / "first.log").read_text())


def test_a_run_is_complete_then_idle_then_redone_where_something_changed(project, capsys):
    index = run_book(project / "p.yaml", [], [])
    run = project / "runs" / "r"
    assert index.is_file() and json.loads((run / "b.json").read_text()) == [0, 1]
    record = json.loads((run / "records" / "02-second.json").read_text())
    assert record["wall_time_s"] > 0 and record["versions"]["torch"] and record["hardware"]["cores"] == os.cpu_count()
    page = (run / "html" / "01-first.html").read_text()
    assert "How this page was made" in page and "<script>alert(1)" not in page and "&lt;script&gt;alert(1)" in page

    before = index.stat().st_mtime_ns
    run_book(project / "p.yaml", [], [])
    assert "Nothing has changed" in capsys.readouterr().out and index.stat().st_mtime_ns == before

    run_book(project / "p.yaml", ["second.wait=0.1"], [])
    assert times_run(project) == 1  # only the second chapter ran again
    run_book(project / "p.yaml", ["second.wait=0.1", "first.n=3"], [])
    assert times_run(project) == 2 and json.loads((run / "b.json").read_text()) == [0, 1, 2]


def test_a_dry_run_says_what_would_be_run_and_runs_nothing(project, capfd):
    assert main(["book", str(project / "p.yaml"), "--", "--dry-run"]) == 0
    said = capfd.readouterr().out
    assert "first" in said and "second" in said and "Nothing was run" in said
    assert not (project / "runs" / "r" / "a.json").exists()


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


def test_an_error_names_chapter_cell_and_cause_and_keeps_what_was_finished(project):
    with pytest.raises(RunError, match=r"02-second, cell \d+ .*: ValueError: the broken thing") as caught:
        run_book(project / "p.yaml", ["second.bad=true"], [])
    run = project / "runs" / "r"
    failed = run / "notebooks" / "02-second.failed.ipynb"
    assert str(failed) in str(caught.value)
    assert any("42" in str(c.get("outputs")) for c in nbformat.read(failed, as_version=4).cells)
    assert (run / "notebooks" / "01-first.ipynb").is_file() and not (run / "b.json").exists()
    run_book(project / "p.yaml", [], [])
    assert times_run(project) == 1 and not failed.exists()


def test_an_error_that_is_not_the_chapters_is_named_too(tmp_path):
    said = chapter_error("02-second", OSError(errno.ENOSPC, "No space left on device"), tmp_path / "02.failed.ipynb")
    assert said.startswith("02-second: OSError: [Errno 28] No space left on device\n")
    assert "02.failed.ipynb" in said and "run the same command again" in said
    assert "its kernel died" in chapter_error("02-second", DeadKernelError("x"), tmp_path)


@pytest.mark.parametrize(
    ("reaches", "number"),
    [("all processes", signal.SIGKILL), ("the command", signal.SIGKILL), ("the command", signal.SIGINT)],
)
def test_a_killed_run_leaves_no_process_and_goes_on(project, reaches, number):
    command = [sys.executable, "-m", "altlib", "book", str(project / "p.yaml"), "--set", "second.wait=60"]
    process = subprocess.Popen(
        command, cwd=project, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    run = project / "runs" / "r"
    assert wait_until((run / "waiting").exists, 120)
    with pytest.raises(RunError, match="another process is running r"):
        run_book(project / "p.yaml", [], [])
    below = psutil.Process(process.pid).children(recursive=True)
    assert len(below) >= 3  # Snakemake, the chapter, its kernel
    if reaches == "all processes":
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)
    process.wait()
    _, alive = psutil.wait_procs(below, timeout=30)
    assert not alive
    assert not (run / "b.json").exists()
    assert run_book(project / "p.yaml", [], []).is_file()
    assert times_run(project) == 1


def test_a_wrong_parameter_stops_before_anything_runs(project):
    with pytest.raises(ParameterError, match=r"first\.m: unknown parameter"):
        run_book(project / "p.yaml", ["first.m=3"], [])
    assert not (project / "runs").exists()


def test_a_chapter_depends_on_the_modules_it_imports_and_theirs():
    files = {p.stem for p in dependencies(read_chapter(ROOT / "book" / "04-prefix-deembedding.ipynb"), ROOT / "altlib")}
    assert {"deembedding", "captioner", "language", "files", "figures"} <= files
    assert not {"plan", "main", "scene", "duplicates", "caption_metrics"} & files


def test_all_chapters_but_the_first_load_torch_at_once():
    chapters = read_chapters(ROOT / "book")
    assert [c.name for c in chapters if not loads_torch(c, ROOT / "altlib")] == ["collection"]


def test_what_most_chapters_wait_for_comes_first():
    chapters = read_chapters(ROOT / "book")
    by_name = {c.name: waiting(c, chapters) for c in chapters}
    assert by_name["training"] == {"results-and-decoding", "prefix-deembedding"}
    assert by_name["collection"] > by_name["training"] | by_name["clip-prefers-descriptions"]
    assert by_name["pretraining"] == set()


def test_the_command_loads_no_model_library_to_check_a_file():
    """Each chapter starts a command of its own, so what it imports counts many times."""
    code = "import sys; from altlib.cli.main import main; main(sys.argv[1:]); print(sorted({'torch', 'pandas'} & set(sys.modules)))"
    command = [sys.executable, "-c", code, "check", str(ROOT / "params" / "smoke.yaml")]
    said = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert "valid" in said and said.endswith("[]\n")


def test_seeds():
    assert parse_seeds("0-2,7,1") == [0, 1, 2, 7]
    for bad in ("", "3-1", "a", "0-5000"):
        with pytest.raises(ValueError):
            parse_seeds(bad)


def test_a_place_without_a_project_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("altlib.runs.book.__file__", str(tmp_path / "x.py"))
    with pytest.raises(RunError, match="found no project"):
        project_root()


def test_several_seeds_are_run_apart_and_summarised(project, monkeypatch, capsys):
    from altlib.runs import seeds

    runs = []

    def one_run(parameter_file, settings, snakemake, root):
        run = next(s.removeprefix("run=") for s in settings if s.startswith("run="))
        seed = int(next(s.removeprefix("common.seed=") for s in settings if s.startswith("common.seed=")))
        runs.append((run, seed))
        write = root / "runs" / run / "results" / "scores.json"
        write.parent.mkdir(parents=True)
        write.write_text(json.dumps({"systems": {"ours": {"BLEU@4": {"value": 10.0 + seed, "low": 0, "high": 20}}}}))

    monkeypatch.setattr(seeds, "run_book", one_run)
    summary = json.loads(seeds.run_seeds(project / "p.yaml", [], [0, 1, 2], []).read_text())
    assert runs == [("r-seed0", 0), ("r-seed1", 1), ("r-seed2", 2)]
    found = summary["systems"]["ours"]["BLEU@4"]
    assert found["values"] == [10, 11, 12] and found["mean"] == 11 and found["low"] < 10 < 12 < found["high"]
    out = capsys.readouterr().out
    assert "11.00 ± 2.48" in out and "95% intervals over seeds [0, 1, 2]" in out
    runs.clear()
    shutil.rmtree(project / "runs")
    summary = json.loads(seeds.run_seeds(project / "p.yaml", [], [4], []).read_text())
    assert summary["systems"]["ours"]["BLEU@4"] == {"mean": 14, "low": None, "high": None, "values": [14]}
