"""Second captions among alt texts."""

from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from altlib.core.files import write_json
from altlib.data.described import triplet_posts
from altlib.data.posts import read_corpus, write_corpus
from altlib.evaluation import second_captions
from altlib.evaluation.second_captions import CaptionJudge, caption_judge, open_tuned, tuned_runs
from altlib.models.description_clip import DescriptionClip, TuningSettings
from tests.small_clip import SMALL_TUNING


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


def test_second_captions_are_found_by_the_preference_of_a_run(book, tmp_path):
    judge = caption_judge(book, tmp_path, missed=0.2)
    assert judge.missed <= 0.2 and 0 <= judge.caught <= 1 and judge.pictures > 10
    posts = read_corpus(book / "corpus", "val")
    posts = posts[(posts["caption"] != "") & (posts["alt_text"] != "")]
    texts = {
        kind: judge.second_captions(posts["image"].tolist(), posts[kind].tolist()) for kind in ("alt_text", "caption")
    }
    assert texts["alt_text"].mean() == pytest.approx(judge.missed, abs=0.02)
    assert texts["caption"].mean() == pytest.approx(judge.caught, abs=0.02)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("seed", [0, 5])
def test_the_run_is_only_read_and_its_own_validation_pictures_set_the_judge(
    base, described_posts, tmp_path, monkeypatch, seed
):
    """A run without captions has tuned on pictures that it drew with the seed of its chapter 06."""
    run, stories = tmp_path / "run", 30
    write_corpus(run / "corpus", described_posts.assign(split="train", caption=""))
    monkeypatch.setattr(second_captions, "triplet_posts", partial(triplet_posts, stories=stories))
    own, origin = triplet_posts(run, stories=stories, seed=seed)
    assert origin == "miniworld"
    DescriptionClip(base, TuningSettings(**SMALL_TUNING)).save(run / "tuned-clip" / "a", {"trade_off": 1.0})
    models = {"clip_model": "miniature", "clip_pretrained": "", "concadia_path": "", "seed": seed, "models": ["a"]}
    write_json(run / "tuned-clip" / "models.json", models)
    before, judged = contents(run), []
    scores = second_captions.tuned_scores

    def spy(tuned, base, pictures, texts, cache):
        judged.append([(Path(picture).name, text) for picture, text in zip(pictures, texts, strict=True)])
        return scores(tuned, base, pictures, texts, cache)

    monkeypatch.setattr(second_captions, "tuned_scores", spy)
    judge = caption_judge(run, tmp_path / "mine")
    assert contents(run) == before
    own = own[(own["split"] == "val") & (own["caption"] != "") & (own["alt_text"] != "")]
    names = [Path(picture).name for picture in own["image"]]
    assert judged == [list(zip(names, own[kind], strict=True)) for kind in ("alt_text", "caption")]
    assert judge.pictures == len(own) > 0


def test_models_that_earlier_parameters_left_behind_are_not_opened(base, tmp_path):
    with pytest.raises(ValueError, match="it has none: run the book, or chapter 06, first"):
        open_tuned(tmp_path)
    for name, trade_off in (("kept", 0.5), ("left", 0.9)):
        settings = TuningSettings(**SMALL_TUNING)
        DescriptionClip(base, settings).save(tmp_path / "tuned-clip" / name, {"trade_off": trade_off})
    models = {"clip_model": "miniature", "clip_pretrained": "", "models": ["kept", "never finished"]}
    write_json(tmp_path / "tuned-clip" / "models.json", models)
    assert tuned_runs(tmp_path) == ["kept"]
    assert open_tuned(tmp_path)[0].fingerprint == base.fingerprint
    with pytest.raises(ValueError, match="no fine-tuned CLIP 'left'; it has kept"):
        open_tuned(tmp_path, "left")
