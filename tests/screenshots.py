"""Make the pictures of the README from the pages of a run: the top of a chapter, and a post with its captions.

python -m tests.screenshots runs/workshop/html
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

from PIL import Image

from altlib.core.files import whole_file
from tests.accessibility import browser, chromium
from tests.conftest import ROOT

CHAPTER = "03-results-and-decoding.html"
FOLDER = ROOT / "docs"
LARGEST = 150_000  # bytes of one picture


def save(screenshot: bytes, name: str) -> None:
    """Write a screenshot as WebP, as good as fits.

    Args:
        screenshot: PNG.
        name: Of the file, without its ending.
    """
    for quality in (90, 75, 60, 45):
        buffer = io.BytesIO()
        Image.open(io.BytesIO(screenshot)).convert("RGB").save(buffer, "WEBP", quality=quality, method=6)
        if len(buffer.getvalue()) <= LARGEST:
            break
    with whole_file(FOLDER / f"{name}.webp") as part:
        part.write_bytes(buffer.getvalue())


def main() -> int:
    """Make the pictures from the pages of a folder; returns the exit status."""
    if browser() is None:
        print("No Chromium is installed, so no pictures were made.")
        return 1
    FOLDER.mkdir(exist_ok=True)
    with chromium() as launched:
        page = launched.new_page(viewport={"width": 1280, "height": 1000}, color_scheme="light")
        page.goto((Path(sys.argv[1]) / CHAPTER).resolve().as_uri(), wait_until="load")
        save(page.screenshot(), "chapter")
        post = page.locator('[role="group"][aria-label="Test picture 1"]')
        save(post.screenshot(), "post")
        print(f"{FOLDER / 'post.webp'} shows: {' '.join(post.inner_text().split())}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
