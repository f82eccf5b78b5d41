import json
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from altlib.core.errors import CorpusError
from altlib.data.preferences import (
    PAIR_COLUMNS,
    Pairs,
    fact_pairs,
    load_pairs,
    posts_for_pairs,
    ranked_pairs,
    read_jsonl,
    read_mcm_dpo,
    split_pairs,
)
from altlib.miniworld.fact_errors import ERRORS
from altlib.miniworld.network import network


def test_pairs_of_mcm_dpo_keep_both_responses_and_pass_over_test_files(tmp_path, picture):
    folder = tmp_path / "data" / "twitter"
    told = {"question": "Write alt text.\nContext: Brew day!", "chosen": "Two growlers.", "rejected": "A picture."}
    picture("data/twitter/image/twitter_train/1.jpg")
    training = [
        {"image": {"path": "1.jpg"}, "idx": 7, "text": json.dumps(told)},
        {"image": {"path": "1.jpg"}, "idx": 8, "text": json.dumps(told | {"rejected": "Two  growlers."})},
        {"image": {"path": "1.jpg"}, "idx": 9, "text": json.dumps(told | {"chosen": " "})},
        {"image": {"path": "gone.jpg"}, "idx": 10, "text": json.dumps(told)},
        {"idx": 11},
        {"image": {"path": "a" * 300}, "idx": 12, "text": json.dumps(told)},
        {"image": {"path": "1.jpg"}, "idx": 13, "text": "[" * 100_000},
    ]
    (folder / "twitter_train.json").write_text(json.dumps(training))
    (folder / "twitter_test.json").write_text(json.dumps({"image_path": "1.jpg", **told}) + "\n")
    pairs = read_mcm_dpo(tmp_path)
    assert pairs.frame.columns.tolist() == list(PAIR_COLUMNS)
    assert pairs.frame[["text", "chosen", "rejected", "split"]].values.tolist() == [
        ["Brew day!", "Two growlers.", "A picture.", "train"]
    ]
    assert pairs.excluded == {
        "chosen and rejected are identical": 1,
        "a response is empty": 1,
        "image file is missing": 1,
        "record is malformed": 3,
    }


def test_what_is_broken_in_a_file_is_counted_and_the_rest_is_read(tmp_path, picture):
    picture("a.png")
    (tmp_path / "cut.jpg").write_bytes(picture("whole.jpg", size=(300, 300)).read_bytes()[:-400])
    good = {"image": "a.png", "chosen": "A", "rejected": "B"}
    rows = [
        good | {"post": "A line\u2028break and\u0085 another", "chosen": "First"},
        good | {"post": None, "error": None, "chosen": "Cut \ud83d"},
        good | {"image": "a" * 300},
        good | {"image": "cut.jpg"},
        good | {"chosen": None},
    ]
    lines = [*(json.dumps(row, ensure_ascii=number == 1) for number, row in enumerate(rows)), "[" * 100_000]
    file = tmp_path / "pairs.jsonl"
    file.write_text("\n".join(lines), "utf-8-sig")
    pairs = read_jsonl(file)
    assert pairs.frame["chosen"].tolist() == ["First", "Cut ?"] and pairs.frame["error"].tolist() == ["", ""]
    assert pairs.excluded == {
        "image file is missing": 1,
        "image is truncated or corrupted": 1,
        "record is malformed": 2,
    }
    pairs.frame.to_parquet(tmp_path / "pairs.parquet")
    file.write_text("[" + lines[0] + "]", "utf-8-sig")
    assert read_jsonl(file).frame["text"].tolist() == ["A line\u2028break and\u0085 another"]
    file.write_text("[" * 100_000)
    with pytest.raises(CorpusError, match="not a complete JSON list"):
        read_jsonl(file)


def test_json_lines_are_read_under_several_names(tmp_path, picture):
    picture("images/a.png")
    rows = [
        {"image": "images/a.png", "post": "Brew day!", "alt_text": "Two growlers.", "rejected": "Beer."},
        {"image_path": "images/a.png", "context": "", "chosen": "A", "rejected": "B", "error": "colour"},
        {"image": "../../outside.png", "chosen": "A", "rejected": "B"},
        {"image": "images/a.png", "chosen": 3.5, "rejected": "B"},
        "not an object",
    ]
    file = tmp_path / "pairs.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)))
    pairs = read_jsonl(file)
    assert pairs.frame["chosen"].tolist() == ["Two growlers.", "A"]
    assert pairs.frame["error"].tolist() == ["", "colour"] and pairs.excluded == {"record is malformed": 3}


