"""How CLIP is fine-tuned to prefer descriptions."""

import json
from dataclasses import fields, replace
from functools import partial

import open_clip
import pandas as pd
import pytest
import torch

from altlib.core.parallel import side_by_side
from altlib.evaluation import clip_scores
from altlib.evaluation.transfer import TransferTask
from altlib.models.clip import load_clip, save_clip
from altlib.models.description_clip import DescriptionClip, TuningSettings, load_tuned
from altlib.models.triplets import tuning_triplets
from altlib.training import description_tuning
from altlib.training.description_tuning import Measurement, tune
from tests.small_clip import SMALL_TUNING

CHOOSING = ("features", "captions", "descriptions")  # what of triplets decides a result


@pytest.fixture(scope="module")
def data(described_posts, base, tmp_path_factory):
    return tuning_triplets(described_posts, base, tmp_path_factory.mktemp("features"))


@pytest.fixture(scope="module")
def vit_folder(tmp_path_factory):
    """ViT-B-32's architecture, much smaller, with random weights in open_clip's own folder format."""
    torch.manual_seed(0)
    config = {
        "embed_dim": 32,
        "vision_cfg": {"image_size": 64, "patch_size": 32, "width": 64, "layers": 2},
        "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 3},
    }
    folder = tmp_path_factory.mktemp("vit")
    model = open_clip.model.CLIP(**config)
    save_clip(model, None, {"model_cfg": config, "preprocess_cfg": {"size": 64}}, folder)
    return folder


def measure(data, base):
    def evaluate(tuned):
        accuracy = clip_scores.accuracy_of(tuned, data, base)
        return Measurement(accuracy, {"task": 0.5 + 0.1 * accuracy})

    return evaluate


def test_both_towers_learn_with_lora_on_a_vision_transformer(vit_folder, described_posts, tmp_path):
    clip = load_clip(str(vit_folder))
    data = tuning_triplets(described_posts.head(12), clip, tmp_path / "features")
    settings = TuningSettings(towers="both", **SMALL_TUNING | {"layer": 1, "steps": 2, "evaluations": 1})
    before = DescriptionClip(clip, settings).state()
    tuned, curve = tune(clip, data, settings, measure(data, clip), tmp_path / "run", "here")
    assert list(curve["step"]) == [0, 2]
    tuned.restore(before)
    assert any("visual" in n for n in before)


@pytest.mark.parametrize("objective", ["behavioural", "iit-das", "joint"])
@pytest.mark.parametrize("tuning", ["full", "lora"])
def test_training_lowers_the_loss(base, data, tmp_path, objective, tuning):
    rate = 3e-3 if tuning == "lora" else 3e-4
    settings = TuningSettings(
        objective, tuning, **SMALL_TUNING | {"steps": 30, "learning_rate": rate, "batch_size": 12}
    )
    _, curve = tune(base, data, settings, measure(data, base), tmp_path / "run", "here")
    assert curve["loss"].iloc[-1] < curve["loss"].iloc[1]
    assert (tmp_path / "run" / "tuned.safetensors").is_file() and not (tmp_path / "run" / "checkpoint.pt").exists()


def test_a_local_checkpoint_with_the_architecture_of_vit_b_32_is_tuned(vit_folder, described_posts, tmp_path):
    clip = load_clip(str(vit_folder))
    data = tuning_triplets(described_posts.head(12), clip, tmp_path / "features")
    for objective in ("behavioural", "iit-das"):
        settings = TuningSettings(objective, **SMALL_TUNING | {"layer": 1, "steps": 2, "evaluations": 1})
        tuned, curve = tune(clip, data, settings, measure(data, clip), tmp_path / objective, "here")
        assert curve["accuracy"].between(0, 1).all()
        again, record = load_tuned(tmp_path / objective, clip)
        assert record["settings"]["objective"] == objective
        torch.testing.assert_close(again.encode_texts(data.captions), tuned.encode_texts(data.captions))


class StopTrainingError(Exception):
    pass


