import dataclasses
import json
import os
import subprocess
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch.nn import functional as F

from altlib.models.captioner import CaptionerConfig, build_captioner, load_captioner
from altlib.training import captions, loop
from altlib.training.captions import (
    TrainingSettings,
    example_losses,
    process_parts,
    train,
    training_key,
    validation_loss,
)
from altlib.training.examples import CaptionData, Examples, encode_posts
from tests.conftest import ALTS, POSTS, ROOT, TORCHRUN


def data_for(captioner, n=40):
    torch.manual_seed(5)
    feats = F.normalize(torch.randn(n, 8), dim=-1)
    return encode_posts(captioner, feats, [POSTS[i % 7] for i in range(n)], [ALTS[i % 7] for i in range(n)])


def new_captioner(**changes):
    return build_captioner(
        CaptionerConfig("miniature", clip_width=8, prefix_length=2, max_tokens=30, **changes), seed=0
    )


def test_training_learns_and_repeats_exactly(tmp_path):
    settings = TrainingSettings(epochs=3, batch_size=8, learning_rate=3e-3, seed=1)
    curves = []
    for run in ("a", "b"):
        captioner = new_captioner()
        data = data_for(captioner)
        before = validation_loss(captioner.eval(), data, 8, torch.float32)
        captioner, curve = train(captioner, data, data, settings, tmp_path / run, run, "cpu")
        assert curve["validation_loss"].min() < before
        curves.append(curve)
    assert curves[0][["training_loss", "validation_loss"]].equals(curves[1][["training_loss", "validation_loss"]])


