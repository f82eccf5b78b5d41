"""Check rendered pages with axe-core in a headless Chromium.

python -m tests.accessibility runs/smoke/html
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def browser() -> str | None:
    """The path of an installed Chromium, or ``None``."""
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


def violations(pages: list[Path]) -> list[str]:
    """What axe-core finds on pages, in light and in dark: one line for each rule that a page breaks."""
    from axe_playwright_python.sync_playwright import Axe
    from playwright.sync_api import sync_playwright

    found = []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser(), args=["--no-sandbox"])
        for scheme in ("light", "dark"):
            page = chromium.new_page(color_scheme=scheme, viewport={"width": 1100, "height": 900})
            for path in pages:
                page.goto(path.resolve().as_uri(), wait_until="load")
                for rule in Axe().run(page).response["violations"]:
                    first = " ".join(rule["nodes"][0]["html"].split())[:160]
                    found.append(f"{path.name} ({scheme}): {rule['id']}, {len(rule['nodes'])} times, such as {first}")
        chromium.close()
    return found


def main() -> int:
    """Check all pages of a folder; returns the exit status."""
    pages = [p for p in sorted(Path(sys.argv[1]).glob("*.html")) if p.name != "index.html"]  # that one leads away
    if browser() is None:
        print("No Chromium is installed, so the pages were not checked with axe-core.")
        return 0
    found = violations(pages)
    print("\n".join(found))
    print(f"axe-core: {len(found)} violations on {len(pages)} pages, in light and in dark")
    return 1 if found or not pages else 0


if __name__ == "__main__":
    sys.exit(main())
