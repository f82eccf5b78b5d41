import json
from pathlib import Path

import pytest

from altlib.core.errors import CorpusError
from altlib.data.sources.registry import collect


def test_the_preference_data_of_mcm_dpo_is_read(tmp_path, picture):
    picture("i/a.png")
    question = "Write alt text.\nContext: Brew day at last!"
    told = {"question": question, "chosen": "Two growlers.", "rejected": "A picture."}
    training = [{"image": {"path": "i/a.png"}, "idx": 7, "text": json.dumps(told)}, {"idx": 8}]
    (tmp_path / "train.json").write_text(json.dumps(training))
    (tmp_path / "test.json").write_text(
        json.dumps({"image_path": "i/a.png", "idx": 9, "question": question, "chosen": "Beer."}) + "\n{broken\n"
    )
    for name, chosen in (("train.json", "Two growlers."), ("test.json", "Beer.")):
        posts, unreadable = collect("mcm-dpo", tmp_path, path=str(tmp_path / name))
        assert posts.loc[0, ["text", "alt_text"]].tolist() == ["Brew day at last!", chosen]
        assert len(unreadable) == 1
    (tmp_path / "cut.json").write_text(json.dumps(training)[:40])
    with pytest.raises(CorpusError, match="not a complete JSON list"):
        collect("mcm-dpo", tmp_path, path=str(tmp_path / "cut.json"))


@pytest.fixture
def clone(tmp_path, picture):
    """A clone of the repository in small: a training and a test file for each network, pictures in their folders."""
    for network in ("twitter", "pinterest"):
        folder = tmp_path / "data" / network
        told = {"question": "Generate alt-text.Context:\nOf the day", "chosen": f"A {network} bird.", "rejected": "A"}
        train = {"image": {"path": "1.jpg"}, "idx": 5, "image_path": "1.jpg", "text": json.dumps(told)}
        test = {"image_path": "2.jpg", "idx": 5, "question": told["question"], "chosen": "Two birds."}
        picture(f"data/{network}/image/{network}_train/1.jpg")
        picture(f"data/{network}/image/{network}_test/2.jpg")
        (folder / f"{network}_train.json").write_text(json.dumps([train]))
        (folder / f"{network}_test.json").write_text(json.dumps(test) + "\n")
    (tmp_path / "package.json").write_text("{}")
    return tmp_path


def test_a_clone_of_the_repository_is_read_as_it_is(clone):
    posts, unreadable = collect("mcm-dpo", clone / "run", path=str(clone))
    assert len(posts) == 4 and not unreadable and posts["item_id"].is_unique
    assert all(Path(image).is_file() for image in posts["image"])
    assert sorted(posts["split"]) == ["test", "test", "train", "train"]
    assert set(posts["text"]) == {"Of the day"}
    one = collect("mcm-dpo", clone / "run", path=str(clone / "data/twitter/twitter_test.json"))[0]
    assert one["image"].tolist() == [str((clone / "data/twitter/image/twitter_test/2.jpg").resolve())]
    assert len(collect("mcm-dpo", clone / "run", path=str(clone), posts=3)[0]) == 3


def test_a_picture_that_is_missing_keeps_the_first_path_that_was_tried(clone):
    (clone / "data/twitter/image/twitter_test/2.jpg").unlink()
    posts, _ = collect("mcm-dpo", clone / "run", path=str(clone / "data/twitter/twitter_test.json"))
    assert posts["image"].tolist() == [str((clone / "data/twitter/2.jpg").resolve())]


def test_a_folder_without_its_files_and_a_response_that_is_no_text_are_named(tmp_path):
    with pytest.raises(CorpusError, match=r"_train\.json or _test\.json"):
        collect("mcm-dpo", tmp_path / "run", path=str(tmp_path))
    lines = [{"image_path": f"{n}.png", "question": "context: x", "chosen": c} for n, c in enumerate([None, "A cat."])]
    (tmp_path / "x_test.json").write_text("\n".join(map(json.dumps, lines)))
    posts, unreadable = collect("mcm-dpo", tmp_path / "run", path=str(tmp_path))
    assert posts["alt_text"].tolist() == ["A cat."] and "not a text" in unreadable[0]["reason"]
