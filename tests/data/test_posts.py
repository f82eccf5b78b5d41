import pandas as pd
import pytest

from altlib.core.errors import CorpusError
from altlib.data.posts import as_posts, read_corpus, write_corpus


def frame(n=3, **columns):
    return as_posts(
        [
            {
                "item_id": f"i{k}",
                "post_id": f"p{k}",
                "alt_text": f"alt {k}",
                "text": f"text {k}",
                "image": f"/x/{k}.png",
            }
            | {c: v[k] for c, v in columns.items()}
            for k in range(n)
        ]
    )


def test_a_corpus_survives_the_disk(tmp_path):
    posts = frame().assign(split="train")
    posts.loc[0, "image"] = str((tmp_path / "images" / "0.png").resolve())
    posts.loc[1, "alt_text"] = "Ünïcödé 🦊 \u2028 <b>"
    write_corpus(tmp_path, posts)
    stored = pd.read_parquet(tmp_path / "posts.parquet")
    assert stored.loc[0, "image"] == "images/0.png"
    pd.testing.assert_frame_equal(read_corpus(tmp_path), posts)


def test_a_missing_or_damaged_corpus_says_what_to_do(tmp_path):
    with pytest.raises(CorpusError, match="run 01-collection first"):
        read_corpus(tmp_path)
    write_corpus(tmp_path, frame())
    data = (tmp_path / "posts.parquet").read_bytes()
    (tmp_path / "posts.parquet").write_bytes(data[: len(data) // 2])
    with pytest.raises(CorpusError, match="damaged"):
        read_corpus(tmp_path)
