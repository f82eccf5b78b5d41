"""Rows of files as records."""

import pytest

from altlib.core.errors import CorpusError
from altlib.data.sources import fields


def test_columns_are_given_as_ours_equals_theirs():
    assert fields.parse_columns(" alt_text=description, text = tweet,") == {"alt_text": "description", "text": "tweet"}
    for wrong in ("alt_text", "wish=x", "text="):
        with pytest.raises(CorpusError, match="is not 'ours=theirs'"):
            fields.parse_columns(wrong)


def test_columns_are_found_by_the_names_that_they_go_by():
    found = fields.choose_columns({"text": "body"}, ["tweet", "body", "description", "path", "labels"], "x.csv")
    assert found == {"text": "body", "alt_text": "description", "image": "path", "labels": "labels"}
    with pytest.raises(CorpusError, match=r"x\.csv has no column for alt_text; it has 'image'"):
        fields.choose_columns({}, ["image"], "x.csv")
    with pytest.raises(CorpusError, match="no column 'y' for alt_text"):
        fields.choose_columns({"alt_text": "y"}, ["image"], "x.csv")


def test_a_record_has_text_in_every_field_and_an_absolute_path(tmp_path):
    row = {"image": "a.png", "alt_text": None, "id": 7, "is_repost": "True", "text": float("nan")}
    record = fields.as_record(row, fields.find_columns({}, list(row) + ["is_repost"]), 3, tmp_path, tmp_path / "images")
    assert record["item_id"] == record["post_id"] == "7" and record["text"] == record["alt_text"] == ""
    assert record["is_repost"] is True and record["image"] == str(tmp_path / "a.png")
    assert fields.as_record({"image": "a.png"}, {}, 3, tmp_path, tmp_path)["item_id"] == "line-3"


def test_a_picture_outside_the_folder_is_refused(tmp_path):
    with pytest.raises(ValueError, match="leaves the folder"):
        fields.inside(tmp_path / "data", "../secret.png")


def test_the_bytes_of_a_picture_are_kept_once_under_their_own_name(tmp_path):
    first = fields.kept_bytes(b"picture", tmp_path)
    assert fields.kept_bytes(b"picture", tmp_path) == first and len(list(tmp_path.iterdir())) == 1
    with pytest.raises(TypeError, match="neither a path nor bytes"):
        fields.kept_bytes("text", tmp_path)
