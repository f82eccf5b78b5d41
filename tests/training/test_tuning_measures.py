"""What chapter 06 measured of CLIPs that prefer descriptions."""

import numpy as np
import pandas as pd
import pytest

from altlib.evaluation.clip_scores import CLIPSCORE_PROMPT
from altlib.training.tuning_measures import KEPT, PREFERRED, tuning_measures
from altlib.training.tuning_study import BaseResult


def agreement(r: float) -> pd.DataFrame:
    return pd.DataFrame([{"group": "blind", "question": "overall", "items": 68, "r": r}])


@pytest.fixture
def found():
    base = [BaseResult(CLIPSCORE_PROMPT, 0.6, agreement(0.1)), BaseResult("", 0.5, agreement(0.2))]
    rows = [
        ("iit-das", "lora", 1, 0.9, 0.7, 0.4),
        ("iit-das", "lora", 0, 0.8, 0.5, 0.3),
        ("joint", "lora", 0, 0.7, 0.6, 0.2),
    ]
    runs = pd.DataFrame(rows, columns=["objective", "fine-tuning", "seed", "accuracy", "transfer", "Food"])
    return tuning_measures(
        base, 20, (55, 100), {"Food": 0.6}, runs.assign(agreement=[agreement(r) for r in (0.5, 0.3, 0.4)])
    )


def test_the_base_model_scores_bare_texts_of_the_test_pictures_as_the_others_do(found):
    assert found["none, none", PREFERRED].value == 50 and found["none, none", PREFERRED].examples == 20
    assert found["none, none, all pictures", PREFERRED].value == 55
    assert (found["none, none", "r of blind, overall"].value, found["CLIPScore", "r of blind, overall"].value) == (
        0.2,
        0.1,
    )


def test_runs_stand_in_the_order_of_their_seeds(found):
    assert found["iit-das, lora", PREFERRED].draws.tolist() == [80, 90]
    assert found["iit-das, lora", KEPT].draws.tolist() == [50, 70]
    assert found["iit-das, lora", "Food, F1 (%)"].draws.tolist() == pytest.approx([30, 40])
    assert found["iit-das, lora", "r of blind, overall"].draws.tolist() == [0.3, 0.5]


def test_one_seed_has_the_interval_of_its_correlation_and_none_of_its_accuracy(found):
    assert np.isnan(found["joint, lora", PREFERRED].interval).all()
    low, high = found["joint, lora", "r of blind, overall"].interval
    assert low < 0.4 < high
