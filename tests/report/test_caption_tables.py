"""Tables and sentences about captioners."""

import numpy as np
import pandas as pd
import pytest

from altlib.core.estimates import Estimate
from altlib.core.statistics import ratio_interval
from altlib.evaluation.caption_metrics import METRICS, Scores
from altlib.generation.systems import BLIP
from altlib.report.caption_tables import (
    against_better,
    beside_paper,
    by_fact,
    caption_looks,
    differences,
    gallery_items,
    loss_per_token,
    loss_verdict,
    ratio_verdicts,
    repeats_trigram,
    scores_record,
    search_finding,
    small_sample_note,
    training_summary,
)


def scored(value: float) -> Scores:
    """A system with this score in every metric, and resamples within 1 of it."""
    return dict.fromkeys(METRICS, Estimate(value, value + np.linspace(-1, 1, 1001)))


PAPER = pd.DataFrame({m: [1.0, 2.0, 6.0] for m in METRICS}, index=["text", BLIP, "both"])


def test_systems_stand_in_the_papers_order_and_others_after_them():
    table = beside_paper({"new": scored(3), "both": scored(20), "text": scored(10)}, PAPER).set_index("system")
    assert list(table.index) == ["text", BLIP, "both", "new"]
    assert table.loc["text", "BLEU@4"] == "10.00 [9.05, 10.95]\npaper: 1.000"
    assert table.loc[BLIP, "CIDEr"] == "not run\npaper: 2.000"
    assert table.loc["both", "METEOR"].endswith("paper: 6.000")
    assert "paper" not in table.loc["new", "METEOR"]


def test_stated_facts_are_turned_to_one_row_per_fact():
    stated = pd.DataFrame({"system": ["a", "b"], "colour": [10.0, 20.0], "place_name": [30.0, np.nan]})
    turned = by_fact(stated)
    assert turned.columns.tolist() == ["fact", "a", "b"]
    assert turned["fact"].tolist() == ["colour", "place name"] and turned["b"].tolist()[0] == 20.0
    assert by_fact(pd.DataFrame()).empty


def test_a_metric_that_the_paper_does_not_have_stands_last():
    share = Estimate(0.5, np.linspace(0.4, 0.6, 1001))
    table = beside_paper({"both": scored(20)}, PAPER, {"RefCompare": {"both": share}}).set_index("system")
    assert list(table.columns) == [*METRICS, "RefCompare"]
    assert table["RefCompare"].to_dict() == {"both": "0.50 [0.41, 0.59]", BLIP: "not run"}


def test_a_system_is_compared_with_the_better_of_the_others():
    scores = {"both": scored(20), "text": scored(10), BLIP: scored(4)}
    table = against_better(scores, "both", [BLIP, "text"], PAPER)
    assert table["better single source"].tolist() == ["text"] * len(METRICS)
    assert table["ratio"].tolist() == [2.0] * len(METRICS)
    assert table["paper's ratio"].tolist() == [3.0] * len(METRICS)  # 6 to the better of 1 and 2
    low, high = map(float, table["ratio 95% interval"][0].split(" to "))
    assert low == pytest.approx(20.95 / 10.95, abs=0.01)
    assert high == pytest.approx(19.05 / 9.05, abs=0.01)


def test_there_is_no_ratio_to_nothing():
    below = np.array([0.0, 1e-6, *[2.0] * 38])
    assert ratio_interval(np.full(40, 4.0), below) == (2.0, np.inf)
    assert ratio_interval(np.full(400, 4.0), np.array([0.0, *[2.0] * 399])) == (2.0, 2.0)
    nothing = against_better({"both": scored(20), "text": scored(0)}, "both", ["text"], PAPER)
    assert nothing["ratio 95% interval"].str.endswith(" upwards").all()
    assert against_better({"both": scored(20), "text": scored(0)}, "both", ["text"], PAPER)["ratio"].isna().all()


def test_captions_that_repeat_themselves_and_empty_ones_are_counted():
    assert repeats_trigram("a red cup and A Red Cup")
    assert not repeats_trigram("a red cup and a red bowl")
    table = caption_looks({"s": ["one two three", "a b c a b c", " "]}).iloc[0]
    assert table["mean words"] == pytest.approx(3)
    assert table["repeat a trigram (%)"] == pytest.approx(100 / 3)
    assert table["empty (%)"] == pytest.approx(100 / 3)


