"""Time and memory of the exact near-duplicate search on synthetic thumbnails with flat regions.

A third of the thumbnails are screenshots and graphics (30 to 97% of one flat colour, most
often white or black), the rest smooth photographs with sensor noise; 2% are exact copies and
4% come from bots that post a template with some changed pixels. Sizes as arguments.
"""

import argparse
import resource
import time

import numpy as np

from altlib.data.duplicates import PIXELS, SIDE, near_duplicates


def synthetic_thumbnails(n, seed=0):
    """(n, 1024) colours that look to the search like real thumbnails do."""
    rng = np.random.default_rng(seed)
    out = np.empty((n, PIXELS), dtype=np.uint32)
    ramp = np.linspace(0, 1, SIDE, dtype=np.float32)
    for start in range(0, n, 4096):
        m = min(4096, n - start)
        corners = rng.uniform(0, 255, size=(m, 2, 2, 3)).astype(np.float32)
        top = corners[:, 0, 0, None, :] * (1 - ramp[:, None]) + corners[:, 0, 1, None, :] * ramp[:, None]
        low = corners[:, 1, 0, None, :] * (1 - ramp[:, None]) + corners[:, 1, 1, None, :] * ramp[:, None]
        image = top[:, None] * (1 - ramp[:, None, None]) + low[:, None] * ramp[:, None, None]  # (m, 32, 32, 3)
        image += rng.normal(0, 9, size=image.shape).astype(np.float32)
        rgb = np.clip(image, 0, 255).astype(np.uint32).reshape(m, PIXELS, 3)
        colours = rgb[..., 0] << 16 | rgb[..., 1] << 8 | rgb[..., 2]
        flat = np.flatnonzero(rng.random(m) < 0.33)
        for i in flat:
            share = rng.uniform(0.3, 0.97)
            background = rng.choice([0xFFFFFF, 0xFFFFFF, 0xFFFFFF, 0, 0, 0x15202B, int(rng.integers(2**24))])
            if rng.random() < 0.5:  # a block of content on a flat ground
                colours[i, : int(share * PIXELS)] = background
            else:  # lines of text on a flat ground
                colours[i, rng.random(PIXELS) < share] = background
        out[start : start + m] = colours
    copies = rng.choice(n, size=n // 50, replace=False)
    out[copies] = out[rng.integers(0, n, size=len(copies))]
    bots = rng.choice(n, size=n // 25, replace=False)
    templates = rng.integers(0, n, size=max(1, len(bots) // 40))
    for b in bots:
        row = out[templates[rng.integers(len(templates))]].copy()
        changed = rng.choice(PIXELS, size=int(rng.integers(1, 300)), replace=False)
        row[changed] = rng.integers(0, 2**24, size=len(changed))
        out[b] = row
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", nargs="*", type=int, default=[10_000, 40_000])
    for n in parser.parse_args().sizes:
        pixels = synthetic_thumbnails(n)
        start = time.perf_counter()
        clusters = near_duplicates(pixels)
        seconds = time.perf_counter() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(
            f"{n:>9,} thumbnails: {seconds:8.1f} s, {n / seconds:,.0f} a second, peak memory {peak:.2f} GiB, {len(np.unique(clusters)):,} clusters",
            flush=True,
        )


if __name__ == "__main__":
    main()