def test_a_file_without_a_useful_pair_says_what_was_wrong_with_them(tmp_path):
    with pytest.raises(CorpusError, match="no file of preference pairs"):
        read_jsonl(tmp_path / "none.jsonl")
    (tmp_path / "same.jsonl").write_text(json.dumps({"image": "a.png", "chosen": "A", "rejected": "A"}))
    with pytest.raises(CorpusError, match="chosen and rejected are identical: 1"):
        read_jsonl(tmp_path / "same.jsonl")


def test_samples_are_ranked_by_whatever_scores_them(picture):
    image = str(picture("a.png"))
    posts = pd.DataFrame({"item_id": ["a", "b", "c"], "image": [image] * 3, "text": ["x", "y", "z"]})
    samples = [["aa", "aaaa", "a"], ["b", "b"], ["cc", "c"]]
    pairs = ranked_pairs(posts, samples, lambda i, text: len(text), least=2)
    assert pairs.frame[["item_id", "chosen", "rejected"]].values.tolist() == [["a", "aaaa", "a"]]
    assert pairs.excluded == {"samples do not differ": 2}
    with pytest.raises(CorpusError, match="no two samples"):
        ranked_pairs(posts, samples, lambda i, text: 0.0)


def test_pairs_from_facts_take_the_kinds_of_error_in_turn(picture):
    image = str(picture("a.png"))
    items = [post.item_id for post in network(5, 30)]
    posts = pd.DataFrame({"item_id": items, "image": image, "text": "Post", "split": "train"})
    pairs = fact_pairs(posts, ERRORS)
    counts = pairs.frame["error"].value_counts()
    assert set(counts.index) == set(ERRORS) and counts.min() >= 3
    assert (pairs.frame["chosen"] != pairs.frame["rejected"]).all()
    assert len(pairs) + sum(pairs.excluded.values()) == len(items)
    only = fact_pairs(posts, ["wrong count"])
    assert set(only.frame["error"]) == {"wrong count"} and only.excluded["no room for an error"] > 0
    with pytest.raises(CorpusError, match="1 of 1 give no room"):
        fact_pairs(posts[:1].assign(item_id="twitter-1"), ERRORS)


