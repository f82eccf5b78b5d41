"""Scores of captions from files, and what is left out of them."""

from dataclasses import replace

import numpy as np
import pytest

from altlib.core.estimates import Estimate
from altlib.data.caption_files import CaptionSets
from altlib.evaluation import caption_file_scores
from altlib.evaluation.caption_file_scores import clip_metrics, evaluate_captions, paired_differences, read_features
from altlib.evaluation.clip_scores import base_scores
from altlib.evaluation.refcompare import refcompare_of_systems
from altlib.models.description_clip import DescriptionClip, TuningSettings
from altlib.models.features import picture_features


@pytest.fixture(scope="module")
def sets(described_posts):
    """Two files of captions for six pictures."""
    posts = described_posts.head(6)
    alt = posts["alt_text"].tolist()
    captions = {"a": alt[:5] + [" "], "b": [text[:40] for text in alt]}
    references = [[text, f"A picture: {text}"] for text in alt]
    images = posts["image"].tolist()
    return CaptionSets([str(n) for n in range(6)], captions, references, images, {"a": 0, "b": 0}, False, 0)


@pytest.fixture(scope="module")
def untuned(base):
    """A model that is still the one that it would be tuned from."""
    return DescriptionClip(base, TuningSettings(layer=2, subspace=8))


@pytest.fixture(scope="module")
def found(sets, base, untuned):
    return evaluate_captions(sets, base, untuned)


def test_every_metric_has_an_interval_and_an_empty_caption_scores_0(sets, base, untuned, found):
    assert list(found.scores["a"]) == [*caption_file_scores.COCO_METRICS, *caption_file_scores.CLIP_METRICS]
    assert found.empty == {"a": 1, "b": 0}
    for metric, estimate in found.scores["b"].items():
        assert estimate.interval[0] <= estimate.value + 1e-9 and np.isfinite(estimate.interval).all(), metric
    each = clip_metrics(sets, read_features(sets.images, base, untuned), base, untuned)["a"]
    assert {metric: scores[5] for metric, scores in each.items()} == dict.fromkeys(each, 0.0)
    assert all((scores[:5] >= 0).all() and len(scores) == 6 for scores in each.values())


def test_scores_of_clip_are_those_of_the_library(sets, base, found):
    texts = sets.captions["b"]
    assert found.scores["b"]["CLIPScore"].value == pytest.approx(float(base_scores(base, sets.images, texts).mean()))
    bare = base_scores(base, sets.images, texts, prompt="").mean()
    assert found.scores["b"]["description score"].value == pytest.approx(
        float(bare), abs=1e-5
    )  # it has learned nothing
    features = picture_features(sets.images, base)
    expected = refcompare_of_systems({"b": texts}, sets.references, features, base)["b"]
    assert found.scores["b"]["RefCompare (own)"].value == pytest.approx(expected.value)
    assert found.scores["b"]["RefCompare (own)"].resamples == pytest.approx(expected.resamples)


def test_pictures_that_cannot_be_read_are_counted_and_left_out(sets, base, tmp_path, monkeypatch):
    monkeypatch.setattr(caption_file_scores, "SHARD", 4)
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"")
    images = [*sets.images[:2], str(broken), "", str(tmp_path / "none.png"), sets.images[5]]
    found = read_features(images, base)
    assert found.rows.tolist() == [0, 1, 5]
    assert found.broken == {"image file is empty": 1, "image file is missing": 1}
    assert found.unnamed == 1
    assert found.base == pytest.approx(picture_features([images[n] for n in (0, 1, 5)], base), abs=1e-5)


def test_robustness_is_checked_on_the_references_of_these_pictures(found):
    assert set(found.robust["scorer"]) == {"CLIPScore", "description score"}
    assert {"empty", "words shuffled", "another picture"} <= set(found.robust["check"])
    assert "another post" not in set(found.robust["check"])  # there are no posts


def test_without_a_model_or_pictures_there_are_the_scores_of_the_coco_evaluation_alone(sets, base, monkeypatch):
    monkeypatch.setattr(caption_file_scores, "score_systems", lambda systems, *_: {name: {} for name in systems})
    for without in (evaluate_captions(sets), evaluate_captions(replace(sets, images=[""] * 6), base)):
        assert without.scores == {"a": {}, "b": {}}
        assert without.pictures is None and without.robust.empty


def test_pairs_of_several_files_are_corrected_for_their_number():
    def estimate(value: float, share_below: float) -> Estimate:
        resamples = np.full(1000, value)
        resamples[: int(1000 * share_below)] = -value
        return Estimate(value, resamples)

    zero = Estimate(0.0, np.zeros(1000))
    scores = {"a": {"M": estimate(2.0, 0.01)}, "b": {"M": zero}}
    (single,) = paired_differences(scores)
    assert (single.first, single.second, single.estimate.value) == ("a", "b", 2.0)
    assert single.p == pytest.approx(single.estimate.p)
    several = paired_differences(scores | {"c": {"M": zero}})
    assert [d.p for d in several] == pytest.approx([3 * single.p, 3 * single.p, 1.0])
    assert paired_differences({"a": {"M": zero}}) == []
