from pathlib import Path

import numpy as np
import pandas as pd

from altlib.core.images import open_picture
from altlib.data.cleaning import pipeline
from altlib.data.duplicates import thumbnail
from altlib.data.posts import read_corpus
from altlib.data.sources.registry import collect


def test_thumbnails_follow_their_posts(tmp_path):
    raw, _ = collect("miniworld", tmp_path, posts=30, seed=2)
    kept, _ = pipeline.clean([raw.iloc[20:], raw.iloc[:20]], tmp_path / "work")
    dropped = kept.index["item_id"].iloc[3]
    list(kept.drop((kept.index["item_id"] == dropped).to_numpy()))
    paths = raw.set_index("item_id")["image"]
    expected = np.array([thumbnail(open_picture(paths[item])) for item in kept.index["item_id"]])
    assert (kept.thumbnails() == expected).all() and dropped not in set(kept.index["item_id"])


def test_a_corpus_is_written_shard_by_shard(tmp_path):
    raw, _ = collect("miniworld", tmp_path, posts=30, seed=2)
    kept, log = pipeline.clean([raw], tmp_path / "work")
    kept.write(tmp_path, lambda frame: frame.assign(split="train"))
    written = read_corpus(tmp_path, "train")
    assert sorted(written["item_id"]) == sorted(kept.index["item_id"]) and read_corpus(tmp_path, "val").empty
    assert all(Path(p).is_file() for p in written["image"])
    log.write_excluded(tmp_path / "excluded.parquet", [{"item_id": "line 3", "reason": "line is not a post"}])
    excluded = pd.read_parquet(tmp_path / "excluded.parquet")
    assert len(excluded) == len(raw) - len(written) + 1 and excluded["reason"].iloc[-1] == "line is not a post"
