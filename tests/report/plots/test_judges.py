import pandas as pd

from altlib.report.judge_tables import KAPPA, POSITION
from altlib.report.plots.judges import judge_dots, precision_recall_curves, prompt_scores


def test_judges_are_told_with_their_intervals(alt_of, drawn):
    rows = [(j, m, v, v - 0.1, v + 0.1) for j, v in (("facts", 0.7), ("CLIPScore", 0.2)) for m in (KAPPA, POSITION)]
    rows[3] = ("CLIPScore", POSITION, float("nan"), float("nan"), float("nan"))
    alt = alt_of(judge_dots(pd.DataFrame(rows, columns=["judge", "measure", "value", "low", "high"])))
    assert "Kappa with raters: facts 0.70 [0.60, 0.80], CLIPScore 0.20 [0.10, 0.30]" in alt and "CLIPScore –" in alt
    assert len(drawn[0].axes) == 2


def test_curves_are_told_at_half_of_the_recall(alt_of, drawn):
    curve = pd.DataFrame({"recall": [0.25, 0.5, 1.0], "precision": [1.0, 0.8, 0.3]})
    alt = alt_of(precision_recall_curves({"any rule": curve}, 0.2))
    assert "20% of the texts are poor" in alt and "any rule: precision 0.80 where half" in alt
    assert len(drawn[0].axes[0].lines) == 2


def test_models_and_prompts_have_a_row_each_and_missing_ones_none(alt_of, drawn):
    scores = pd.DataFrame(
        [
            ("a", "plain", 3.0, 2.8, 3.2),
            ("a", "blog", 4.0, 3.9, 4.1),
            ("b", "plain", float("nan"), float("nan"), float("nan")),
        ],
        columns=["model", "prompt", "value", "low", "high"],
    )
    alt = alt_of(prompt_scores(scores, ["a", "b"], ["plain", "blog"]))
    assert "a, plain: 3.00 [2.80, 3.20]; a, blog: 4.00 [3.90, 4.10]." in alt
    assert [label.get_text() for label in drawn[0].axes[0].get_yticklabels()] == ["a, plain", "a, blog"]
