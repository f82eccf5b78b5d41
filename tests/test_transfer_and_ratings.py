import json

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from scipy import stats
from torch.nn import functional as F

from altlib.core import statistics
from altlib.core.errors import CorpusError
from altlib.data.sources import registry
from altlib.evaluation import ratings, transfer
from altlib.evaluation.clip_scores import clip_score
from altlib.miniworld import ratings as drawn_ratings
from altlib.miniworld import tasks
from altlib.miniworld.judges import statements
from altlib.miniworld.network import network
from altlib.models.clip import load_clip


@pytest.fixture(scope="module")
def base():
    return load_clip()


# ---- transfer ----


def test_macro_f1_by_hand():
    targets = torch.tensor([0, 0, 1, 1, 2])
    predicted = torch.tensor([0, 1, 1, 1, 0])
    # class 0: TP 1, FP 1, FN 1 -> 1/2; class 1: TP 2, FP 1 -> 4/5; class 2: none -> 0
    assert transfer.macro_f1(predicted, targets) == pytest.approx((0.5 + 0.8 + 0) / 3)
    assert transfer.macro_f1(targets, targets) == 1


@given(st.lists(st.integers(0, 4), min_size=2, max_size=30), st.integers(0, 5))
def test_macro_f1_does_not_depend_on_the_order_of_pictures(targets, seed):
    targets = torch.tensor(targets)
    generator = torch.Generator().manual_seed(seed)
    predicted = targets[torch.randperm(len(targets), generator=generator)]
    order = torch.randperm(len(targets), generator=generator)
    score = transfer.macro_f1(predicted, targets)
    assert 0 <= score <= 1
    assert transfer.macro_f1(predicted[order], targets[order]) == pytest.approx(score)


def test_the_tasks_of_the_miniature_world_differ_in_size_and_domain():
    classes = tasks.miniworld_classes()
    sizes = [len(c) for c in classes.values()]
    assert len(sizes) == 3 and min(sizes) == 15 and max(sizes) > 130
    assert all(len({label for _, label in c}) == len(c) for c in classes.values())


def test_half_of_each_class_reports(base, tmp_path, monkeypatch):
    classes = [({"setting": "beach"}, "beach"), ({"setting": "snow"}, "snow")]
    monkeypatch.setattr(tasks, "miniworld_classes", lambda: {"Settings": classes})
    (task,) = transfer.miniworld_tasks(base, tmp_path, per_class=4)
    assert task.reports.tolist() == [False, True] * 4 and task.targets.tolist() == [0] * 4 + [1] * 4
    torch.testing.assert_close(
        transfer.encode_pictures(task.read, 8, lambda x: base.model.encode_image(x, normalize=True)),
        task.features,
        atol=1e-5,
        rtol=0,
    )
    with pytest.raises(ValueError, match="at least two"):
        transfer.miniworld_tasks(base, tmp_path, per_class=1)


def test_zero_shot_takes_the_nearest_label():
    features = F.normalize(torch.eye(4)[[0, 1, 2, 2]] + 0.1, dim=1)
    task = transfer.TransferTask(
        "t",
        ["a", "b", "c"],
        features,
        torch.tensor([0, 1, 2, 1]),
        torch.tensor([True, True, True, False]),
        lambda i: features,
    )
    assert transfer.zero_shot(task, torch.eye(4)[:3], reporting=True) == 1
    assert transfer.zero_shot(task, torch.eye(4)[:3], reporting=False) == 0


def test_torchvision_datasets_are_read_by_path_and_kept(base, tmp_path):
    root = tmp_path / "food-101"
    (root / "meta").mkdir(parents=True)
    names = ["apple_pie", "sushi"]
    for name in names:
        (root / "images" / name).mkdir(parents=True)
        for i in range(3):
            Image.effect_noise((40, 30), 80).convert("RGB").save(root / "images" / name / f"{i}.jpg")
    listing = {n: [f"{n}/{i}" for i in range(3)] for n in names}
    for part in ("train", "test"):
        (root / "meta" / f"{part}.json").write_text(json.dumps(listing))
    (task,) = transfer.torchvision_tasks(base, tmp_path, tmp_path / "cache")
    assert task.labels == ["apple pie", "sushi"] and sorted(task.targets.tolist()) == [0, 0, 0, 1, 1, 1]
    for image in (root / "images").rglob("*.jpg"):
        image.unlink()
    (again,) = transfer.torchvision_tasks(base, tmp_path, tmp_path / "cache")
    assert torch.equal(task.features, again.features)
    with pytest.raises(ValueError, match=r"holds none.*download=True"):
        transfer.torchvision_tasks(base, tmp_path / "cache", tmp_path / "cache")


