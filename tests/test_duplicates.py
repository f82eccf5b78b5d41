import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.sparse.csgraph import connected_components

from altlib.duplicates import PIXELS, keep_oldest, near_duplicates, thumbnail


def all_pairs(pixels: np.ndarray, limit: int) -> np.ndarray:
    """Clusters by comparing every pair."""
    differ = (pixels[:, None] != pixels[None]).sum(2)
    return connected_components(differ < limit, directed=False)[1]


def same_partition(a: np.ndarray, b: np.ndarray) -> bool:
    return bool(((a[:, None] == a[None]) == (b[:, None] == b[None])).all())


@given(seed=st.integers(0, 10_000), limit=st.sampled_from([1, 2, 30, 100, 400, 1024]), flat=st.floats(0, 1))
@settings(max_examples=60, deadline=None)
def test_the_clusters_are_those_of_all_pairs(seed, limit, flat):
    rng = np.random.default_rng(seed)
    base = rng.integers(0, 2**24, size=(12, PIXELS), dtype=np.uint32)
    for row in base:  # flat regions, as screenshots have
        row[: int(flat * rng.random() * PIXELS)] = rng.choice([0xFFFFFF, 0, 0x102030])
    rows = []
    for _ in range(60):
        row = base[rng.integers(12)].copy()
        changed = rng.choice(
            PIXELS,
            size=rng.choice([0, 1, limit // 2, max(limit - 1, 0), min(limit, PIXELS), min(2 * limit, PIXELS)]),
            replace=False,
        )
        row[changed] = rng.integers(0, 2**24, size=len(changed))
        rows.append(row)
    pixels = np.array(rows, dtype=np.uint32)
    assert same_partition(near_duplicates(pixels, limit, chunk=17), all_pairs(pixels, limit))


def test_a_pair_at_99_pixels_joins_and_at_100_does_not():
    pixels = np.zeros((3, PIXELS), dtype=np.uint32)
    pixels[1, :99] = 1
    pixels[2, 300:400] = 2
    clusters = near_duplicates(pixels)
    assert clusters[0] == clusters[1] != clusters[2]


def test_clusters_chain():
    pixels = np.zeros((4, PIXELS), dtype=np.uint32)
    for i in range(4):
        pixels[i, : 80 * i] = 7
    assert len(set(near_duplicates(pixels))) == 1


def test_of_a_cluster_the_first_row_stays():
    assert keep_oldest(np.array([5, 2, 5, 2, 9])).tolist() == [True, True, False, False, True]


def test_a_limit_out_of_range_is_refused():
    with pytest.raises(ValueError, match="between 1 and 1024"):
        near_duplicates(np.zeros((2, PIXELS), dtype=np.uint32), 0)


def test_a_thumbnail_is_the_resized_middle_square():
    wide = Image.new("RGB", (320, 64), "red")
    wide.paste("blue", (128, 0, 192, 64))
    colours = thumbnail(wide).reshape(32, 32)
    assert (colours[:, 1:-1] == 0x0000FF).all()
    assert thumbnail(Image.new("RGB", (5, 700), (1, 2, 3)))[0] == 0x010203
