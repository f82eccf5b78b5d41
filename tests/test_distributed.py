"""Two processes under ``accelerate launch`` do what one does."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image

from altlib.cli.main import main
from altlib.data.posts import write_corpus
from altlib.data.sources.registry import collect
from tests.conftest import ROOT

SCRIPT = Path(__file__).with_name("distributed_training.py")


LAUNCH = [sys.executable, "-m", "accelerate.commands.launch", "--cpu", "--num_machines", "1", "--mixed_precision", "no"]
LAUNCH += ["--dynamo_backend", "no", "--main_process_port", "0", "--num_processes"]


def launched(folder: Path, processes: int) -> tuple[list[dict], torch.Tensor]:
    """The curve and the features of a run with so many processes on the CPU."""
    (folder / "pictures").mkdir(parents=True)
    for n in range(8):
        Image.linear_gradient("L").resize((40 + 9 * n, 40)).convert("RGB").save(folder / "pictures" / f"{n}.png")
    launch = [*LAUNCH, str(processes)] if processes > 1 else [sys.executable]
    done = subprocess.run([*launch, str(SCRIPT), str(folder)], capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads((folder / "curve.json").read_text()), torch.load(folder / "features.pt", weights_only=True)


def test_two_processes_train_as_one_does(tmp_path) -> None:
    """52 updates with the same global batch: the same losses to 1e-4, the same features."""
    (one, features), (two, shared) = (launched(tmp_path / str(n), n) for n in (1, 2))
    assert len(one) == len(two) == 4
    for a, b in zip(one, two, strict=True):
        assert b["training_loss"] == pytest.approx(a["training_loss"], abs=1e-4)
        assert b["validation_loss"] == pytest.approx(a["validation_loss"], abs=1e-4)
    assert one[-1]["training_loss"] < one[0]["training_loss"]
    torch.testing.assert_close(shared, features)


def test_all_captioners_of_a_run_are_trained_by_two_processes(tmp_path) -> None:
    """``altlib train`` under ``accelerate launch``; one process then finds everything finished."""
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
        [*LAUNCH, "2", "-m", "altlib", *arguments],
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
    assert main(arguments) == 0
    assert all(p.stat().st_mtime_ns == then for p, then in curves.items())
