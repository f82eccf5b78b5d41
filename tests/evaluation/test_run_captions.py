"""Captions of several runs on shared pictures."""

import pandas as pd
import pytest

from altlib.evaluation.run_captions import compare_captions, largest_differences, least_p, shared_captions

GOLD = ["a red cup on a table", "two ships at sea", "a map of a small town", "a dog under a tree"]


def frame(ids, **systems):
    """Captions of the pictures with these numbers."""
    return pd.DataFrame({"item_id": [str(i) for i in ids], "gold": [GOLD[i] for i in ids], **systems})


@pytest.fixture(scope="module")
def shared():
    first = frame([0, 1, 2, 3], ours=["a cup", "a ship", "a map", "a dog"], base=["x"] * 4, old=["y"] * 4)
    second = frame([3, 2, 1, 0], ours=[GOLD[3], GOLD[2], "a ship", GOLD[0]], base=["x"] * 4)
    return shared_captions({"first": first, "second": second})


def test_pictures_and_systems_that_all_runs_have_are_brought_into_one_order(shared):
    frames, systems = shared
    assert systems == ["ours", "base"]
    assert frames["second"]["item_id"].tolist() == frames["first"]["item_id"].tolist() == ["0", "1", "2", "3"]
    assert frames["second"]["ours"].tolist() == [GOLD[0], "a ship", GOLD[2], GOLD[3]]


def test_a_picture_with_another_reference_is_another_picture():
    other = frame([0, 1], ours=["a", "b"]).assign(gold=[GOLD[0], "something else"])
    frames, _ = shared_captions({"first": frame([0, 1], ours=["a", "b"]), "second": other})
    assert frames["first"]["item_id"].tolist() == ["0"]


def test_paired_tests_find_what_differs_and_leave_the_same_captions_untested(shared):
    tests = {(t.system, t.metric): t for t in compare_captions(*shared)}
    ours, base = tests["ours", "ROUGE-L"], tests["base", "ROUGE-L"]
    assert ours.run == "second" and ours.differs
    assert ours.difference.value == pytest.approx(ours.after.value - ours.before.value) and ours.difference.value > 0
    assert ours.p == pytest.approx(ours.difference.p)  # the only one that is tested
    assert (base.differs, base.p, base.difference.value) == (False, 1.0, 0.0)
    assert least_p(list(tests.values())) == pytest.approx(2 / 1001)
    assert least_p([ours] * 26) > 0.05
    assert least_p([base]) == 0


def test_pictures_are_shown_by_the_size_of_their_largest_difference(shared):
    found = largest_differences(*shared)
    assert {p.item_id for p in found} == {"0", "2", "3"}  # the caption of picture 1 is the same
    spreads = [max(p.scores.values()) - min(p.scores.values()) for p in found]
    assert spreads == sorted(spreads, reverse=True)
    assert found[0].captions == {"first": "a cup", "second": GOLD[0]} and found[0].system == "ours"
    assert len(largest_differences(*shared, 1)) == 1
