"""Random samples of pictures that keep their order."""

from __future__ import annotations

import numpy as np


def random_rows(count: int, limit: int, seed: int) -> np.ndarray:
    """``limit`` random rows of ``count`` in ascending order, or all of them if ``limit`` is 0 or not less than ``count``.

    Returns:
        Row numbers, (min(limit, count),) or (count,).
    """
    if not limit or limit >= count:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).choice(count, limit, replace=False))
