"""People's ratings beside scores."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from scipy import stats

from altlib.core.errors import CorpusError
from altlib.evaluation import ratings

ITEMS = [("1.jpg", "article a", "a dog on a lawn"), ("1.jpg", "article a", "a dog"), ("2.jpg", "article b", "two boats"),
         ("2.jpg", "article b", "boats at a quay, one red"), ("3.jpg", "article a", "cup")]  # fmt: skip


def published(folder, blind=None, sighted=None):
    """The two files of ratings in their published format."""
    columns = ["img_id", "context", "description", "participant"]
    rows = blind or [
        (*item, person, 1 + (i + person) % 5, 1 + i, 3, 5 - i) for i, item in enumerate(ITEMS) for person in (0, 1)
    ]
    frame = pd.DataFrame(rows, columns=[*columns, "q_overall", "q_reconstructivity", "q_relevance", "q_irrelevance"])
    frame.to_csv(folder / ratings.BLIND_FILE, index=False)
    rows = sighted or [
        (*item, 7, 2, 1 + i, 4, 4, 5 - i if i else np.nan, 3, 2)
        for i, item in enumerate([*ITEMS, ("9.jpg", "x", "other")])
    ]
    names = ["q_overall.preimg", "q_reconstructivity.preimg", "q_relevance.preimg", "q_irrelevance.preimg",
             "q_overall.postimg", "q_relevance.postimg", "q_irrelevance.postimg"]  # fmt: skip
    pd.DataFrame(rows, columns=[*columns, *names]).to_csv(folder / ratings.SIGHTED_FILE, index=False)


def test_ratings_are_averaged_and_sighted_ones_kept_for_the_blind_items(tmp_path):
    published(tmp_path)
    groups = ratings.read_ratings(tmp_path)
    assert list(groups) == ["blind", "sighted, without image", "sighted, with image"]
    assert all(len(g) == 5 for g in groups.values())
    dog = groups["blind"].set_index("description").loc["a dog"]
    assert dog["overall"] == 2.5 and dog["imaginability"] == 2 and dog["irrelevance"] == 4
    with_image = groups["sighted, with image"].set_index("description")
    assert np.isnan(with_image.loc["a dog on a lawn", "overall"]) and with_image["imaginability"].isna().all()


def test_correlations_are_pearsons_with_length_and_what_was_left_out(tmp_path):
    published(tmp_path)
    groups = ratings.read_ratings(tmp_path)
    texts = [d for _, _, d in ITEMS]
    scores = pd.DataFrame({"description": texts[:4], "score": [0.9, 0.1, 0.4, 0.2]})
    table = ratings.correlations(groups, scores).set_index(["group", "question"])
    row = table.loc[("blind", "imaginability")]
    assert row["items"] == 4 and row["without_score"] == 1
    assert row["r"] == pytest.approx(stats.pearsonr([0.9, 0.1, 0.4, 0.2], [1, 2, 3, 4])[0])
    assert row["length_r"] == pytest.approx(stats.pearsonr([len(t) for t in texts[:4]], [1, 2, 3, 4])[0])
    assert np.isnan(table.loc[("blind", "relevance"), "r"])  # everybody said 3
    assert ("sighted, with image", "imaginability") not in table.index
    assert table.loc[("sighted, with image", "overall"), "items"] == 3  # one rating is missing, one text has no score


def test_published_scores_join_on_the_text(tmp_path):
    (tmp_path / "scores.csv").write_text(
        'imgstem_version,texts,text_controls,clipscore\n1_version1,"a dog ",x,0.5\n1_version2,a dog,x,0.7\n2_version1,cup,x,\n'
    )
    scores = ratings.read_scores(tmp_path / "scores.csv")
    assert scores.to_dict("records") == [{"description": "a dog", "score": pytest.approx(0.6)}]


def test_rated_texts_find_their_images(tmp_path):
    images = tmp_path / "cosid_images"
    images.mkdir()
    Image.new("RGB", (8, 8)).save(images / "dog_version1.png")
    (tmp_path / "cosid_descriptions.json").write_text(json.dumps({"dog_version1": "a dog", "cat_version1": "a cat"}))
    assert ratings.description_images(tmp_path) == {"a dog": str(images / "dog_version1.png")}
    published(tmp_path)
    found = ratings.rated_items(pd.DataFrame(), str(tmp_path), str(tmp_path), 10, 0)
    assert found.pairs["description"].tolist() == ["a dog"] and "1 of 5 texts" in found.note
    scored = found.scored(lambda pictures, texts: torch.tensor([0.25]))
    assert scored.to_dict("records") == [{"description": "a dog", "score": 0.25}]


def test_ratings_without_images_are_counted_as_without_a_score(tmp_path):
    published(tmp_path)
    found = ratings.rated_items(pd.DataFrame(), str(tmp_path), "", 10, 0)
    table = ratings.correlations(found.groups, found.scored(lambda pictures, texts: pytest.fail("nothing to score")))
    assert (table["items"] == 0).all() and table["r"].isna().all() and (table["without_score"] > 0).all()


def test_files_of_another_format_are_refused(tmp_path):
    with pytest.raises(CorpusError, match="does not exist"):
        ratings.read_ratings(tmp_path)
    (tmp_path / ratings.BLIND_FILE).write_text("img_id,context,description\n1,2,3\n")
    with pytest.raises(CorpusError, match="lacks the columns q_overall"):
        ratings.read_ratings(tmp_path)
    with pytest.raises(CorpusError, match=r"cosid_descriptions\.json"):
        ratings.description_images(tmp_path)
