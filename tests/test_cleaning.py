import errno
import os
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pytest

from altlib.core.errors import DiskFullError
from altlib.core.images import open_picture
from altlib.data import chunks
from altlib.data.cleaning import filters, names, pipeline
from altlib.data.duplicates import thumbnail
from altlib.data.posts import as_posts, read_corpus
from altlib.data.sources.registry import collect
from altlib.runs.requirements import missing


def reason(alt_text, **fields) -> str:
    """Why one picture with this alt text is left out, or an empty string."""
    post = {
        "item_id": "a",
        "post_id": "p",
        "alt_text": alt_text,
        "text": "A post about a growler.",
        "image": "x.png",
        "language": "en",
    } | fields
    with TemporaryDirectory() as folder:
        _, log = pipeline.clean([as_posts([post])], Path(folder), check_pictures=False)
    return next((s["step"] for s in log.steps.values() if s["action"] == "left out" and s["pictures"]), "")


@pytest.mark.parametrize(
    "alt_text,expected",
    [
        ("Two growlers on a red cloth.", ""),
        ("Image", "placeholder"),
        ("alt text", "placeholder"),
        ("IMG_2041.jpg", "placeholder"),
        ("Image may contain text", "placeholder"),
        ("  ", "no alt text"),
        ("", "no alt text"),
        ("A growler, see https://x.example/1", "URL"),
        ("A growler from www.brew.com here", "URL"),
        ("A growler by @brewer on a table", "user handle"),
        ("A growler on a table #HomeBrew", "hashtag"),
        ("Mail me at a.b@c for more words", ""),
        ("A C# compiler error on screen", ""),
        ("Just three words", "too short"),
        ("a POST about  a growler.", "same as the post"),
        ("Image of growlers", "too short"),
        ("x " * 6000, "text too long"),
    ],
)
def test_each_filter_takes_out_what_it_should(alt_text, expected):
    assert reason(alt_text) == expected


@pytest.mark.parametrize(
    "fields,expected",
    [
        ({"is_repost": True}, "repost"),
        ({"media_type": "gif"}, "not a still image"),
        ({"language": "de"}, "not English"),
        ({"language": "en-GB"}, ""),
        ({"language": ""}, ""),
        ({"labels": "nudity"}, "sensitive label"),
    ],
)
def test_posts_that_are_not_collected(fields, expected):
    assert reason("Two growlers on a red cloth.", **fields) == expected


@pytest.mark.parametrize(
    "before,after",
    [
        ("Image of a cat on a mat", "A cat on a mat"),
        ("a photo of a cat", "a cat"),
        ("An image showing: two dogs", "Two dogs"),
        ("Screenshot of a map", "Screenshot of a map"),
        ("Images often mislead", "Images often mislead"),
        ("Photography class", "Photography class"),
    ],
)
def test_leading_phrases_are_stripped(before, after):
    assert filters.strip_leading_phrase(before) == after


def test_of_identical_alt_texts_the_oldest_stays(tmp_path):
    rows = [
        {"item_id": str(i), "post_id": str(i), "alt_text": text, "image": "x", "created_at": when}
        for i, (text, when) in enumerate(
            [
                ("The same four words", "2022-07-02T00:00:00+00:00"),
                ("the same  FOUR words", "2022-07-01T00:00:00Z"),
                ("the same four words", ""),
                ("Quite another four words", ""),
            ]
        )
    ]
    kept, log = pipeline.clean([as_posts(rows)], tmp_path, check_pictures=False)
    assert kept.index["item_id"].tolist() == ["1", "3"]
    assert pd.concat(log.excluded())["item_id"].tolist() == ["0", "2"]


def test_every_picture_is_kept_or_listed_once(tmp_path):
    raw, _ = collect("miniworld", tmp_path, posts=150, seed=9)
    kept, log = pipeline.clean([raw, raw.head(3)], tmp_path / "work")
    excluded = pd.concat(log.excluded())
    assert len(kept.index) + len(excluded) == len(raw) + 3 == log.collected
    assert (excluded["reason"] == "id seen before").sum() == 3
    assert log.table()["remaining"].iloc[-1] == len(kept.index)
    # Every way in which the miniature world spoils alt text is found.
    found = set(excluded["reason"])
    assert found >= {
        "placeholder",
        "URL",
        "user handle",
        "hashtag",
        "too short",
        "not English",
        "repost",
        "not a still image",
        "identical alt text",
    }


