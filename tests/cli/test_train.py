"""The captioners of a run trained from the command line."""

import shutil
import subprocess

from altlib.cli.main import main
from altlib.data.posts import write_corpus
from altlib.data.sources.registry import collect
from tests.conftest import ROOT, TORCHRUN


def test_training_again_from_the_command_line_finds_everything_finished(book):
    before = {p: p.stat().st_mtime_ns for p in (book / "captioners").rglob("*.safetensors") if "frozen" not in str(p)}
    assert len(before) >= 4
    assert main(["train", str(book.parent.parent / "params" / "smoke.yaml")]) == 0
    assert {p: p.stat().st_mtime_ns for p in before} == before


def test_all_captioners_of_a_run_are_trained_by_two_processes(tmp_path) -> None:
    """``altlib train`` under torchrun; one process then finds everything finished."""
    for name in ("book", "params"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "_config.yml", tmp_path)
    corpus = tmp_path / "runs" / "r" / "corpus"
    posts, _ = collect("miniworld", corpus, posts=24, seed=1)
    posts = posts[posts["alt_text"] != ""].reset_index(drop=True)
    write_corpus(corpus, posts.assign(split=["val" if i % 5 == 0 else "train" for i in range(len(posts))]))
    arguments = ["train", str(tmp_path / "params" / "smoke.yaml")]
    for setting in ("run=r", "training.epochs=1", "training.clipcap=train", "training.caption_posts=12"):
        arguments += ["--set", setting]
    done = subprocess.run(
        [*TORCHRUN, "2", "-m", "altlib", *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    curves = {p: p.stat().st_mtime_ns for p in (tmp_path / "runs" / "r" / "captioners").glob("*/curve.json")}
    names = {"clipcap-frozen", "text-image", "text-only", "clipcap-finetuned", "clipcap-scratch"}
    assert {p.parent.name for p in curves} == names
    assert {p.name for p in (tmp_path / "runs" / "r").rglob("process-*")} == {"process-0", "process-1"}
    assert main(arguments) == 0
    assert all(p.stat().st_mtime_ns == then for p, then in curves.items())
