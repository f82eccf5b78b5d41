import json
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from altlib.core.errors import CorpusError
from altlib.data.posts import as_posts, read_corpus, write_corpus
from altlib.data.sources.registry import collect
from altlib.data.splits import split_by_post


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


@given(ids=st.lists(st.tuples(st.integers(0, 20), st.integers(0, 8)), min_size=1, max_size=60), seed=st.integers(0, 5))
@settings(max_examples=80, deadline=None)
def test_no_post_and_no_text_is_in_two_splits(ids, seed):
    posts = pd.DataFrame({"post_id": [f"p{a}" for a, _ in ids], "text": ["" if b == 0 else f"t{b}" for _, b in ids]})
    split = split_by_post(posts, 0.2, 0.3, seed)
    assert posts.assign(split=split).groupby("post_id")["split"].nunique().max() == 1
    named = posts.assign(split=split)[posts["text"] != ""]
    assert named.empty or named.groupby("text")["split"].nunique().max() == 1


@given(n=st.integers(3, 40), seed=st.integers(0, 20))
@settings(max_examples=60, deadline=None)
def test_a_handful_of_posts_leaves_no_split_empty(n, seed):
    posts = pd.DataFrame({"post_id": [f"p{i}" for i in range(n)], "text": [f"t{i}" for i in range(n)]})
    assert set(split_by_post(posts, 0.05, 0.05, seed)) == {"train", "val", "test"}
    assert "test" not in set(split_by_post(posts, 0.05, 0.0, seed))


def test_more_data_moves_no_post():
    small, large = frame(50), frame(500)
    a, b = split_by_post(small, 0.1, 0.1, 0), split_by_post(large, 0.1, 0.1, 0)
    assert (a == b[:50]).all()
    assert 0.05 < (b == "test").mean() < 0.15 and 0.05 < (b == "val").mean() < 0.15


def test_the_miniature_world_is_collected_once_and_the_same(tmp_path):
    first, _ = collect("miniworld", tmp_path / "a", posts=20, seed=4)
    again, _ = collect("miniworld", tmp_path / "a", posts=20, seed=4)
    other, _ = collect("miniworld", tmp_path / "b", posts=20, seed=4)
    assert first.equals(again)
    for one, two in zip(first["image"], other["image"], strict=True):
        assert Path(one).read_bytes() == Path(two).read_bytes()


def test_jsonl_reads_what_it_can_and_lists_the_rest(tmp_path, picture):
    picture("images/a.png")
    lines = [
        {"id": "1", "image": "images/a.png", "post": "hello", "alt_text": "a thing"},
        {"id": "2", "post": "no image"},
        {"id": "3", "image": "../../etc/passwd", "alt_text": "x"},
        "not an object",
    ]
    (tmp_path / "p.jsonl").write_text("\n".join(json.dumps(x) for x in lines) + "\n{broken\n\n")
    posts, unreadable = collect("jsonl", tmp_path / "c", path=str(tmp_path))
    assert posts["item_id"].tolist() == ["1"] and posts["text"].tolist() == ["hello"]
    assert [u["reason"].split(":")[0] for u in unreadable] == [
        "line lacks 'image'",
        "line is not a post",
        "line is not a post",
        "line is not a post",
    ]
    assert "leaves the folder" in unreadable[1]["reason"]


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


def test_concadia_is_read_with_missing_fields(tmp_path, picture):
    picture("resized/1.jpg")
    images = [
        {"filename": "1.jpg", "description": {"raw": "A cat."}, "caption": {"raw": "Tom."}, "split": "test"},
        {"filename": "2.jpg", "caption": {"raw": "No description."}, "split": "train"},
    ]
    (tmp_path / "wiki_split.json").write_text(json.dumps({"images": images}))
    posts, unreadable = collect("concadia", tmp_path / "c", path=str(tmp_path))
    assert posts.loc[0, ["alt_text", "caption", "text", "split"]].tolist() == ["A cat.", "Tom.", "Tom.", "test"]
    assert len(unreadable) == 1 and "description" in unreadable[0]["reason"]


@pytest.mark.parametrize(
    "source,path,words",
    [
        ("jsonl", "", "set collection.source_path"),
        ("jsonl", "nowhere", "does not exist"),
        ("concadia", "nowhere", "does not exist"),
        ("nowhere", "", "unknown source"),
        ("x", "", "a folder that `altlib collect x` made"),
        ("bluesky", "", "needs a folder to collect into"),
    ],
)
def test_a_missing_source_is_named(tmp_path, source, path, words):
    with pytest.raises(CorpusError, match=words):
        collect(source, tmp_path, path=path)


def test_an_empty_source_is_an_error(tmp_path):
    (tmp_path / "p.jsonl").write_text("\n")
    with pytest.raises(CorpusError, match="holds no posts"):
        collect("jsonl", tmp_path, path=str(tmp_path / "p.jsonl"))


def test_a_file_of_another_format_is_an_error(tmp_path):
    (tmp_path / "wiki_split.json").write_text("[1, 2]")
    with pytest.raises(CorpusError, match="not Concadia's format"):
        collect("concadia", tmp_path, path=str(tmp_path))
