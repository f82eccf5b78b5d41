import json

import pytest

from altlib.core.errors import CorpusError
from altlib.data.sources.registry import collect


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


def test_a_file_of_another_format_is_an_error(tmp_path):
    (tmp_path / "wiki_split.json").write_text("[1, 2]")
    with pytest.raises(CorpusError, match="not Concadia's format"):
        collect("concadia", tmp_path, path=str(tmp_path))


def test_null_captions_and_descriptions_are_empty_texts(tmp_path, picture):
    picture("images/1.jpg")
    images = [{"filename": "1.jpg", "description": {"raw": None}, "caption": {"raw": None}, "split": "test"}]
    (tmp_path / "wiki_split.json").write_text(json.dumps({"images": images}))
    posts, _ = collect("concadia", tmp_path / "c", path=str(tmp_path))
    assert posts.loc[0, ["alt_text", "caption", "text"]].tolist() == ["", "", ""]
