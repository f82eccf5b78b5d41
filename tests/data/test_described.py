"""Pictures with a caption and a description: where they come from."""

import numpy as np

from altlib.data.described import sample_rows, triplet_posts


def test_a_run_without_captions_takes_the_miniature_world(described_posts, tmp_path):
    from altlib.data.posts import write_corpus

    write_corpus(tmp_path / "with" / "corpus", described_posts.assign(split="train"))
    assert triplet_posts(tmp_path / "with")[1] == "run"
    write_corpus(tmp_path / "without" / "corpus", described_posts.assign(split="train", caption=""))
    found, origin = triplet_posts(tmp_path / "without", stories=30)
    assert origin == "miniworld" and set(found["split"]) == {"train", "val", "test"}


def test_a_sample_of_a_split_keeps_its_order(described_posts):
    frame = described_posts.assign(
        split=["train", "test"] * (len(described_posts) // 2) + ["train"] * (len(described_posts) % 2)
    )
    sample = sample_rows(frame, "test", 5, seed=1)
    assert len(sample) == 5 and list(sample["item_id"]) == sorted(sample["item_id"], key=list(frame["item_id"]).index)
    assert np.array_equal(sample["item_id"], sample_rows(frame, "test", 5, seed=1)["item_id"])
