"""Caption metrics, against pycocoevalcap."""

import os
from pathlib import Path

import numpy as np
import pytest

from altlib.core import statistics
from altlib.evaluation import caption_metrics

REFERENCES = [
    "Two growlers on a red cloth, by the sea.",
    "A map with a dog to the left!",
    "It's 5 o'clock; the shop is shut.",
    "A tall ship (at sea) -- far away...",
    "a cup",
    'Poster with the words "Open day, 6 June".',
    "naïve café 🦊 scene\u2028with a line separator",
]


CAPTIONS = [
    "Two growlers on a blue cloth by a lake.",
    "A map with a cat to the left.",
    "The shop is shut at 5 o'clock.",
    "a ship",
    "",
    "Poster that says Open day, 6 June",
    "naïve café scene",
]


def reference_scores(tokenised: list[list[str]]) -> dict[str, float]:
    """pycocoevalcap's own scores of the captions with tokenised references."""
    from pycocoevalcap.bleu.bleu import Bleu
    from pycocoevalcap.cider.cider import Cider
    from pycocoevalcap.meteor.meteor import Meteor
    from pycocoevalcap.rouge.rouge import Rouge

    os.environ["PATH"] = f"{Path(caption_metrics.java()).parent}{os.pathsep}{os.environ['PATH']}"
    gold = dict(enumerate(tokenised))
    ours = {i: [t] for i, t in enumerate(caption_metrics.ptb_tokenize(CAPTIONS))}
    meteor = Meteor()
    return {
        **{f"BLEU@{k + 1}": score for k, score in enumerate(Bleu(4).compute_score(gold, ours, verbose=0)[0])},
        "METEOR": meteor.compute_score(gold, ours)[0],
        "ROUGE-L": Rouge().compute_score(gold, ours)[0],
        "CIDEr": Cider().compute_score(gold, ours)[0],
    }


@pytest.fixture(scope="module")
def reference_implementation():
    """pycocoevalcap's own scores of the captions with one reference each."""
    return reference_scores([[text] for text in caption_metrics.ptb_tokenize(REFERENCES)])


def test_tokenisation_is_that_of_the_coco_evaluation(reference_implementation):
    from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer

    texts = [t for t in REFERENCES + CAPTIONS if "\u2028" not in t and t]
    theirs = PTBTokenizer().tokenize({i: [{"caption": t}] for i, t in enumerate(texts)})
    assert caption_metrics.ptb_tokenize(texts) == [theirs[i][0] for i in range(len(texts))]


def test_line_separators_do_not_shift_texts():
    assert caption_metrics.ptb_tokenize(["a\nb", "", "c\r\u2028d\x0b", "e"]) == ["a b", "", "c d", "e"]


def test_meteor_of_any_sums_is_that_of_its_own_program():
    gold = [[text] for text in caption_metrics.ptb_tokenize(REFERENCES)]
    captions = caption_metrics.ptb_tokenize(CAPTIONS)
    with caption_metrics.Meteor() as aligner:
        own = [*aligner.statistics(captions, gold), *aligner.statistics([several[0] for several in gold], gold)]
        paraphrased = aligner.statistics(["large boats at the seaside", "cup"], [["big ships by the sea"], ["cups"]])
        drawn = np.random.default_rng(0).integers(0, 3, (60, len(own) + 2))
        sums = np.concatenate([drawn @ [*own, *paraphrased], [*own, *paraphrased]])
        line = "EVAL ||| " + " ||| ".join(" ".join(f"{x:.6f}" for x in row) for row in sums)
        theirs = [float(x) for x in aligner.ask([line], len(sums) + 1)[:-1]]
    np.testing.assert_allclose(caption_metrics.meteor(sums), theirs, atol=1e-9)


@pytest.fixture(scope="module")
def scored():
    return caption_metrics.score_systems(
        {"ours": CAPTIONS, "gold": REFERENCES}, REFERENCES, 1, caption_metrics.COCO_METRICS
    )


@pytest.mark.parametrize("metric", caption_metrics.COCO_METRICS)
def test_scores_are_those_of_pycocoevalcap(scored, reference_implementation, metric):
    assert scored["ours"][metric].value == pytest.approx(100 * reference_implementation[metric], rel=1e-6)


@pytest.mark.parametrize("metric", caption_metrics.COCO_METRICS)
def test_intervals_hold_the_score_and_repeat_with_the_seed(scored, metric):
    ours = scored["ours"][metric]
    low, high = ours.interval
    assert low <= ours.value <= high
    assert ours.resamples.shape == (statistics.RESAMPLES,)


