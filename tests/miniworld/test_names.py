from random import Random

import pytest

from altlib.miniworld.names import SORTS, invented_name, person_name, place_name
from altlib.miniworld.reading import towns


def test_places_are_many_and_known_to_the_judge():
    rng = Random(0)
    names = {place_name(rng) for _ in range(2000)}
    assert len(names) > 700
    assert all(name.split(" ")[0].lower() in towns() for name in names)


@pytest.mark.parametrize("sort", SORTS)
def test_every_sort_gives_names_without_a_mark(sort):
    names = [invented_name(sort, "Hartwick Green", 2, Random(i))[0] for i in range(40)]
    assert len(set(names)) > 2 and not any("@" in name for name in names)


def test_only_names_of_one_s_own_stand_before_the():
    assert (
        invented_name("@pet", "Hartwick", 2, Random(0))[1]
        and " and " in invented_name("@pet", "Hartwick", 2, Random(0))[0]
    )
    assert invented_name("@team", "Hartwick", 2, Random(0))[1] is False
    assert invented_name("Bramley", "Hartwick", 2, Random(0)) == ("Bramley", False)
    assert len(person_name(Random(3)).split(" ")) == 2