def test_a_loss_per_token_weighs_examples_by_their_tokens_and_has_an_interval():
    rng = np.random.default_rng(0)
    tokens = rng.integers(5, 60, 400)
    losses = np.stack([tokens * rng.normal(0.7, 0.2, 400), tokens], axis=1)
    loss = loss_per_token(losses)
    assert loss.value == pytest.approx(losses[:, 0].sum() / tokens.sum())
    error = np.std((losses[:, 0] - loss.value * tokens) / tokens.mean()) / 20  # of a ratio of sums
    assert loss.interval == pytest.approx((loss.value - 1.96 * error, loss.value + 1.96 * error), abs=0.3 * error)
    assert (loss - loss).text(3) == "0.000 [0.000, 0.000]"
    assert loss_per_token(np.array([[15.0, 30]])).text(3) == "0.500"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (0.1, "better than text: its loss is lower by 0.100 [0."),
        (-0.1, "worse than text: its loss is higher by 0.100 [0."),
        (0.0, "not clearly different from text: its loss minus the other's is"),
    ],
)
def test_losses_are_compared_on_the_same_pictures(more, said):
    rng = np.random.default_rng(1)
    tokens = np.full(200, 30.0)
    ours = rng.normal(20, 4, 200)
    losses = {
        "both": loss_per_token(np.stack([ours, tokens], axis=1)),
        "text": loss_per_token(np.stack([ours + 30 * more + rng.permutation(np.linspace(-1, 1, 200)), tokens], axis=1)),
        "picture": loss_per_token(np.stack([ours + 90, tokens], axis=1)),
    }
    assert loss_verdict(losses, "both", ["picture", "text"]).startswith(f"both is {said}")


def test_training_is_summed_up_in_a_row_per_captioner():
    curve = pd.DataFrame(
        {
            "epoch": [1, 2, 3],
            "validation_loss": [2.0, 1.0, 1.5],
            "seconds": [4.0, 4.0, 4.0],
            "examples_per_second": [10.0, 20.0, 30.0],
        }
    )
    row = training_summary({"both": curve}, {"both": Estimate(1.0, np.linspace(0.9, 1.1, 1001))}).iloc[0]
    assert (row["epochs"], row["best epoch"], row["seconds"], row["pictures per second"]) == (3, 2, 12.0, 20.0)
    assert row["validation loss (nats per token) [95%]"] == "1.000 [0.905, 1.095]"


def test_the_papers_ratios_hold_or_do_not():
    compared = pd.DataFrame(
        {"metric": ["BLEU@4", "CIDEr"], "ratio": [2.5, 3.9], "ratio 95% interval": ["2.10 to 2.90"] * 2}
    )
    bleu, cider = ratio_verdicts(compared)
    assert bleu.startswith("BLEU@4: text + image scores 2.50 times [2.10 to 2.90]") and "at least 2 times holds" in bleu
    assert "at least 4 times does not hold" in cider
    nothing, _ = ratio_verdicts(compared.assign(ratio=[float("nan"), 1.0]))
    assert "no ratio" in nothing
    for verdict in ratio_verdicts(compared.assign(**{"ratio 95% interval": ["1.90 to 2.90", "3.00 upwards"]})):
        assert "times is undecided" in verdict


def test_differences_are_paired_over_the_same_pictures():
    table = differences({"both": scored(20), "text": scored(15)}, "both", ["text"])
    assert table["metric"].tolist() == ["BLEU@4", "CIDEr"]
    assert np.allclose(table[["difference", "95% low", "95% high"]], 5.0)
    assert np.allclose(table["p (bootstrap)"], 2 / 1002)


def test_scores_are_kept_with_their_intervals():
    record = scores_record({"text": scored(10)})
    assert record["text"]["CIDEr"] == pytest.approx({"value": 10.0, "low": 9.05, "high": 10.95})


def test_a_gallery_shows_every_systems_text_of_each_picture():
    posts = pd.DataFrame({"image": ["a.png", "b.png"], "alt_text": ["A cup.", "A map."], "text": ["Tea!", "Lost."]})
    first, second = gallery_items(posts, {"ours": ["a cup", "a map", "not shown"]})
    assert first == {"image": "a.png", "alt": "A cup.", "Post": "Tea!", "Gold alt text": "A cup.", "ours": "a cup"}
    assert second["ours"] == "a map"


def test_a_handful_of_test_pictures_gets_a_warning():
    assert "only 7 test pictures" in small_sample_note(7).data
    assert small_sample_note(500) is None


@pytest.mark.parametrize(
    ("others", "said"),
    [
        ((0.1, 0.2), "better than 2 of the 2 other ways of decoding and worse than none"),
        ((0.1, 0.5), "better than 1 of the 2 other ways of decoding and worse than 1"),
    ],
)
def test_ways_of_decoding_are_compared_on_the_same_pictures(others, said):
    resamples = np.linspace(-0.01, 0.01, 50)

    def by_cider(value):
        return {"CIDEr": Estimate(value, value + resamples * (1 + value))}

    scores = {"beam": by_cider(0.3), **{f"other {i}": by_cider(value) for i, value in enumerate(others)}}
    sentence = search_finding(scores, "beam", ["other 0", "other 1"])
    assert said in sentence and "“other 0”, is 0.20 [" in sentence