def test_a_resample_is_the_corpus_score_of_the_resampled_pictures():
    from pycocoevalcap.bleu.bleu import Bleu

    gold, ours = caption_metrics.ptb_tokenize(REFERENCES), caption_metrics.ptb_tokenize(CAPTIONS)
    counts = statistics.resample_counts(len(gold), 3, 5).astype(int)
    sums = counts @ caption_metrics.bleu_statistics(ours, [[text] for text in gold])
    for row, total in zip(counts, sums, strict=True):
        chosen = [i for i, n in enumerate(row) for _ in range(n)]
        expected = Bleu(4).compute_score(
            {k: [gold[i]] for k, i in enumerate(chosen)}, {k: [ours[i]] for k, i in enumerate(chosen)}, verbose=0
        )[0][3]
        assert caption_metrics.bleu(total) == pytest.approx(expected, rel=1e-6)


def test_a_paired_test_finds_a_real_difference_and_none_between_equals(scored):
    gold, ours = scored["gold"]["ROUGE-L"], scored["ours"]["ROUGE-L"]
    difference = gold - ours
    assert difference.interval[0] > 0 and difference.p < 0.01
    assert (ours - ours).p == 1.0


SEVERAL = [[text, other] for text, other in zip(REFERENCES, reversed(CAPTIONS), strict=True)]
SEVERAL[1] = SEVERAL[1][:1]  # their number differs from picture to picture


def test_several_references_are_scored_as_in_pycocoevalcap():
    scores = caption_metrics.score_systems({"ours": CAPTIONS}, SEVERAL)["ours"]
    expected = reference_scores([caption_metrics.ptb_tokenize(several) for several in SEVERAL])
    for metric in caption_metrics.METRICS:
        assert scores[metric].value == pytest.approx(100 * expected[metric], rel=1e-6), metric


def test_many_pictures_are_resampled_in_groups(monkeypatch):
    captions, references = CAPTIONS * 30, REFERENCES * 30
    single = caption_metrics.score_systems({"ours": captions}, references)["ours"]
    monkeypatch.setattr(caption_metrics, "MOST_DRAWN", 70)
    grouped = caption_metrics.score_systems({"ours": captions}, references)["ours"]
    for metric in caption_metrics.METRICS:
        assert grouped[metric].value == pytest.approx(single[metric].value, rel=1e-9)
        widths = [np.ptp(found[metric].interval) for found in (single, grouped)]
        assert widths[1] == pytest.approx(widths[0], rel=0.5)


def test_a_mean_over_pictures_is_resampled_as_the_scores_of_captions_are(monkeypatch, scored):
    tokens = caption_metrics.ptb_tokenize(CAPTIONS)
    each = 100 * caption_metrics.rouge_l(tokens, [[t] for t in caption_metrics.ptb_tokenize(REFERENCES)])
    mean = caption_metrics.mean_of_pictures(each, 1)
    assert mean.value == pytest.approx(scored["ours"]["ROUGE-L"].value)
    assert mean.resamples == pytest.approx(scored["ours"]["ROUGE-L"].resamples)
    monkeypatch.setattr(caption_metrics, "MOST_DRAWN", 3)
    assert caption_metrics.mean_of_pictures(np.full(7, 2.5)).resamples == pytest.approx(2.5)  # groups of unequal size


def test_metrics_that_are_not_chosen_are_not_computed(monkeypatch):
    for name in ("Meteor", "rouge_l", "cider", "cider_resamples"):
        monkeypatch.setattr(caption_metrics, name, lambda *given: pytest.fail("it was computed"))
    scores = caption_metrics.score_systems({"a": ["a cup"]}, ["a cup"], metrics=["BLEU@1"])
    assert list(scores["a"]) == ["BLEU@1"] and scores["a"]["BLEU@1"].value == pytest.approx(100)


def test_systems_of_another_length_are_refused():
    with pytest.raises(ValueError, match="system x has 1 captions for 2 references"):
        caption_metrics.score_systems({"x": ["a"]}, ["a", "b"])
    with pytest.raises(ValueError, match="nothing to score"):
        caption_metrics.score_systems({}, [])
    with pytest.raises(ValueError, match="picture 2 of 2 has no reference"):
        caption_metrics.score_systems({"x": ["a", "b"]}, [["a"], []])
