"""The eight combinations of post, picture and response in MCM-DPO, and its seven comparisons.

Of each of the three there is a better one (the example's own post, its own picture, the chosen
response) and a worse one. The combination of the three better ones is compared with every other.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple


class Combination(NamedTuple):
    """Which of post, picture and response are the better ones.

    Attributes:
        context: The example's own post, rather than another example's.
        picture: Its own picture, rather than a spoilt one.
        response: The chosen response, rather than the rejected one.
    """

    context: bool
    picture: bool
    response: bool


BEST = Combination(True, True, True)

# What is worse in each comparison: name -> combination, with the paper's weight. The first alone is plain DPO.
COMPARISONS = {
    "response": Combination(True, True, False),
    "picture": Combination(True, False, True),
    "context": Combination(False, True, True),
    "context + response": Combination(False, True, False),
    "picture + response": Combination(True, False, False),
    "context + picture": Combination(False, False, True),
    "all three": Combination(False, False, False),
}
MCM_DPO_WEIGHTS = dict(zip(COMPARISONS, (1.0, 0.5, 0.5, 0.2, 0.2, 0.2, 0.2), strict=True))
DPO_WEIGHTS = {"response": 1.0}


def used_comparisons(weights: Mapping[str, float]) -> dict[str, float]:
    """The comparisons that count, in the order of :data:`COMPARISONS`, with weights that sum to 1.

    Args:
        weights: By name of the comparison; those that are missing or 0 do not count.

    Raises:
        ValueError: A name is unknown, a weight is negative or not a number, or no comparison counts.
    """
    if unknown := set(weights) - set(COMPARISONS):
        raise ValueError(f"unknown comparison {min(unknown)!r}; known: {', '.join(COMPARISONS)}")
    if bad := [name for name, weight in weights.items() if not 0 <= weight < math.inf]:
        raise ValueError(f"the weight of the comparison {bad[0]!r} is {weights[bad[0]]:g}; it must be 0 or more")
    total = sum(weights.values())
    if not total:
        raise ValueError("all comparisons are off: give at least one of them a weight above 0")
    return {name: weights[name] / total for name in COMPARISONS if weights.get(name)}


def combinations(weights: Mapping[str, float]) -> list[Combination]:
    """What the loss of these comparisons reads: the best combination, then the worse one of each that counts."""
    return [BEST, *(COMPARISONS[name] for name in used_comparisons(weights))]