def test_unreadable_pictures_are_counted_by_reason(tmp_path, picture):
    (tmp_path / "empty.png").write_bytes(b"")
    rows = [
        {"item_id": str(i), "post_id": str(i), "alt_text": f"A thing with number {i}", "image": str(p)}
        for i, p in enumerate([picture("a.png"), tmp_path / "empty.png", tmp_path / "none.png"])
    ]
    kept, log = pipeline.clean([as_posts(rows)], tmp_path / "work")
    assert kept.index["item_id"].tolist() == ["0"]
    assert {s["step"]: s["pictures"] for s in log.steps.values() if s["meaning"] == "the picture cannot be used"} == {
        "image file is empty": 1,
        "image file is missing": 1,
    }


@pytest.mark.parametrize(
    "before,after",
    [
        ("Maria Garcia holding a cup", "person holding a cup"),
        ("A cup, with Mohammed Okafor.", "A cup, with person."),
        ("George W. Bush at a desk", "person at a desk"),
        ("Tom smiles", "person smiles"),
        ("Ravenscar summer fair, 6 June", "Ravenscar summer fair, 6 June"),
        ("Grace Church Hall", "Grace Church Hall"),
        ("Mark the date", "Mark the date"),
    ],
)
def test_the_gazetteer_replaces_names(before, after):
    assert names.replace_names([before, before], names.name_recogniser("gazetteer")) == [after, after]


def test_a_transformers_recogniser_is_pluggable(tmp_path, tokenizer):
    import torch
    from transformers import BertConfig, BertForTokenClassification, PreTrainedTokenizerFast

    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        id2label={0: "O", 1: "B-PER"},
        label2id={"O": 0, "B-PER": 1},
    )
    model = BertForTokenClassification(config)
    with torch.no_grad():
        model.classifier.weight.zero_()
        model.classifier.bias.copy_(torch.tensor([0.0, 5.0]))  # everything is a person
    model.save_pretrained(tmp_path)
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer.backend_tokenizer, pad_token=tokenizer.pad_token
    ).save_pretrained(tmp_path)
    texts = names.replace_names(["cup", "red cup"], names.name_recogniser(str(tmp_path)))
    assert all("person" in text and "cup" not in text for text in texts)


def test_a_spacy_recogniser_is_pluggable(tmp_path):
    import spacy

    pipeline = spacy.blank("en")
    ruler = pipeline.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": "PERSON", "pattern": "Ada Lovelace"}, {"label": "GPE", "pattern": "London"}])
    pipeline.to_disk(tmp_path / "pipeline")
    recogniser = names.name_recogniser(f"spacy:{tmp_path / 'pipeline'}")
    texts = ["Ada Lovelace in London", "", "Nobody here"]
    assert names.replace_names(texts, recogniser) == ["person in London", "", "Nobody here"]


def test_a_spacy_pipeline_that_is_not_there_says_how_to_get_it():
    from altlib.core.errors import BackboneError

    with pytest.raises(BackboneError, match="python -m spacy download nobody_nothing"):
        names.name_recogniser("spacy:nobody_nothing")
    (lacking,) = missing({"collection": {"name_recogniser": "spacy:nobody_nothing"}})
    assert lacking.startswith("collection.name_recogniser: the spaCy pipeline nobody_nothing is not on this machine")


def test_a_recogniser_that_is_not_there_says_what_to_download():
    from altlib.core.errors import BackboneError

    with pytest.raises(BackboneError, match="nobody/nothing.*huggingface-cli download"):
        names.name_recogniser("nobody/nothing")


@pytest.mark.parametrize(
    ("alt_text", "post", "reason"),
    [
        ("🚋🌧️ ✨ !!!", "Rain", "no words"),
        ("waiting for the tram in the rain", "Still waiting for the tram in the RAIN, again", "repeats the post"),
        ("Brew day at last for all of us!", "Brew day at last, for all of us", "repeats the post"),
        ("Ein roter Becher steht auf dem alten Tisch am Fenster", "New cup", "identified as another language"),
    ],
)
def test_the_further_checks_leave_out_what_describes_nothing(tmp_path, alt_text, post, reason):
    rows = [("1", post, alt_text), ("2", "Look what I found", "Two growlers on a red cloth beside a map")]
    posts = as_posts([{"item_id": i, "post_id": i, "text": t, "alt_text": a, "image": "x"} for i, t, a in rows])
    kept, log = pipeline.clean([posts], tmp_path, minimum_tokens=1, check_pictures=False, further=True)
    assert kept.index["item_id"].tolist() == ["2"]
    # The paper's own filters know the second alt text: it is the post.
    assert pd.concat(log.excluded())["reason"].tolist() == ["same as the post" if alt_text == post else reason]
    assert len(pipeline.clean([posts], tmp_path, minimum_tokens=1, check_pictures=False)[0].index) == 2


