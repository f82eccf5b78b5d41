import pandas as pd
import pytest

from altlib.evaluation.reward_history import MEASURES, HistoryScorer, parting_step
from altlib.models.clip import load_clip
from altlib.models.language import load_language_model

GOLD = ["a red mug on a table", "a dog on the grass"]


def history(reward, held_out):
    return pd.DataFrame({"step": range(0, 10 * len(reward), 10), "reward": reward, "held out": held_out})


def test_a_reward_parts_from_what_falls_while_it_rises():
    assert parting_step(history([0, 1, 2, 3], [5, 7, 6, 4]), "reward", "held out") == 10
    assert parting_step(history([0, 1, 2, 3], [5, 6, 7, 8]), "reward", "held out") is None
    assert parting_step(history([0, 3, 2, 1], [5, 7, 6, 4]), "reward", "held out") is None  # neither rises


def test_a_difference_that_nobody_reads_is_none():
    assert parting_step(history([0, 1, 2], [1e-9, 2e-9, 0]), "reward", "held out") is None


def test_texts_are_scored_by_everything():
    clip, (tokenizer, model) = load_clip(), load_language_model()
    scorer = HistoryScorer(clip.encode_texts(GOLD), GOLD, clip, None, tokenizer, model)
    rows = [{"step": 0, "epoch": 0.0, "texts": GOLD}, {"step": 5, "epoch": 1.0, "texts": ["mug mug mug mug mug", "x"]}]
    runs = scorer.score({"one": rows, "last alone": rows[1:]})
    found = runs["one"]
    assert found.iloc[1:].reset_index(drop=True).equals(runs["last alone"])
    assert found["CLIP reward"][0] == pytest.approx(1, abs=1e-4) and found["BLEU@4"][0] == pytest.approx(100, abs=0.1)
    assert found["RefCompare"].tolist() == [0, 0]  # equal texts tie
    assert found["repetition"].tolist() == [0, pytest.approx(0.375)] and found["words"].tolist() == [5.5, 3]
    assert found["perplexity"][0] < found["perplexity"][1]
    assert set(found) == {"step", "epoch", *MEASURES} - {"description-preferring CLIP"}
