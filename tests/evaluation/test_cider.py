"""CIDEr and its resamples, against pycocoevalcap."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from altlib.core.statistics import resample_counts
from altlib.evaluation import cider as module
from altlib.evaluation.cider import cider, cider_resamples

REFERENCES = [
    ["two mugs on a red cloth by the sea"],
    ["a map with a dog", "a map"],
    ["a map with a cat to the left"],
    ["a cup", "the cup is red", "two cups"],
    ["it is shut"],
]
CAPTIONS = ["two mugs on a blue cloth by a lake", "a map with a cat", "a dog", "", "a cup a cup a cup"]


def published(hypotheses: list[str], references: list[list[str]]) -> np.ndarray:
    """CIDEr of each caption by pycocoevalcap."""
    from pycocoevalcap.cider.cider_scorer import CiderScorer

    scorer = CiderScorer(n=4, sigma=6.0)
    for hypothesis, several in zip(hypotheses, references, strict=True):
        scorer += (hypothesis, several)
    return scorer.compute_score()[1]


def drawn(texts: list, row: np.ndarray) -> list:
    return [text for text, times in zip(texts, row.astype(int), strict=True) for _ in range(times)]


def test_a_resample_is_the_score_of_the_resampled_pictures_with_their_own_document_frequencies():
    counts = resample_counts(len(REFERENCES), 3, 40)
    expected = [published(drawn(CAPTIONS, row), drawn(REFERENCES, row)).mean() for row in counts]
    assert cider_resamples(CAPTIONS, REFERENCES, counts) == pytest.approx(expected, rel=1e-9, abs=1e-12)
    fixed = counts @ cider(CAPTIONS, REFERENCES) / len(REFERENCES)
    assert abs(fixed - expected).max() > 0.1  # frequencies that are held fixed give other scores


words = st.lists(st.sampled_from("abcd"), max_size=9).map(" ".join)


@given(st.lists(st.tuples(words, st.lists(words, min_size=1, max_size=3)), min_size=1, max_size=6))
@settings(deadline=None, max_examples=60)
def test_scores_of_captions_and_of_the_corpus_are_those_of_pycocoevalcap(pairs):
    hypotheses, references = (list(texts) for texts in zip(*pairs, strict=True))
    if not any(any(several) for several in references):
        references[0] = ["a"]  # pycocoevalcap needs a word in some reference
    expected = published(hypotheses, references)
    assert cider(hypotheses, references) == pytest.approx(expected, rel=1e-9, abs=1e-12)
    once = np.ones((1, len(pairs)))
    assert cider_resamples(hypotheses, references, once)[0] == pytest.approx(expected.mean(), rel=1e-9, abs=1e-12)


def test_captions_without_words_score_nothing_whatever_the_references():
    assert cider(["", "a"], [["a b"], [""]]).tolist() == [0, 0]
    assert cider([""], [[""]]).tolist() == [0]


def test_resamples_are_the_same_however_many_are_held_at_a_time(monkeypatch):
    counts = resample_counts(len(REFERENCES), 0, 10)
    whole = cider_resamples(CAPTIONS, REFERENCES, counts)
    monkeypatch.setattr(module, "NUMBERS_HELD", 100)
    assert cider_resamples(CAPTIONS, REFERENCES, counts) == pytest.approx(whole, rel=1e-12)
