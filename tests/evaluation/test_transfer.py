"""Zero-shot classification before and after tuning."""

import dataclasses
import json

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torch.nn import functional as F

from altlib.evaluation import transfer
from altlib.miniworld import tasks


def test_macro_f1_by_hand():
    targets = torch.tensor([0, 0, 1, 1, 2])
    predicted = torch.tensor([0, 1, 1, 1, 0])
    # class 0: TP 1, FP 1, FN 1 -> 1/2; class 1: TP 2, FP 1 -> 4/5; class 2: none -> 0
    assert transfer.macro_f1(predicted, targets) == pytest.approx((0.5 + 0.8 + 0) / 3)
    assert transfer.macro_f1(targets, targets) == 1


@given(st.lists(st.integers(0, 4), min_size=2, max_size=30), st.integers(0, 5))
def test_macro_f1_does_not_depend_on_the_order_of_pictures(targets, seed):
    targets = torch.tensor(targets)
    generator = torch.Generator().manual_seed(seed)
    predicted = targets[torch.randperm(len(targets), generator=generator)]
    order = torch.randperm(len(targets), generator=generator)
    score = transfer.macro_f1(predicted, targets)
    assert 0 <= score <= 1
    assert transfer.macro_f1(predicted[order], targets[order]) == pytest.approx(score)


def test_half_of_each_class_reports(base, tmp_path, monkeypatch):
    classes = {"beach": "beach", "kitchen": "kitchen"}
    monkeypatch.setattr(tasks, "miniworld_classes", lambda: {"Places": classes})
    (task,) = transfer.miniworld_tasks(base, tmp_path, per_class=4)
    assert task.reports.tolist() == [False, True] * 4 and task.targets.tolist() == [0] * 4 + [1] * 4
    torch.testing.assert_close(
        transfer.encode_pictures(task.read, 8, lambda x: base.model.encode_image(x, normalize=True)),
        task.features,
        atol=1e-5,
        rtol=0,
    )
    with pytest.raises(ValueError, match="at least two"):
        transfer.miniworld_tasks(base, tmp_path, per_class=1)


def test_zero_shot_takes_the_nearest_label():
    features = F.normalize(torch.eye(4)[[0, 1, 2, 2]] + 0.1, dim=1)
    task = transfer.TransferTask(
        "t",
        ["a", "b", "c"],
        features,
        torch.tensor([0, 1, 2, 1]),
        torch.tensor([True, True, True, False]),
        lambda i: features,
    )
    assert transfer.zero_shot(task, torch.eye(4)[:3], reporting=True) == 1
    assert transfer.zero_shot(task, torch.eye(4)[:3], reporting=False) == 0


def test_torchvision_datasets_are_read_by_path_and_kept(base, tmp_path):
    root = tmp_path / "food-101"
    (root / "meta").mkdir(parents=True)
    names = ["apple_pie", "sushi"]
    for name in names:
        (root / "images" / name).mkdir(parents=True)
        for i in range(3):
            Image.effect_noise((40, 30), 80).convert("RGB").save(root / "images" / name / f"{i}.jpg")
    listing = {n: [f"{n}/{i}" for i in range(3)] for n in names}
    for part in ("train", "test"):
        (root / "meta" / f"{part}.json").write_text(json.dumps(listing))
    (task,) = transfer.torchvision_tasks(base, tmp_path, tmp_path / "cache")
    assert task.labels == ["apple pie", "sushi"] and sorted(task.targets.tolist()) == [0, 0, 0, 1, 1, 1]
    for image in (root / "images").rglob("*.jpg"):
        image.unlink()
    (again,) = transfer.torchvision_tasks(base, tmp_path, tmp_path / "cache")
    assert torch.equal(task.features, again.features)
    with pytest.raises(ValueError, match=r"holds none.*download=True"):
        transfer.torchvision_tasks(base, tmp_path / "cache", tmp_path / "cache")


def test_the_key_of_a_datasets_features_changes_with_everything_that_chooses_them(base, tmp_path, monkeypatch):
    usual = {"clip": base, "root": tmp_path, "name": "a", "labels": ["x", "y"], "order": np.arange(4)}
    changes = {
        "clip": dataclasses.replace(base, fingerprint="other"),
        "root": tmp_path / "other",
        "name": "b",
        "labels": ["x", "z"],
        "order": np.arange(4)[::-1],
    }
    keys = {str(transfer.dataset_key(**usual | {name: value})) for name, value in changes.items()}
    keys |= {str(transfer.dataset_key(**usual | {"order": np.arange(5)})), str(transfer.dataset_key(**usual))}
    assert str(transfer.dataset_key(**usual)) == str(transfer.dataset_key(**usual))
    monkeypatch.setattr(transfer, "CODE", "another")
    assert len({*keys, str(transfer.dataset_key(**usual))}) == len(changes) + 3
