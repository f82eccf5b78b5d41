import re

import pytest

from altlib.evaluation.study.comparisons import WORSE, WRITER, compare_systems, qualification
from altlib.evaluation.study.page import study_page

PAIR = ("ours", "clipcap")


def test_each_system_stands_first_in_half_of_the_comparisons(posts, texts):
    found = compare_systems(posts, texts, [PAIR], 12, 0)
    assert len(found.key) == 11 and len(found.identical) == 1
    assert abs((found.key["first"] == "ours").sum() - 5.5) < 1
    for item, row in zip(found.study.items, found.key.itertuples(), strict=True):
        assert item.texts == (row.first_text, row.second_text)
        assert row.first_text.startswith(row.first) and row.second_text.startswith(row.second)


def test_the_order_is_random_and_repeatable(posts, texts):
    first, again, other = (compare_systems(posts, texts, [PAIR], 12, seed).key for seed in (1, 1, 2))
    assert first.equals(again) and not first["source_item"].equals(other["source_item"])
    assert list(first["source_item"]) != sorted(first["source_item"])


def test_what_raters_see_tells_neither_systems_nor_the_writers_text(posts, texts):
    hidden = {name: [text.replace(name, "x") for text in written] for name, written in texts.items()}
    found = compare_systems(posts, hidden, [PAIR], 12, 0)
    page = re.sub(r"data:image[^\"]*", "", study_page(found.study))
    assert not re.search(r"\b(ours|clipcap|number \d|p\d+)\b", page)
    assert all(item.item_id not in posts["item_id"].tolist() for item in found.study.items)


def test_the_qualification_round_sets_the_writer_against_a_worse_text(posts):
    found = qualification(posts, 0)
    assert len(found.key) == 3
    for row in found.key.to_dict("records"):
        sides = {row["first"]: row["first_text"], row["second"]: row["second_text"]}
        gold = posts.set_index("item_id").loc[row["source_item"], "alt_text"]
        assert sides[WRITER] == gold
        assert sorted(sides[WORSE].split()) != sorted(gold.split())
        assert sorted(sides[WORSE].split()) in [sorted(text.split()) for text in posts["alt_text"]]


def test_worse_texts_may_be_written_by_hand(posts):
    found = qualification(posts, 0, {f"p{i}": "pic" for i in (2, 4, 6)})
    assert set(found.key["source_item"]) == {"p2", "p4", "p6"}
    with pytest.raises(ValueError, match="needs 3 pictures, and there are 1"):
        qualification(posts, 0, {"p2": "pic"})


def test_a_system_without_its_texts_is_named(posts, texts):
    with pytest.raises(ValueError, match="'blip' has 0 texts for 12 pictures"):
        compare_systems(posts, texts, [("ours", "blip")], 12, 0)
