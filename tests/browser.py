"""A headless browser for tests of pages; they are skipped where there is no Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.accessibility import browser


@contextmanager
def browser_context(profile: Path) -> Iterator:
    """A browser whose storage is kept in ``profile``; it has no network."""
    if browser() is None:
        pytest.skip("there is no Chromium on this machine")
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            profile, executable_path=browser(), args=["--no-sandbox"], offline=True, accept_downloads=True
        )
        context.set_default_timeout(15_000)
        yield context
        context.close()


def accessibility_violations(page) -> list[str]:
    """What axe-core finds wrong with a page."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    found = axe.run(page).response["violations"]
    return [f"{v['id']}: {v['help']} ({len(v['nodes'])})" for v in found]
