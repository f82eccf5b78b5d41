"""Candidates in the order of their similarity to the post."""

import pytest

from altlib.generation import reranking
from altlib.generation.decoding import Candidate
from altlib.generation.reranking import rerank


def test_reranking_similarities_prefer_what_the_post_says():
    posts = ["two growlers at the quay in whitby"]
    for similarity in (reranking.rouge_similarity(posts), reranking.bleu_similarity(posts)):
        assert (
            similarity(0, "two growlers at the quay") > similarity(0, "two growlers in a shop") > similarity(0, "zebra")
        )
    candidates = [["two growlers", "a dog"]]
    from altlib.models.clip import load_clip

    similarity = reranking.clip_text_similarity(posts, candidates, load_clip())
    assert similarity(0, "two growlers") == pytest.approx(
        float((load_clip().encode_texts(["two growlers"]) @ load_clip().encode_texts(posts).T)[0, 0]), abs=1e-4
    )


def test_reranking_takes_the_most_similar_and_then_the_likelier():
    options = [[Candidate("a b", -1, -1), Candidate("b c", -2, -1), Candidate("c b", -3, -1)], []]
    assert rerank(options, lambda i, text: text.startswith(("b", "c"))) == ["b c", ""]
