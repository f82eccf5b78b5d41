"""Second captions among alt texts."""

import numpy as np
import pandas as pd
import pytest

from altlib.data.posts import read_corpus
from altlib.evaluation.second_captions import CaptionJudge, caption_judge


class LengthJudge(CaptionJudge):
    """A judge that takes short texts for second captions."""

    def second_captions(self, pictures, texts, cache=None):
        assert len(pictures) == len(texts)
        return np.array([len(text) < 10 for text in texts])


@pytest.fixture
def judge():
    return LengthJudge(None, None, threshold=0.1, missed=0.05, caught=0.6, pictures=40)


def test_a_corpus_is_judged_part_by_part_in_the_order_of_its_index(judge):
    parts = [
        pd.DataFrame({"image": "a.png", "alt_text": ["So proud!", "A red cup on a rug."]}, index=[2, 0]),
        pd.DataFrame({"image": "b.png", "alt_text": ["Finally"]}, index=[1]),
    ]
    assert judge.judge_frames(iter(parts)).to_dict() == {0: False, 1: True, 2: True}


def test_the_report_warns_of_a_clip_that_takes_most_texts_for_captions(judge):
    assert "5% of the descriptions and 60% of the captions" in judge.report("runs/x", 0.2)
    assert "more than half" not in judge.report("runs/x", 0.2)
    assert "more than half" in judge.report("runs/x", 0.7)


def test_second_captions_are_found_by_the_preference_of_a_run(book):
    judge = caption_judge(book, missed=0.2)
    assert judge.missed <= 0.2 and 0 <= judge.caught <= 1 and judge.pictures > 10
    posts = read_corpus(book / "corpus", "val")
    posts = posts[(posts["caption"] != "") & (posts["alt_text"] != "")]
    texts = {
        kind: judge.second_captions(posts["image"].tolist(), posts[kind].tolist()) for kind in ("alt_text", "caption")
    }
    assert texts["alt_text"].mean() == pytest.approx(judge.missed, abs=0.02)
    assert texts["caption"].mean() == pytest.approx(judge.caught, abs=0.02)