# ---- scores and ratings ----


def test_clip_score_as_published():
    a = F.normalize(torch.tensor([[1.0, 0.0], [1.0, 0.0]]), dim=1)
    b = F.normalize(torch.tensor([[1.0, 1.0], [-1.0, 0.0]]), dim=1)
    assert clip_score(a, b).tolist() == pytest.approx([2.5 / 2**0.5, 0])


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


def test_the_partial_correlation_agrees_with_its_formula():
    rng = np.random.default_rng(0)
    z = rng.normal(size=50)
    x, y = z + rng.normal(size=50), z + rng.normal(size=50)
    rxy, rxz, ryz = (np.corrcoef(a, b)[0, 1] for a, b in ((x, y), (x, z), (y, z)))
    expected = (rxy - rxz * ryz) / np.sqrt((1 - rxz**2) * (1 - ryz**2))
    assert statistics.partial_correlation(x, y, z) == pytest.approx(expected)
    assert statistics.partial_correlation(x, y, np.ones(50)) == pytest.approx(rxy)


def test_intervals():
    x = np.arange(30.0)
    y = x + np.sin(x) * 20
    z, half = np.arctanh(np.corrcoef(x, y)[0, 1]), stats.norm.ppf(0.975) / 27**0.5
    assert statistics.pearson_interval(x, y) == pytest.approx((np.tanh(z - half), np.tanh(z + half)))
    assert np.isnan(statistics.pearson_interval(x, np.ones(30))).all()
    mean, half = statistics.seed_interval([1.0, 2.0, 3.0])
    assert mean == 2 and half == pytest.approx(stats.t.ppf(0.975, 2) / 3**0.5)
    assert np.isnan(statistics.seed_interval([1.0])[1])


def test_statements_find_right_and_wrong_facts():
    facts = {
        "kind": "election flyer",
        "count": "two",
        "colour": "red",
        "setting": "beach",
        "side": "left",
        "form": "photo",
    }
    right = statements("Two election flyers on a scarlet rug, on a beach, a dog to the left", facts)
    assert right.right == {"kind", "count", "colour", "setting", "side"} and right.share_right == 1
    wrong = statements("Three election flyers on a blue rug", facts)
    assert wrong.right == {"kind"} and wrong.share_said == pytest.approx(3 / 5)
    empty = statements("So proud of this one!", facts)
    assert empty.share_said == 0 and empty.share_of_words == 0


def test_the_writers_state_what_is_there():
    """The judge finds nearly every visible fact in alt text as written, and few in posts."""
    shares = {"alt_text": [], "text": []}
    for post in network(11, 60):
        facts = {f["fact"]: f["value"] for f in json.loads(post.facts)}
        if facts["noise"] == "as written" and post.scene.form == "photo":
            for where in shares:
                shares[where].append(statements(getattr(post, where), facts).share_right)
    assert np.mean(shares["alt_text"]) > 0.95 and np.mean(shares["text"]) < 0.2


def test_the_stand_in_rates_alt_text_above_captions_and_only_the_picture_shows_mistakes(tmp_path):
    posts = registry.collect("miniworld", tmp_path, posts=20, seed=3)[0]
    groups, items = drawn_ratings.miniworld_ratings(posts[posts["alt_text"] != ""].reset_index(drop=True))
    means = {name: group.groupby("context")["overall"].mean() for name, group in groups.items()}
    for name in groups:
        assert means[name]["alt text"] > means[name]["caption"]
    with_image = means["reader with image"]
    assert with_image["alt text"] > with_image["mistaken"] + 0.3
    assert means["reader without image"]["alt text"] == pytest.approx(
        means["reader without image"]["mistaken"], abs=0.2
    )
    assert all(group[list(ratings.QUESTIONS)].stack().dropna().between(1, 5).all() for group in groups.values())
    assert len(items) == len(groups["reader without image"])
    found = ratings.rated_items(posts.assign(split="test"), "", "", 10, 0)
    assert found.stand_in and len(found.pairs) > 20
    assert not ratings.rated_items(posts.assign(split="test", facts=""), "", "", 10, 0).groups