@pytest.mark.parametrize("objective", ["behavioural", "iit-das"])
def test_a_killed_run_goes_on_exactly(base, data, tmp_path, objective):
    settings = TuningSettings(objective, **SMALL_TUNING, dropout=0.1)
    evaluate = measure(data, base)
    whole, curve = tune(base, data, settings, evaluate, tmp_path / "whole", "here")
    calls = []

    def stop(tuned):
        calls.append(1)
        if len(calls) == 4:
            raise StopTrainingError
        return evaluate(tuned)

    with pytest.raises(StopTrainingError):
        tune(base, data, settings, stop, tmp_path / "cut", "here")
    resumed, again = tune(base, data, settings, evaluate, tmp_path / "cut", "here")
    pd.testing.assert_frame_equal(curve, again)
    assert all(torch.equal(v, resumed.state()[n]) for n, v in whole.state().items())


def test_a_finished_run_is_read_back_not_repeated(base, data, tmp_path, monkeypatch):
    settings = TuningSettings(**SMALL_TUNING)
    _, curve = tune(base, data, settings, measure(data, base), tmp_path, "here")

    def never(tuned):
        raise AssertionError("trained again")

    _, again = tune(base, data, settings, never, tmp_path, "here")
    pd.testing.assert_frame_equal(curve, again, check_dtype=False)
    monkeypatch.setattr(description_tuning, "CODE", "another")
    with pytest.raises(AssertionError, match="trained again"):
        tune(base, data, settings, never, tmp_path, "here")


def test_the_same_seed_gives_the_same_model_and_another_seed_another(base, data, tmp_path):
    def run(seed, name):
        return tune(
            base, data, TuningSettings(**SMALL_TUNING, seed=seed), measure(data, base), tmp_path / name, "here"
        )[0].state()

    a, b, c = run(1, "a"), run(1, "b"), run(2, "c")
    assert all(torch.equal(a[n], b[n]) for n in a)
    assert any(not torch.equal(a[n], c[n]) for n in a)


def test_the_chosen_checkpoint_has_the_best_trade_off(base, data, tmp_path):
    accuracies = iter([0.5, 0.9, 0.95, 0.6])
    transfers = iter([0.8, 0.8, 0.2, 0.8])
    states = []

    def evaluate(tuned):
        states.append(tuned.state())
        return Measurement(next(accuracies), {"task": next(transfers)})

    tuned, curve = tune(base, data, TuningSettings(**SMALL_TUNING), evaluate, tmp_path, "here")
    assert curve["transfer_score"].tolist() == pytest.approx([1, 1, 0.25, 1])
    assert curve["trade_off"].tolist() == pytest.approx([0.55, 0.91, 0.88, 0.64])
    assert all(torch.equal(v, states[1][n]) for n, v in tuned.state().items())
    assert json.loads((tmp_path / "tuned.json").read_text())["chosen"]["step"] == 2


def test_patience_stops_early(base, data, tmp_path):
    accuracies = iter([0.9, 0.5, 0.5, 0.5])
    _, curve = tune(
        base,
        data,
        TuningSettings(**SMALL_TUNING, patience=2),
        lambda m: Measurement(next(accuracies), {}),
        tmp_path,
        "here",
    )
    assert list(curve["step"]) == [0, 2, 4]


def test_the_transfer_score_is_the_mean_recovery():
    before = Measurement(0.5, {"a": 0.5, "b": 0.2, "c": 0.0})
    after = Measurement(0.9, {"a": 0.25, "b": 0.2, "c": 0.3})
    assert after.score(before) == pytest.approx(0.75)  # a task that the base model cannot do is left out
    assert after.trade_off(before, 0.9) == pytest.approx(0.9 * 0.9 + 0.1 * 0.75)
    assert Measurement(0.9, {}).trade_off(Measurement(0.5, {}), 0.9) == 0.9


