"""What attributions through and around the subspace say, over several models and seeds."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats

from altlib.analysis import mediation
from altlib.analysis.attribution import Attribution, WordAttribution
from altlib.core.errors import CorpusError
from altlib.models.description_clip import DescriptionClip, TuningSettings
from tests.small_clip import SMALL_TUNING

NORMS = {"concreteness": pd.Series({"cup": 5.0, "table": 4.8, "idea": 1.5, "joy": 2.0})}


def by_path(values: list[list[float]], through: float = 0.25, missing: float = 0.0) -> dict[str, Attribution]:
    """Attributions of which a share goes through the subspace, and whose sum misses the difference by ``missing``."""
    whole = torch.tensor(values)
    return {
        path: Attribution(torch.zeros(whole.shape, dtype=torch.long), share * whole, whole.sum(1) + missing, None)
        for path, share in (("none", 1.0), ("through", through), ("around", 1 - through))
    }


def correlation(**by_training: dict[str, list[float]]) -> pd.DataFrame:
    rows = [
        {"training": t.replace("_", "-"), "seed": seed, "path": path, "norm": "concreteness", "r": r}
        for t, paths in by_training.items()
        for path, values in paths.items()
        for seed, r in enumerate(values)
    ]
    return pd.DataFrame(rows)


def test_pairs_have_rated_words_in_both_texts():
    posts = pd.DataFrame(
        {
            "split": ["test", "test", "test", "train", "test"],
            "caption": ["joy", "hm", "my idea", "joy", "cups"],
            "alt_text": ["a cup", "a cup", "", "a cup", "a table"],
        }
    )
    chosen = mediation.choose_pairs(posts, NORMS, 10, seed=0)
    assert chosen["caption"].tolist() == ["joy", "cups"]  # a plural has its singular's rating
    assert len(mediation.choose_pairs(posts, NORMS, 1, seed=0)) == 1
    with pytest.raises(CorpusError, match="no test picture"):
        mediation.choose_pairs(posts.assign(caption="hm"), NORMS, 10, seed=0)


def test_the_completeness_error_is_that_of_all_texts_together_and_of_single_ones():
    found = {
        ("base", 0): by_path([[1.0, 2.0], [1.0, 0.0]], missing=1.0),  # off by 1 of 4, and by 1 of 2
        ("iit-das", 0): by_path([[1.0, 2.0], [1.0, 0.0]]),
    }
    table = mediation.completeness(found).set_index("training")
    assert table.loc["base", "error of all texts together (%)"] == pytest.approx(100 * 2 / 6)
    assert table.loc["base", "median text (%)"] == pytest.approx(100 * (1 / 4 + 1 / 2) / 2)
    assert table.loc["iit-das"].tolist() == [0, 0, 0]


def test_correlations_with_norms_are_pearsons():
    words = {("base", 0, "none"): [[WordAttribution(w, v)] for w, v in (("cup", 3.0), ("Idea", 1.0), ("joy", 1.5))]}
    row = mediation.norm_correlations(words, NORMS).iloc[0]
    assert row["r"] == pytest.approx(stats.pearsonr([3.0, 1.0, 1.5], [5.0, 1.5, 2.0])[0])
    assert (row["training"], row["path"], row["words"]) == ("base", "none", 3)


def test_the_paper_stands_beside_every_training_and_path():
    ours = correlation(base={p: [0.1] for p in ("none", "through", "around")}, iit_das={"none": [0.2, 0.4]})
    paper = pd.DataFrame({"training": ["none"], "path": ["none"], "concreteness": [0.22], "imageability": ["–"]})
    table = mediation.beside_paper(ours, paper)
    assert table["training"].tolist() == ["none"] * 3 + ["iit-das"] * 3
    assert table["concreteness"][0] == "0.10"
    assert table["concreteness"][3].startswith("0.30 ± ")
    assert table["paper: concreteness"].tolist()[:2] == ["0.22", "–"]


def test_paths_are_compared_seed_by_seed():
    through, around = [0.1, 0.2, 0.35], [0.2, 0.31, 0.4]
    test = mediation.compare_paths(correlation(iit_das={"through": through, "around": around}))[0]
    difference = np.subtract(through, around)
    expected = stats.ttest_rel(through, around)
    assert test["through minus around"] == pytest.approx(difference.mean())
    assert test["p (paired t)"] == pytest.approx(expected.pvalue)
    assert (test["95% low"], test["95% high"]) == pytest.approx(tuple(expected.confidence_interval(0.95)))
    assert test["seeds"] == 3


@pytest.mark.parametrize(
    ("training", "low", "high", "said"),
    [
        ("iit-das", 0.1, 0.3, "as in the paper"),
        ("iit-das", -0.3, -0.1, "the other way round than in the paper"),
        ("iit-das", -0.1, 0.1, "unlike the paper"),
        ("behavioural", -0.1, 0.1, "as in the paper"),
        ("behavioural", 0.1, 0.2, "unlike the paper"),
        ("behavioural", float("nan"), float("nan"), "one seed gives no interval"),
        ("base", 0.1, 0.2, "the paper has no such row"),
    ],
)
def test_the_verdict_can_come_out_either_way(training, low, high, said):
    assert mediation.verdict({"training": training, "95% low": low, "95% high": high}) == said


def test_the_subspace_hears_words_that_occur_often_enough():
    text = [WordAttribution("a", 0.002), WordAttribution("Cup", -0.001), WordAttribution(",", 1.0)]
    rare = [WordAttribution("once", 0.5)]
    words = {("iit-das", seed, "through"): [text, text, text if seed else rare] for seed in (0, 1)}
    words["behavioural", 0, "through"] = [[WordAttribution("other", 9.0)] * 9]
    table = mediation.heard_words(words, times=2).iloc[:, 1].tolist()
    assert table == ["a (+2.0)", "cup (-1.0)"]
    assert mediation.heard_words(words, times=9).iloc[:, 1].tolist() == ["none", "none"]


def test_the_share_through_the_subspace_and_what_descriptions_have_over_captions():
    row = mediation.shares_through({("iit-das", 0): by_path([[1.0, -1.0], [3.0, 1.0]], through=0.25)}).iloc[0]
    assert row["through (% of all)"] == pytest.approx(25)
    assert row["descriptions minus captions, through"] == pytest.approx(0.25 * 4)
    assert row["descriptions minus captions, around"] == pytest.approx(0.75 * 4)


def test_names_are_compared_with_the_other_words_of_captions():
    caption = [WordAttribution("Jimi", 0.001), WordAttribution("plays", 0.003), WordAttribution("guitar", 0.005)]
    description = [WordAttribution("Jimi", 9.0)]
    words = {("iit-das", 0, path): [caption, description] for path in ("none", "through", "around")}
    table = mediation.names_and_others(words, [{"Jimi"}]).set_index("path")
    assert table.index.tolist() == ["none", "through"]
    assert table.loc["through", ["names", "other words", "names minus others"]].tolist() == pytest.approx([1, 4, -3])
    assert mediation.names_and_others(words, [set()])["names"].isna().all()


@pytest.mark.parametrize(
    ("differences", "said"),
    [
        (
            [-3.0, -2.9, -3.1],
            "-3.00 thousandths compared with other words, [-3.25, -2.75] over seeds: that names count against a caption there holds.",
        ),
        ([3.0, 2.9, 3.1], "does not hold"),
        ([-3.0, 2.9, 0.1], "undecided"),
        ([-3.0], "one seed gives no interval"),
        ([float("nan")] * 2, "no names"),
    ],
)
def test_the_verdict_on_names_can_come_out_either_way(differences, said):
    row = {"training": "iit-das", "path": "through"}
    named = [row | {"seed": seed, "names minus others": value} for seed, value in enumerate(differences)]
    others = [r | {"path": "none", "names minus others": 5.0} for r in named]
    assert said in mediation.names_verdict(pd.DataFrame(named + others))


def test_seeds_are_summed_up_by_training_in_order():
    frame = pd.DataFrame({"training": ["b", "b", "a"], "seed": [0, 1, 0], "x": [0.2, 0.4, 1.0]})
    assert mediation.over_seeds(frame, ["training"], 1).values.tolist() == [["b", "0.3 ± 1.3"], ["a", "1.0"]]


def test_the_comparison_of_paths_is_told_in_sentences():
    tests = mediation.compare_paths(correlation(**{"iit-das": {"through": [0.5, 0.6], "around": [0.1, 0.15]}}))
    (sentence,) = mediation.path_verdicts(tests)
    assert sentence.startswith("iit-das, concreteness: through minus around is +0.42 [")
    assert "+0.42 [+0.11, +0.74]; the interval excludes 0" in sentence
    assert sentence.endswith(f": {mediation.verdict(tests[0])}.")


def test_texts_are_read_on_both_paths_and_texts_with_names_come_first():
    words = {
        ("iit-das", 3, path): [[WordAttribution(f"{path}{row}", 1.0)] for row in range(4)]
        for path in ("none", "through")
    }
    read = mediation.read_on_paths(words, 1, 2, 3)
    assert {kind: text[0].word for kind, text in read.items()} == {
        "Caption, all paths": "none1",
        "Caption, through the subspace": "through1",
        "Description, all paths": "none3",
        "Description, through the subspace": "through3",
    }
    assert mediation.most_names_first([{"a"}, set(), {"a", "b"}]) == [2, 0, 1]


def test_the_models_that_chapter_06_names_are_attributed_and_no_others(base, tmp_path):
    """The folder may hold a model that earlier parameters left behind."""
    for objective in ("behavioural", "iit-das"):
        plan = TuningSettings(objective, **SMALL_TUNING)
        DescriptionClip(base, plan).save(tmp_path / plan.name, {})
    tokens, images = (
        base.tokenize(["a red cup", "tea"]),
        torch.nn.functional.normalize(torch.ones(2, base.width), dim=1),
    )
    names = ["behavioural-lora-0", "iit-das-lora-0"]
    found = mediation.attribute_runs(tmp_path, names, "lora", base, tokens, images, steps=2)
    assert mediation.trainings_of(found) == ["base", "behavioural", "iit-das"]
    found = mediation.attribute_runs(tmp_path, names[1:], "lora", base, tokens, images, steps=2)
    assert mediation.trainings_of(found) == ["base", "iit-das"]
    with pytest.raises(ValueError, match="no IIT-DAS model with full fine-tuning"):
        mediation.attribute_runs(tmp_path, names, "full", base, tokens, images, steps=2)
