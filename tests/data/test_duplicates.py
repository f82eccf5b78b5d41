import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.sparse.csgraph import connected_components

from altlib.data import duplicates
from altlib.data.duplicates import PIXELS, keep_oldest, near_duplicates, thumbnail


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


def test_a_search_that_was_killed_goes_on(tmp_path, monkeypatch):
    """Killed after every few rows, with what it found in files: the same clusters, and no row searched twice."""
    rng = np.random.default_rng(5)
    pixels = rng.integers(0, 2**24, size=(40, PIXELS), dtype=np.uint32)
    pixels[20:] = pixels[:20]
    pixels[20:, :50] = 1
    expected = near_duplicates(pixels)
    searched, work = [], duplicates.shared_pairs

    def killed(matrix, transposed, start, stop, overlap):
        if len(searched) % 3 == 2:
            searched.append(None)
            raise KeyboardInterrupt
        searched.append(start)
        return work(matrix, transposed, start, stop, overlap)

    monkeypatch.setattr(duplicates, "shared_pairs", killed)
    while True:
        try:
            found = near_duplicates(pixels, chunk=6, cache=tmp_path)
            break
        except KeyboardInterrupt:
            continue
    starts = [s for s in searched if s is not None]
    assert starts == list(range(0, 40, 6)) and None in searched and same_partition(found, expected)
    assert near_duplicates(pixels, chunk=6, cache=tmp_path).tolist() == found.tolist() and searched[-1] == starts[-1]
    monkeypatch.setattr(duplicates, "shared_pairs", work)
    assert not same_partition(near_duplicates(pixels, limit=20, chunk=6, cache=tmp_path), expected)  # another search
