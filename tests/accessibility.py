"""Check rendered pages in a headless Chromium: axe-core, tables that fit, narrow and zoomed pages, the keyboard.

python -m tests.accessibility runs/smoke/html
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.page_layout import keyboard_faults, layout_faults

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def browser() -> str | None:
    """The path of an installed Chromium, or ``None``."""
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


@contextmanager
def chromium() -> Iterator:
    """A headless Chromium that is installed."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=browser(), args=["--no-sandbox"])
        yield launched
        launched.close()


def violations(launched, pages: list[Path]) -> list[str]:
    """What axe-core finds on pages, in light and in dark: one line for each rule that a page breaks."""
    from axe_playwright_python.sync_playwright import Axe

    found = []
    for scheme in ("light", "dark"):
        page = launched.new_page(color_scheme=scheme, viewport={"width": 1100, "height": 900})
        for path in pages:
            page.goto(path.resolve().as_uri(), wait_until="load")
            for rule in Axe().run(page).response["violations"]:
                first = " ".join(rule["nodes"][0]["html"].split())[:160]
                found.append(f"{path.name} ({scheme}): {rule['id']}, {len(rule['nodes'])} times, such as {first}")
    return found


def main() -> int:
    """Check all pages of a folder; returns the exit status."""
    folder = Path(sys.argv[1])
    pages = [p for p in sorted(folder.glob("*.html")) if p.name != "index.html"]  # that one leads away
    chapters = [p for p in pages if p.name[:2].isdecimal()]
    sources = sorted(folder.glob("_modules/*.html"))[:2]  # all are made alike
    if browser() is None:
        print("No Chromium is installed, so the pages were not checked.")
        return 0
    with chromium() as launched:
        found = violations(launched, [*pages, *sources])
        page = launched.new_page()
        found += [fault for path in [*pages, *sources] for fault in layout_faults(page, path)]
        found += [fault for path in chapters for fault in keyboard_faults(page, path)]
    print("\n".join(found))
    print(
        f"{len(found)} faults on {len(pages)} pages: axe-core in light and in dark, layout, and {len(chapters)} by keyboard"
    )
    return 1 if found or not chapters else 0


if __name__ == "__main__":
    sys.exit(main())
