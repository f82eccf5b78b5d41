"""The captioners of chapter 02, by its parameters."""

import pytest

from altlib.runs.parameters import read_chapter
from altlib.training.suite import FROZEN, suite_of
from tests.conftest import ROOT


@pytest.fixture
def values():
    """The chapter's defaults."""
    chapter = read_chapter(ROOT / "book" / "02-training.ipynb")
    return {p.name: p.default for p in chapter.parameters.values()}


def rows(tmp_path, values) -> dict:
    return suite_of(tmp_path, values).table().set_index("system").to_dict("index")


def test_the_table_says_what_each_captioner_sees_and_learns_from(tmp_path, values):
    table = rows(tmp_path, values | {"clipcap": "miniature", "warm_start": True, "ablations": False})
    assert list(table) == [FROZEN, "text-image", "text-only", "clipcap-finetuned", "clipcap-scratch"]
    assert [(r["sees the picture"], r["reads the post"]) for r in table.values()] == [
        (True, False),
        (True, True),
        (False, True),
        (True, False),
        (True, False),
    ]
    assert [r["learns from"] for r in table.values()] == ["nothing here"] + ["posts"] * 4
    assert [r["language model learns"] for r in table.values()] == [False] + [True] * 4
    assert [r["mapper starts from"] for r in table.values()] == ["miniature", FROZEN, "–", FROZEN, "nothing"]
    assert table["text-only"]["mapper"] == "none"


def test_a_clipcap_that_is_trained_here_starts_from_nothing_and_learns_from_captions(tmp_path, values):
    table = rows(tmp_path, values | {"clipcap": "train", "warm_start": False, "ablations": True})
    assert table[FROZEN]["mapper starts from"] == table["text-image"]["mapper starts from"] == "nothing"
    assert table[FROZEN]["learns from"] == "captions" and table[FROZEN]["language model learns"]
    assert not table["text-image-frozen-lm"]["language model learns"]
