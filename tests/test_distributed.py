"""Two processes under ``accelerate launch`` do what one does."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image

SCRIPT = Path(__file__).with_name("distributed_training.py")


def launched(folder: Path, processes: int) -> tuple[list[dict], torch.Tensor]:
    """The curve and the features of a run with so many processes on the CPU."""
    (folder / "pictures").mkdir(parents=True)
    for n in range(8):
        Image.linear_gradient("L").resize((40 + 9 * n, 40)).convert("RGB").save(folder / "pictures" / f"{n}.png")
    launch = [sys.executable, "-m", "accelerate.commands.launch", "--cpu", "--num_processes", str(processes)]
    options = ["--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no", "--main_process_port", "0"]
    done = subprocess.run(
        [*(launch + options if processes > 1 else launch[:1]), str(SCRIPT), str(folder)],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
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