def test_a_description_that_shares_words_with_its_post_is_kept():
    assert not filters.repeats_post("A tram in the rain, seen from the bridge, its lights on", "The tram in the rain")
    assert not filters.repeats_post("", "x") and not filters.repeats_post("x y", "")


def everything(kept, log) -> tuple[list, list, list]:
    """What cleaning found, however it got there."""
    posts = pd.concat(kept.frames()).sort_index()
    excluded = pd.concat(log.excluded()).sort_values(["item_id", "reason"])
    return posts.to_dict("records"), excluded.to_dict("records"), log.table().to_dict("records")


def test_small_chunks_and_kills_change_nothing(tmp_path, monkeypatch):
    """Cleaned in one piece, in many, or in many with a kill after each: the same posts, exclusions and counts."""
    raw, _ = collect("miniworld", tmp_path, posts=60, seed=9)
    raw = pd.concat([raw, raw.head(5)], ignore_index=True)
    whole = everything(*pipeline.clean([raw], tmp_path / "whole"))
    monkeypatch.setattr(chunks.in_chunks, "__defaults__", (16,))
    assert everything(*pipeline.clean([raw], tmp_path / "parts")) == whole

    sieved, work = [], pipeline.sieve

    def killed_after_one(posts, *options):
        if sieved:
            raise KeyboardInterrupt
        sieved.append(len(posts))
        return work(posts, *options)

    monkeypatch.setattr(pipeline, "sieve", killed_after_one)
    kills = 0
    while True:
        sieved.clear()
        try:
            found = pipeline.clean([raw.head(40), raw.iloc[40:]], tmp_path / "killed")
            break
        except KeyboardInterrupt:
            kills += 1
    assert kills >= len(raw) // 16 - 1 and everything(*found) == whole


def test_a_full_disk_while_cleaning_loses_nothing(tmp_path, monkeypatch):
    """A disk with room for one file more at every attempt: each time a clear error, and in the end the same corpus."""
    raw, _ = collect("miniworld", tmp_path, posts=30, seed=9)
    monkeypatch.setattr(chunks.in_chunks, "__defaults__", (16,))
    whole = everything(*pipeline.clean([raw], tmp_path / "whole"))
    fsync, room = os.fsync, 0

    def full_after_some(fd):
        nonlocal room
        room -= 1
        if room < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        fsync(fd)

    monkeypatch.setattr(os, "fsync", full_after_some)
    found, errors = None, 0
    while found is None:
        room = errors + 1
        try:
            found = pipeline.clean([raw], tmp_path / "full")
        except DiskFullError as error:
            assert "free some space" in str(error)
            errors += 1
        assert not list((tmp_path / "full").glob(".*.part"))
    assert errors >= 3 and everything(*found) == whole


def test_thumbnails_follow_their_posts(tmp_path):
    raw, _ = collect("miniworld", tmp_path, posts=30, seed=2)
    kept, _ = pipeline.clean([raw.iloc[20:], raw.iloc[:20]], tmp_path / "work")
    dropped = kept.index["item_id"].iloc[3]
    list(kept.drop((kept.index["item_id"] == dropped).to_numpy()))
    paths = raw.set_index("item_id")["image"]
    expected = np.array([thumbnail(open_picture(paths[item])) for item in kept.index["item_id"]])
    assert (kept.thumbnails() == expected).all() and dropped not in set(kept.index["item_id"])


def test_a_corpus_is_written_part_by_part(tmp_path):
    raw, _ = collect("miniworld", tmp_path, posts=30, seed=2)
    kept, log = pipeline.clean([raw], tmp_path / "work")
    kept.write(tmp_path, lambda frame: frame.assign(split="train"))
    written = read_corpus(tmp_path, "train")
    assert sorted(written["item_id"]) == sorted(kept.index["item_id"]) and read_corpus(tmp_path, "val").empty
    assert all(Path(p).is_file() for p in written["image"])
    log.write_excluded(tmp_path / "excluded.parquet", [{"item_id": "line 3", "reason": "line is not a post"}])
    excluded = pd.read_parquet(tmp_path / "excluded.parquet")
    assert len(excluded) == len(raw) - len(written) + 1 and excluded["reason"].iloc[-1] == "line is not a post"