@settings(deadline=None)
@given(st.lists(st.sampled_from(["train", "val", "test", ""]), min_size=30, max_size=60), st.integers(0, 5))
def test_no_picture_is_both_learned_from_and_watched(splits, seed):
    frame = pd.DataFrame({"image": [f"{n // 2}.png" for n in range(len(splits))], "split": splits})
    tested = frame.loc[frame["split"] == "test", "image"]
    try:
        found = split_pairs(Pairs(frame, {}), 0, 10, seed, ["3.png"])
    except CorpusError:
        return
    assert not set(found["train"]["image"]) & set(found["val"]["image"])
    assert not {"test", "val"} & set(found["train"]["split"])
    used = pd.concat(found.values())
    assert not {*tested, "3.png"} & set(used["image"])
    marked = (frame.loc[~frame["image"].isin([*tested, "3.png"]), "split"] == "val").sum()
    assert set(found["val"]["split"]) <= ({"val", ""} if marked > 1 else {"val", "train", ""})
    assert len(found["val"]) <= 10
    assert marked or len(found["val"]) <= max(2, len(used) // 5 + 1)


def test_a_copy_of_a_test_picture_is_not_learned_from(picture, tmp_path):
    files = [picture(f"{n}.png", size=(8 + n, 8)) for n in range(8)]
    copy = tmp_path / "copy.png"
    copy.write_bytes(files[0].read_bytes())
    frame = pd.DataFrame({"image": [str(copy), *map(str, files[1:])], "split": ""})
    found = pd.concat(split_pairs(Pairs(frame, {}), 0, 2, 0, [str(files[0]), str(tmp_path / "gone.png")]).values())
    assert set(found["image"]) == {str(file) for file in files[1:]}


def test_where_all_pairs_are_marked_for_training_some_are_taken_to_follow_rewards_on():
    rows = [{"image": f"{n}.png", "split": "train"} for n in range(20)]  # as in MCM-DPO's repository
    found = split_pairs(Pairs(pd.DataFrame(rows), {}), 0, 24, 0)
    assert len(found["val"]) == 4 and len(found["train"]) == 16
    assert not set(found["train"]["image"]) & set(found["val"]["image"])


def test_copies_of_a_picture_go_together(picture, tmp_path):
    files = [picture(f"{n}.png", size=(8 + n, 8)) for n in range(8)]
    rows = [{"image": str(file), "split": ""} for file in files]
    for n, file in enumerate(files):
        copy = tmp_path / f"copy-{n}.png"
        copy.write_bytes(file.read_bytes())
        rows.append({"image": str(copy), "split": ""})
    found = split_pairs(Pairs(pd.DataFrame(rows), {}), 0, 4, 0)
    contents = {name: {Path(path).read_bytes() for path in rows["image"]} for name, rows in found.items()}
    assert not contents["train"] & contents["val"] and sum(map(len, found.values())) == 16
    assert list(found["train"].columns) == ["image", "split"]


def test_one_mark_for_validation_among_many_for_training_is_not_enough():
    rows = [{"image": f"{n}.png", "split": "val" if n == 4 else "train"} for n in range(20)]
    found = split_pairs(Pairs(pd.DataFrame(rows), {}), 0, 24, 0)
    assert "4.png" in set(found["val"]["image"]) and len(found["val"]) == 4 and len(found["train"]) == 16


@pytest.mark.parametrize("mark", ["train", ""])
def test_pairs_of_the_same_pictures_go_together_and_few_are_left_out(mark):
    rows = [{"image": f"{n % 20}.png", "split": mark} for n in range(100)]  # five pairs of each picture
    for validation in (10, 12):
        found = split_pairs(Pairs(pd.DataFrame(rows), {}), 0, validation, 0)
        assert len(found["val"]) == 10 and len(found["train"]) == 90
    found = split_pairs(Pairs(pd.DataFrame(rows[:4] * 5), {}), 0, 12, 0)  # a fifth is less than a picture has
    assert len(found["val"]) == 5 and len(found["train"]) == 15
    for seed in range(6):
        many = [{"image": name, "split": mark} for name in "A" * 8 + "BBCC"]
        found = split_pairs(Pairs(pd.DataFrame(many), {}), 0, 4, seed)
        assert len(found["val"]) == 2 and len(found["train"]) == 10


@pytest.mark.parametrize("images", ["ABCDEFGHI", "AAAABC"])
def test_two_pairs_of_few_are_enough_to_follow_rewards_on(images):
    rows = [{"image": name, "split": "train"} for name in images]
    for seed in range(4):
        found = split_pairs(Pairs(pd.DataFrame(rows), {}), 0, 8, seed)
        assert len(found["val"]) == 2 and len(found["train"]) == len(images) - 2


def test_one_unmarked_pair_among_those_for_training_changes_nothing():
    rows = [{"image": f"{n}.png", "split": "train" if n else ""} for n in range(100)]
    found = split_pairs(Pairs(pd.DataFrame(rows), {}), 0, 10, 0)
    assert len(found["val"]) == 10 and len(found["train"]) == 90


def test_splits_of_json_lines_are_known_by_their_usual_names_and_others_are_refused(tmp_path, picture):
    picture("a.png")
    names = ["Train", "training", "dev", " validation", "val", "test", "", None]
    file = tmp_path / "pairs.jsonl"
    rows = [{"image": "a.png", "chosen": "A", "rejected": "B", "split": name} for name in names]
    file.write_text("\n".join(map(json.dumps, rows)))
    assert read_jsonl(file).frame["split"].tolist() == ["train", "train", "val", "val", "val", "test", "", ""]
    file.write_text(json.dumps(rows[0] | {"split": "holdout"}))
    with pytest.raises(CorpusError, match="unknown split 'holdout'; known: train, training"):
        read_jsonl(file)


def test_a_source_is_found_by_its_name(tmp_path, picture):
    picture("a.png")
    row = {"image": "a.png", "chosen": "A", "rejected": "B"}
    (tmp_path / "pairs.jsonl").write_text(json.dumps(row))
    found = load_pairs("jsonl", str(tmp_path / "pairs.jsonl"), pd.DataFrame(), "", 0)
    assert len(found) == 1
    with pytest.raises(CorpusError, match="0 pairs to learn from and 1 to follow rewards on"):
        split_pairs(found, 0, 2, 0)
    with pytest.raises(ValueError, match="unknown source of pairs"):
        load_pairs("gemini", "", pd.DataFrame(), "", 0)


def test_somewhat_more_posts_are_taken_than_pairs_are_wanted():
    posts = pd.DataFrame({"split": ["train"] * 50 + ["val"] * 10 + ["test"] * 10, "number": range(70)})
    assert posts_for_pairs(posts, 20, 4, 0)["split"].value_counts().to_dict() == {"train": 30, "val": 6}
    assert len(posts_for_pairs(posts, 0, 20, 0)) == 60
