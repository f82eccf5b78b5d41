"""Random samples of pictures."""

import pytest

from altlib.data.samples import random_rows


def test_a_sample_is_random_repeatable_and_in_order():
    rows = random_rows(100, 10, seed=1)
    assert len(set(rows)) == 10 and rows.tolist() == sorted(rows) and rows.tolist() != list(range(10))
    assert rows.tolist() == random_rows(100, 10, seed=1).tolist() != random_rows(100, 10, seed=2).tolist()


@pytest.mark.parametrize("limit", [0, 5, 6])
def test_no_limit_or_one_that_is_not_reached_takes_all(limit):
    assert random_rows(5, limit, seed=0).tolist() == [0, 1, 2, 3, 4]