def test_every_picture_comes_once_a_pass():
    settings = TuningSettings(batch_size=4, steps=6)
    rows = [r for rows, _ in description_tuning.triplet_batches(8, settings) for r in rows]
    assert sorted(rows[:8]) == sorted(rows[8:16]) == list(range(8))
    resumed = [r for rows, _ in description_tuning.triplet_batches(8, settings, start=3) for r in rows]
    assert resumed == rows[12:]
    assert all(len(set(p)) >= 1 and max(p) < 8 for _, p in description_tuning.triplet_batches(8, settings))


def test_a_model_tuned_from_other_weights_is_refused(base, data, vit_folder, tmp_path):
    tune(base, data, TuningSettings(**SMALL_TUNING), measure(data, base), tmp_path, "here")
    with pytest.raises(ValueError, match="other CLIP weights"):
        load_tuned(tmp_path, load_clip(str(vit_folder)))
    with pytest.raises(FileNotFoundError, match="06-clip-prefers-descriptions"):
        load_tuned(tmp_path / "nowhere", base)


def test_runs_side_by_side_are_those_in_turn(data, base, tmp_path, monkeypatch):
    """Two processes leave behind what one after the other does; a run that fails says why in the end."""
    evaluate = measure(data, base)
    plans = [TuningSettings(**SMALL_TUNING, seed=seed) for seed in (0, 1)]
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        in_turn = [tune(base, data, p, evaluate, tmp_path / "a" / p.name, "here")[0].state() for p in plans]
    finally:
        torch.set_num_threads(before)
    bad = TuningSettings(**(SMALL_TUNING | {"layer": 99, "objective": "iit-das"}))
    jobs = {p.name: partial(tune, base, data, p, evaluate, tmp_path / "b" / p.name, "here") for p in [*plans, bad]}
    side_by_side(jobs, "fine-tuning", workers=2)
    monkeypatch.setattr(description_tuning, "objective_loss", None)  # what is finished is only read back
    for plan, expected in zip(plans, in_turn, strict=True):
        found = tune(base, data, plan, evaluate, tmp_path / "b" / plan.name, "here")[0].state()
        torch.testing.assert_close(found, expected)  # the number of threads may differ
    with pytest.raises(ValueError, match="layer"):
        tune(base, data, bad, evaluate, tmp_path / "b" / bad.name, "here")


def task(**changes) -> TransferTask:
    usual = {
        "name": "colours",
        "labels": ["red", "blue"],
        "features": torch.ones(3, 4),
        "targets": torch.tensor([0, 1, 1]),
        "reports": torch.tensor([True, False, True]),
    }
    return TransferTask(**usual | changes, read=lambda chosen: torch.zeros(len(chosen)))


def test_the_key_of_what_chooses_a_checkpoint_changes_with_the_pictures_the_texts_and_the_tasks(data):
    validations = [data, *(replace(data, **{name: getattr(data, name) + 1}) for name in CHOOSING)]
    tasks = [
        [],
        [task()],
        [task(name="hues")],
        [task(labels=["red", "green"])],
        [task(features=torch.zeros(3, 4))],
        [task(targets=torch.tensor([0, 1, 0]))],
        [task(reports=torch.tensor([True, True, False]))],
        [task(), task(name="hues")],
    ]
    keys = {description_tuning.evaluation_key(validation, some) for validation in validations for some in tasks}
    assert len(keys) == len(validations) * len(tasks)


def test_the_key_of_a_tuning_run_changes_with_everything_that_chooses_its_result(base, data, monkeypatch):
    usual = {"settings": TuningSettings(), "base": base, "training": data, "evaluated_on": "here", "device": "cpu"}
    changes = [
        *(("settings", TuningSettings(**{f.name: 77})) for f in fields(TuningSettings)),
        ("base", replace(base, fingerprint="another")),
        *(("training", replace(data, **{name: getattr(data, name) + 1})) for name in CHOOSING),
        ("evaluated_on", "there"),
        ("device", "cuda:0"),
    ]
    keys = [description_tuning.tuning_key(**usual | {name: value}) for name, value in [("device", "cpu"), *changes]]
    monkeypatch.setattr(description_tuning, "CODE", "another")
    assert len({*keys, description_tuning.tuning_key(**usual)}) == len(changes) + 2