def test_training_ends_after_its_most_updates_in_the_middle_of_an_epoch(tmp_path):
    data = data_for(new_captioner())
    an_epoch = -(-len(data) // 8)
    curves = {}
    for steps in (0, 2, an_epoch, an_epoch + 2):
        settings = TrainingSettings(epochs=2, batch_size=8, learning_rate=1e-3, seed=1, steps=steps)
        _, curves[steps] = train(new_captioner(), data, data, settings, tmp_path / str(steps), "x", "cpu")
    assert [curve["epoch"].tolist() for curve in curves.values()] == [
        *([1, 2], [2 / an_epoch], [1], [1, 1 + 2 / an_epoch])
    ]
    spent = curves[2].iloc[0]
    assert spent["examples_per_second"] * spent["seconds"] == pytest.approx(16)


def test_a_killed_training_goes_on_exactly(tmp_path, monkeypatch):
    """Stop in the middle of the second epoch, start again: the same weights and curve as undisturbed."""
    settings = TrainingSettings(epochs=3, batch_size=8, learning_rate=3e-3, seed=1)
    undisturbed, curve = train(new_captioner(), *[data_for(new_captioner())] * 2, settings, tmp_path / "a", "a", "cpu")
    monkeypatch.setattr("altlib.training.loop.SAVE_EVERY", 2)
    calls = 0
    update = loop.update

    def killed(*args):
        nonlocal calls
        calls += 1
        if calls == 9:
            raise KeyboardInterrupt
        return update(*args)

    monkeypatch.setattr(loop, "update", killed)
    with pytest.raises(KeyboardInterrupt):
        train(new_captioner(), *[data_for(new_captioner())] * 2, settings, tmp_path / "b", "b", "cpu")
    monkeypatch.setattr(loop, "update", update)
    resumed, again = train(new_captioner(), *[data_for(new_captioner())] * 2, settings, tmp_path / "b", "b", "cpu")
    assert curve[["training_loss", "validation_loss"]].equals(again[["training_loss", "validation_loss"]])
    for a, b in zip(undisturbed.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(a, b)
    assert not (tmp_path / "b" / "checkpoint.pt").exists()


def test_a_finished_training_is_not_repeated_and_a_changed_one_is(tmp_path, monkeypatch):
    settings = TrainingSettings(epochs=1, batch_size=8, seed=1)
    train(new_captioner(), *[data_for(new_captioner())] * 2, settings, tmp_path, "x", "cpu")

    monkeypatch.setattr(loop, "update", lambda *a: pytest.fail("trained again"))
    train(new_captioner(), *[data_for(new_captioner())] * 2, settings, tmp_path, "x", "cpu")
    longer = dataclasses.replace(settings, epochs=2)
    with pytest.raises(pytest.fail.Exception):
        train(new_captioner(), *[data_for(new_captioner())] * 2, longer, tmp_path, "x", "cpu")
    monkeypatch.setattr(captions, "CODE", "another")
    with pytest.raises(pytest.fail.Exception):
        train(new_captioner(), *[data_for(new_captioner())] * 2, settings, tmp_path, "x", "cpu")


def test_the_losses_of_examples_are_their_likelihoods_and_add_up(captioner):
    data = data_for(captioner)
    losses = example_losses(captioner, data, 3, torch.float32)
    features, examples = data.batch(list(range(len(data))))
    torch.testing.assert_close(losses[:, 0].float(), -captioner.log_likelihoods(features, examples))
    assert losses[:, 1].tolist() == [len(e.alt_text) + 1 for e in examples]  # with the end
    total, tokens = losses.sum(0).tolist()
    assert validation_loss(captioner, data, 5, torch.float32) == pytest.approx(total / tokens, rel=1e-5)


def test_early_stopping_keeps_the_best_epoch(tmp_path):
    captioner = new_captioner()
    data = data_for(captioner)
    held_out = encode_posts(
        captioner,
        data.features[:5],
        ["nothing alike"] * 5,
        ["zebra xylophone quartz", "jump", "vex", "waltz nymph", "fjord"],
    )
    settings = TrainingSettings(epochs=40, batch_size=8, learning_rate=1e-2, patience=2)
    captioner, curve = train(captioner, data, held_out, settings, tmp_path, "x", "cpu")
    assert len(curve) < 40
    assert len(curve) - curve.loc[curve["validation_loss"].idxmin(), "epoch"] == 2
    assert validation_loss(captioner, held_out, 8, torch.float32) == pytest.approx(
        curve["validation_loss"].min(), abs=1e-5
    )
    assert json.loads((tmp_path / "curve.json").read_text())["best"] == curve["validation_loss"].idxmin()


def test_micro_batches_give_the_same_update(tmp_path):
    settings = TrainingSettings(epochs=1, batch_size=8, learning_rate=1e-3)
    curves = []
    for size in (0, 3):
        captioner = new_captioner()
        for module in captioner.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
        data = data_for(captioner)
        _, curve = train(
            captioner, data, data, dataclasses.replace(settings, micro_batch=size), tmp_path / str(size), "x", "cpu"
        )
        curves.append(curve)
    assert curves[0]["validation_loss"].iloc[-1] == pytest.approx(curves[1]["validation_loss"].iloc[-1], abs=1e-4)


def test_a_frozen_language_model_stays_as_it_was(tmp_path):
    captioner = new_captioner(trains_lm=False, mapper="transformer")
    before = {n: p.clone() for n, p in captioner.language_model.named_parameters()}
    data = data_for(captioner)
    train(captioner, data, data, TrainingSettings(epochs=1, batch_size=8), tmp_path, "x", "cpu")
    assert all(torch.equal(p, before[n]) and p.grad is None for n, p in captioner.language_model.named_parameters())


def test_nothing_to_train_on_is_an_error(tmp_path):
    captioner = new_captioner()
    with pytest.raises(ValueError, match="0 training and 0 validation examples"):
        train(captioner, *[CaptionData(torch.zeros(0, 8), Examples([]))] * 2, TrainingSettings(), tmp_path, "x", "cpu")


def test_a_split_of_a_corpus_needs_no_copy_of_its_features(tmp_path):
    """Rows of all features, and a copy of these rows: the same batches, the same run."""
    captioner = new_captioner()
    data = data_for(captioner)
    rows = torch.arange(3, 40, 2)
    some = Examples(data.examples[i] for i in rows)
    by_rows, copied = CaptionData(data.features, some, rows), CaptionData(data.features[rows], some)
    for a, b in zip(by_rows.batch([0, 5, 2]), copied.batch([0, 5, 2]), strict=True):
        assert torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b
    settings = TrainingSettings()

    def key(training):
        return training_key(captioner, settings, training, data, torch.float32, "cpu")

    assert key(by_rows) == key(copied) != key(data)


def test_the_key_of_a_training_run_changes_with_everything_that_chooses_its_result(monkeypatch):
    captioner = new_captioner()
    data, less = data_for(captioner), data_for(captioner, 39)
    moved = CaptionData(data.features + 1, data.examples)
    usual = {
        "captioner": captioner,
        "settings": TrainingSettings(),
        "training": data,
        "validation": data,
        "precision": torch.float32,
        "device": "cpu",
    }
    changes = [
        ("captioner", new_captioner(trains_lm=False)),
        ("captioner", build_captioner(captioner.config, seed=1)),
        *(("settings", TrainingSettings(**{f.name: 7})) for f in dataclasses.fields(TrainingSettings)),
        *((name, other) for name in ("training", "validation") for other in (less, moved)),
        ("precision", torch.bfloat16),
        ("device", "cuda:0"),
    ]
    keys = [training_key(**usual | {name: value}) for name, value in [("device", "cpu"), *changes]]
    monkeypatch.setattr(captions, "CODE", "another")
    assert len({*keys, training_key(**usual)}) == len(changes) + 2


@pytest.mark.parametrize("rows,processes,size", [(51, 2, 25), (1, 2, 0), (1, 3, 1), (7, 3, 2), (12, 3, 0), (5, 1, 2)])
def test_every_process_has_as_many_parts_and_every_row_is_in_one(rows, processes, size):
    """51 rows in micro-batches of 25 on two processes, for one: 26 and 25 rows, both in two parts."""
    parts = [process_parts(list(range(rows)), process, processes, size) for process in range(processes)]
    assert len({len(p) for p in parts}) == 1
    assert sorted(i for own in parts for part in own for i in part) == list(range(rows))
    assert not size or all(len(part) <= size for own in parts for part in own)


def test_a_captioner_of_another_family_trains_is_saved_and_read_back(other_family, features, posts, tmp_path) -> None:
    data = encode_posts(other_family, features, posts, [f"A boat, number {n}" for n in range(len(posts))])
    settings = TrainingSettings(epochs=2, batch_size=4, learning_rate=1e-2)
    trained, curve = train(other_family, data, data, settings, tmp_path / "c", "other", "cpu")
    assert curve["validation_loss"].iloc[-1] < curve["training_loss"].iloc[0]
    again = load_captioner(tmp_path / "c")
    torch.testing.assert_close(again.token_losses(*data.batch([0, 1]))[0], trained.token_losses(*data.batch([0, 1]))[0])


def trained_by(processes: int, folder: Path) -> tuple[dict, torch.Tensor]:
    """The curves and the features that ``captioner_processes.py`` found with so many processes on the processor."""
    (folder / "pictures").mkdir(parents=True)
    for n in range(8):
        Image.linear_gradient("L").resize((40 + 9 * n, 40)).convert("RGB").save(folder / "pictures" / f"{n}.png")
    done = subprocess.run(
        [*TORCHRUN, str(processes), str(Path(__file__).with_name("captioner_processes.py")), str(folder)],
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads((folder / "found.json").read_text())
    assert found["processes"] == processes
    return found["curves"], torch.load(folder / "features.pt", weights_only=True)


def test_two_and_three_processes_train_as_one_does(tmp_path) -> None:
    """Five updates an epoch, the last on one example or seven: the losses to 1e-5, the same features of pictures."""
    alone, features = trained_by(1, tmp_path / "1")
    for processes in (2, 3):
        together, shared = trained_by(processes, tmp_path / str(processes))
        torch.testing.assert_close(shared, features)
        for examples, curve in alone.items():
            for name in ("training_loss", "validation_loss"):
                losses = [row[name] for row in together[examples]]
                assert losses == pytest.approx([row[name] for row in curve], abs=1e-5), (processes, examples, name)
    assert all(curve[-1]["training_loss"] < curve[0]["training_loss"] for curve in alone.values())
