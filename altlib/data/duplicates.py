"""Near-duplicate pictures by their thumbnails (Twitter paper, appendix B.2), exactly and fast.

Two pictures are near-duplicates if fewer than 100 of the 1,024 pixels of their 32 x 32
thumbnails differ; clusters are the connected components of that relation (single linkage).

Comparing all pairs of 371,270 thumbnails would take 69 billion comparisons. Instead, each
thumbnail is seen as a set of 1,024 tokens (position, colour). Near-duplicates share at least
925. Sort each set by how rare its tokens are: then two sets that share 1,024 - d tokens must
share at least l of their d + l rarest ones (the prefix filter of set-similarity joins). So
only pairs that share l rare tokens are compared, and none is missed.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.sparse import coo_matrix, csr_matrix
from scipy.sparse.csgraph import connected_components

from altlib.core.cache_keys import Key
from altlib.core.code_imports import code_fingerprint
from altlib.core.files import whole_file
from altlib.core.progress import progress_bar

CODE = code_fingerprint("data.duplicates")

SIDE = 32  # pixels of a thumbnail's side

PIXELS = SIDE * SIDE

OVERLAP = 8  # l above: more means fewer candidates from longer prefixes


def thumbnail(image: Image.Image) -> np.ndarray:
    """The picture's shorter side resized to 32 pixels and its middle square cut out.

    Returns:
        Its colours as 24-bit integers, (1024,) uint32.
    """
    scale = SIDE / min(image.size)
    size = (max(SIDE, round(image.width * scale)), max(SIDE, round(image.height * scale)))
    small = image.resize(size, Image.Resampling.BILINEAR)
    left, top = (size[0] - SIDE) // 2, (size[1] - SIDE) // 2
    rgb = np.asarray(small.crop((left, top, left + SIDE, top + SIDE)).convert("RGB"), dtype=np.uint32)
    return (rgb[..., 0] << 16 | rgb[..., 1] << 8 | rgb[..., 2]).reshape(PIXELS)


def token_hashes(colours: np.ndarray, position: int) -> np.ndarray:
    """A 16-bit hash of each (position, colour); equal tokens have equal hashes."""
    mixed = (colours.astype(np.uint64) + np.uint64(position * 0x9E3779B1)) * np.uint64(0xBF58476D1CE4E5B9)
    return (mixed >> np.uint64(48)).astype(np.uint16)


def rarest_tokens(pixels: np.ndarray, count: int) -> np.ndarray:
    """The positions of the ``count`` rarest tokens of each row, (n, count) uint16.

    Rarity is how often the token's hash occurs in the data, ties broken by position: an order
    of tokens that is the same in all rows, which is all that the prefix filter needs.
    """
    n = len(pixels)
    order = np.empty((n, PIXELS), dtype=np.uint32)
    for position in range(PIXELS):
        hashes = token_hashes(pixels[:, position], position)
        frequency = np.bincount(hashes, minlength=65536)[hashes]
        order[:, position] = np.minimum(frequency, (1 << 22) - 1).astype(np.uint32) << 10 | position
    positions = np.empty((n, count), dtype=np.uint16)
    for start in range(0, n, 8192):
        part = np.partition(order[start : start + 8192], count - 1, axis=1)[:, :count]
        positions[start : start + 8192] = part & (PIXELS - 1)
    return positions


def token_matrix(pixels: np.ndarray, positions: np.ndarray) -> csr_matrix:
    """Which row holds which rare token, (n, tokens) of ones; tokens of a single row are dropped."""
    n, count = positions.shape
    tokens = positions.astype(np.uint64) << np.uint64(24) | np.take_along_axis(pixels, positions.astype(np.intp), 1)
    flat = tokens.reshape(-1)
    rows = np.repeat(np.arange(n, dtype=np.int32), count)
    order = np.argsort(flat, kind="stable")
    flat, rows = flat[order], rows[order]
    starts = np.flatnonzero(np.r_[True, flat[1:] != flat[:-1]])
    sizes = np.diff(np.r_[starts, len(flat)])
    shared = np.repeat(sizes > 1, sizes)
    columns = np.repeat(np.cumsum(sizes > 1, dtype=np.int32) - 1, sizes)[shared]
    # Products count shared tokens, at most ``count`` of them: the type must hold that.
    data = np.ones(len(columns), dtype=np.uint8 if count < 256 else np.uint16)
    return coo_matrix((data, (rows[shared], columns)), shape=(n, max(1, int((sizes > 1).sum())))).tocsr()


def close_pairs(pixels: np.ndarray, a: np.ndarray, b: np.ndarray, limit: int) -> np.ndarray:
    """Which of the pairs (a[i], b[i]) of rows of ``pixels`` differ in fewer than ``limit`` pixels, (len(a),) bool."""
    close = np.ones(len(a), dtype=bool)
    differing = np.zeros(len(a), dtype=np.int32)
    # Neighbouring pixels change together, so a spread-out quarter settles most pairs.
    spread = np.arange(PIXELS).reshape(4, -1, order="F")
    for part in spread:
        for start in range(0, len(a), 65536):
            chunk = np.arange(start, min(start + 65536, len(a)))
            chunk = chunk[close[chunk]]
            differing[chunk] += (pixels[a[chunk]][:, part] != pixels[b[chunk]][:, part]).sum(axis=1, dtype=np.int32)
        close = differing < limit
    return close


def near_duplicates(pixels: np.ndarray, limit: int = 100, chunk: int = 2048, cache: Path | None = None) -> np.ndarray:
    """Clusters of thumbnails, exactly: single linkage at fewer than ``limit`` differing pixels.

    Memory is about 8 KB per thumbnail.

    Args:
        pixels: thumbnails as from :func:`thumbnail`, (n, 1024) uint32.
        limit: near-duplicates differ in fewer pixels, 1 to 1,024.
        chunk: rows that are searched at a time.
        cache: a folder where the pairs that were found are kept, so that a search that was killed
            goes on after them.

    Returns:
        The cluster of each thumbnail, (n,) integers.

    Raises:
        ValueError: ``limit`` is out of range.
    """
    if not 1 <= limit <= PIXELS:
        raise ValueError(f"limit must be between 1 and {PIXELS}, not {limit}")
    distinct, inverse = unique_rows(pixels)
    n = len(distinct)
    overlap = min(OVERLAP, PIXELS - limit + 1)
    matrix = token_matrix(distinct, rarest_tokens(distinct, limit - 1 + overlap))
    transposed = matrix.T.tocsr()
    key = Key(CODE, thumbnails=distinct, limit=limit, chunk=chunk) if cache else ""
    pairs = [np.empty((2, 0), dtype=np.int64)]
    with progress_bar(total=n, desc="near-duplicates", unit=" pictures") as bar:
        for start in range(0, n, chunk):
            stop = min(start + chunk, n)
            file = cache / f"{key}-{start}.npy" if cache else None
            if file is None or not file.is_file():
                a, b = shared_pairs(matrix, transposed, start, stop, overlap)
                close = close_pairs(distinct, a, b, limit)
                pairs.append(np.stack([a[close], b[close]]))
                if file is not None:
                    with whole_file(file) as part, part.open("wb") as opened:
                        np.save(opened, pairs[-1], allow_pickle=False)
            else:
                pairs.append(np.load(file, allow_pickle=False))
            bar.update(stop - start)
    a, b = np.concatenate(pairs, axis=1)
    graph = coo_matrix((np.ones(len(a), dtype=bool), (a, b)), shape=(n, n))
    return connected_components(graph, directed=False)[1][inverse]


def shared_pairs(
    matrix: csr_matrix, transposed: csr_matrix, start: int, stop: int, overlap: int
) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of a row in [start, stop) with a later row that share at least ``overlap`` rare tokens."""
    product = (matrix[start:stop] @ transposed).tocoo()
    row, column = product.row.astype(np.int64) + start, product.col.astype(np.int64)
    wanted = (product.data >= overlap) & (column > row)
    return row[wanted], column[wanted]


def unique_rows(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The distinct rows in the order of their first appearance, and for each row the index of its distinct one."""
    seen: dict[bytes, int] = {}
    inverse = np.empty(len(pixels), dtype=np.int64)
    firsts: list[int] = []
    for i, row in enumerate(pixels):
        index = seen.setdefault(hashlib.blake2b(row.tobytes(), digest_size=16).digest(), len(firsts))
        if index == len(firsts):
            firsts.append(i)
        inverse[i] = index
    return (pixels if len(firsts) == len(pixels) else pixels[firsts]), inverse


def keep_oldest(clusters: np.ndarray) -> np.ndarray:
    """Which rows are the first of their cluster, (n,) bool; rows are ordered oldest first."""
    keep = np.zeros(len(clusters), dtype=bool)
    keep[np.unique(clusters, return_index=True)[1]] = True
    return keep
