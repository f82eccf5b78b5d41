from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from altlib.core.errors import CorpusError
from altlib.data.sources.registry import collect

TABLE = [
    {"file": "images/a.png", "description": "A cat on a wall", "tweet": "Look!", "lang": "en", "is_repost": "false"},
    {"file": "../../etc/passwd", "description": "x", "tweet": "", "lang": "en", "is_repost": "True"},
    {"file": "images/b.png", "description": None, "tweet": "No alt", "lang": None, "is_repost": "1"},
]


NAMES = "image=file, alt_text=description, text=tweet"


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_tables_are_read_by_the_names_that_are_given(tmp_path, picture, kind):
    picture("images/a.png")
    frame = pd.DataFrame(TABLE)
    frame.to_csv(tmp_path / "p.csv", index=False) if kind == "csv" else frame.to_parquet(tmp_path / "p.parquet")
    posts, unreadable = collect("table", tmp_path / "c", path=str(tmp_path), columns=NAMES)
    assert posts["alt_text"].tolist() == ["A cat on a wall", ""]
    assert posts["text"].tolist() == ["Look!", "No alt"] and posts["is_repost"].tolist() == [False, True]
    assert [u["item_id"] for u in unreadable] == [f"row 2 of p.{kind}"]
    assert len(collect("table", tmp_path / "c", path=str(tmp_path), columns=NAMES, posts=1)[0]) == 1


def test_pictures_in_a_parquet_column_become_files(tmp_path, picture):
    content = picture("a.png").read_bytes()
    rows = [{"image": {"bytes": content, "path": None}, "alt_text": f"The same cat, {n}"} for n in range(2)]
    pd.DataFrame(rows).to_parquet(tmp_path / "p.parquet")
    posts, unreadable = collect("table", tmp_path / "c", path=str(tmp_path / "p.parquet"))
    assert not unreadable
    assert [Path(p).read_bytes() for p in posts["image"]] == [content, content]
    assert len(list((tmp_path / "c" / "images").iterdir())) == 1


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ("", "no column for alt_text; it has 'file', 'x'"),
        ("image=file, alt_text=beschreibung", "no column 'beschreibung' for alt_text; it has 'file', 'x'"),
        ("image:file", "is not 'ours=theirs'"),
        ("picture=file", "is not 'ours=theirs'"),
    ],
)
def test_a_table_without_the_columns_says_which_it_has(tmp_path, columns, words):
    pd.DataFrame([{"file": "a.png", "x": 1}]).rename(columns={"file": "image"} if not columns else {}).to_csv(
        tmp_path / "p.csv", index=False
    )
    with pytest.raises(CorpusError, match=words.replace("'file', 'x'", "'image', 'x'") if not columns else words):
        collect("table", tmp_path, path=str(tmp_path / "p.csv"), columns=columns)


def test_a_truncated_parquet_file_is_named(tmp_path):
    pd.DataFrame(TABLE).to_parquet(tmp_path / "p.parquet")
    content = (tmp_path / "p.parquet").read_bytes()
    (tmp_path / "p.parquet").write_bytes(content[: len(content) // 2])
    with pytest.raises(CorpusError, match="damaged or no Parquet file"):
        collect("table", tmp_path, path=str(tmp_path / "p.parquet"))


def test_a_dataset_in_a_folder_is_streamed_with_its_pictures(tmp_path, picture):
    import datasets

    files = [picture(f"{n}.png", size=(20 + n, 20)) for n in range(3)]
    rows = {"image": [{"bytes": p.read_bytes(), "path": p.name} for p in files], "alt": ["A", "B", "C"]}
    data = datasets.Dataset.from_dict(rows).cast_column("image", datasets.Image())
    (tmp_path / "hub").mkdir()
    data.to_parquet(tmp_path / "hub" / "train-00000.parquet")
    posts, unreadable = collect("huggingface", tmp_path / "c", path=str(tmp_path / "hub"), posts=2)
    assert not unreadable and posts["alt_text"].tolist() == ["A", "B"]
    assert [Image.open(p).width for p in posts["image"]] == [20, 21]


def test_a_dataset_that_cannot_be_had_says_how_to_get_it(tmp_path):
    with pytest.raises(CorpusError, match="huggingface-cli download --repo-type dataset nobody/nothing"):
        collect("huggingface", tmp_path, path="nobody/nothing")
