"""The study of chapter 06."""

import json
from functools import partial

import pandas as pd
import pytest
import torch

from altlib.data.sources import registry
from altlib.evaluation import ratings
from altlib.evaluation.transfer import TransferTask
from altlib.models.clip import load_clip
from altlib.models.description_clip import TuningSettings
from altlib.models.features import read_pictures
from altlib.models.triplets import tuning_triplets
from altlib.training import tuning_study
from altlib.training.tuning_study import ObjectiveSettings, TuningStudy, tuning_plans

SHARED = TuningSettings(layer=2, subspace=8, steps=2, evaluations=1, batch_size=4, seed=7)


def test_every_objective_has_its_own_rank_and_learning_rates_and_the_joint_one_comes_last():
    plans = partial(
        tuning_plans,
        SHARED,
        tunings="full,lora",
        joint_seeds=1,
        usual=ObjectiveSettings(5, 0.1, 0.3),
        iit=ObjectiveSettings(3, 0.2, 0.4),
    )
    found = plans(objectives="behavioural, iit-das", seeds=2)
    assert [p.name for p in found] == [
        *(f"behavioural-{tuning}-{seed}" for tuning in ("full", "lora") for seed in (7, 8)),
        *(f"iit-das-{tuning}-{seed}" for tuning in ("full", "lora") for seed in (7, 8)),
        "joint-lora-7",
    ]
    assert [p.learning_rate for p in found[::2]] == [0.1, 0.3, 0.2, 0.4, 0.3]
    assert [p.rank for p in found[::2]] == [5, 5, 3, 3, 5]
    assert {(p.steps, p.subspace) for p in found} == {(2, 8)}
    assert [p.name for p in plans(objectives="joint", seeds=1)] == ["joint-full-7", "joint-lora-7"]


@pytest.fixture(scope="module")
def posts(tmp_path_factory):
    frame = registry.collect("miniworld", tmp_path_factory.mktemp("world"), posts=24, seed=9)[0]
    frame = frame[(frame["alt_text"] != "") & (frame["caption"] != "")].reset_index(drop=True)
    return frame.assign(split=["train", "val", "test", "test"] * (len(frame) // 4) + ["train"] * (len(frame) % 4))


@pytest.fixture(scope="module")
def study(posts, tmp_path_factory):
    run, base = tmp_path_factory.mktemp("run"), load_clip()
    split = {name: tuning_triplets(rows, base, run / "features") for name, rows in posts.groupby("split", sort=False)}
    images = posts["image"].tolist()[:8]
    task = TransferTask(
        "halves",
        ["a beach", "a street"],
        split["train"].features[:4],
        torch.tensor([0, 1, 0, 1]),
        torch.tensor([True, True, False, False]),
        lambda chosen: read_pictures([images[i] for i in chosen], base),
    )
    return TuningStudy(run, base, split, [task], "cpu")


@pytest.fixture(scope="module")
def results(study, posts):
    plans = [
        TuningSettings(objective, "lora", layer=2, subspace=8, steps=2, evaluations=1, batch_size=4, rank=2)
        for objective in ("behavioural", "iit-das")
    ]
    rated = ratings.rated_items(posts, "", "", 8, 0)
    return plans, rated, study.results(plans, rated)


def test_results_have_a_row_per_run_and_the_history_one_per_evaluation(study, results):
    _, _, found = results
    assert found.runs["objective"].tolist() == ["behavioural", "iit-das"]
    assert found.runs["accuracy"].between(0, 1).all() and found.runs["halves"].between(0, 1).all()
    assert list(found.history["step"]) == [0, 2, 0, 2]
    assert set(found.history["objective"]) == {"behavioural", "iit-das"}
    # The first evaluation of a run is that of the base model.
    assert found.history["accuracy"].iloc[0] == study.untuned.accuracy == study.accuracies["val"]


def test_finished_runs_are_read_back(study, results, monkeypatch):
    plans, rated, found = results
    monkeypatch.setattr("altlib.training.description_tuning.fit", lambda *a: pytest.fail("tuned again"))
    again = study.results(plans, rated)
    pd.testing.assert_frame_equal(again.history, found.history)
    pd.testing.assert_frame_equal(again.runs.drop(columns="agreement"), found.runs.drop(columns="agreement"))


def test_other_validation_pictures_or_tasks_tune_again(study, results, monkeypatch):
    plans, _, _ = results
    monkeypatch.setattr("altlib.training.description_tuning.fit", lambda *a: pytest.fail("tuned again"))
    study.tune(plans[0])
    for split, tasks in (
        (study.split | {"val": study.split["test"]}, study.tasks),
        (study.split, []),
    ):
        other = TuningStudy(study.run, study.base, split, tasks, "cpu")
        monkeypatch.setattr(TuningStudy, "untuned", tuning_study.Measurement(0.5, {}))
        with pytest.raises(pytest.fail.Exception):
            other.tune(plans[0])


def test_margins_say_by_how_much_the_description_outscores_the_caption(study, results, posts):
    plans, _, _ = results
    test = posts[posts["split"] == "test"].reset_index(drop=True)
    margins = study.margins(plans[0], test)
    assert margins["base"].shape == margins["tuned"].shape == (len(test),)
    assert not torch.equal(margins["base"], margins["tuned"])


def test_before_the_first_update_a_run_scores_as_the_base_model_does_on_bare_texts(study, posts):
    """So what a tuned model's scores differ by is the tuning, not a prompt."""
    test = posts[posts["split"] == "test"].reset_index(drop=True)
    plan = TuningSettings("behavioural", "lora", layer=2, steps=1, evaluations=1, rank=2, learning_rate=0.0, seed=9)
    study.tune(plan)
    margins = study.margins(plan, test)
    torch.testing.assert_close(margins["base"], margins["tuned"], atol=1e-5, rtol=1e-4)


def test_the_record_is_json_with_the_base_model_and_every_run(study, results):
    _, rated, found = results
    record = json.loads(json.dumps(study.record(found, study.base_results(rated))))
    prompted, bare = record["base"]["texts"]
    assert bare["accuracy"] == study.accuracies["test"] and record["base"]["transfer"] == study.before
    assert (prompted["prompt"], bare["prompt"]) == ("A photo depicts ", "")
    assert prompted["agreement"] != bare["agreement"]
    assert [run["objective"] for run in record["runs"]] == ["behavioural", "iit-das"]
    assert record["runs"][0]["agreement"][0].keys() >= {"group", "question", "r"}
