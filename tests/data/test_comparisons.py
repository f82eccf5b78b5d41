import pytest

from altlib.data.comparisons import BEST, COMPARISONS, DPO_WEIGHTS, MCM_DPO_WEIGHTS, combinations, used_comparisons


def test_the_paper_weights_sum_to_2_8_and_are_divided_by_their_sum():
    assert sum(MCM_DPO_WEIGHTS.values()) == pytest.approx(2.8)
    used = used_comparisons(MCM_DPO_WEIGHTS)
    assert sum(used.values()) == pytest.approx(1) and used["response"] == pytest.approx(1 / 2.8)


def test_with_the_best_one_there_are_all_eight_combinations():
    found = combinations(MCM_DPO_WEIGHTS)
    assert found[0] == BEST and len(set(found)) == 8
    assert combinations(DPO_WEIGHTS) == [BEST, COMPARISONS["response"]]


def test_comparisons_that_are_off_are_not_read():
    weights = MCM_DPO_WEIGHTS | {"picture": 0.0}
    assert COMPARISONS["picture"] not in combinations(weights) and len(combinations(weights)) == 7


@pytest.mark.parametrize(
    "weights, said",
    [({}, "all comparisons are off"), ({"response": 0}, "all comparisons are off"), ({"image": 1}, "unknown"),
     ({"response": 1, "picture": -1}, "'picture' is -1")],
)  # fmt: skip
def test_impossible_weights_are_refused(weights, said):
    with pytest.raises(ValueError, match=said):
        used_comparisons(weights)
