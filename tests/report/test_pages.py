"""The pages of the book that are not notebooks, and what all pages name."""

import importlib
import re
from pathlib import Path

import pytest

from tests.browser import browser_context
from tests.conftest import ROOT
from tests.page_layout import keyboard_faults, layout_faults

PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "book").glob("*.md")),
    *sorted((ROOT / "book").glob("*.ipynb")),
    *sorted((ROOT / "altlib" / "checkpoints").glob("*/README.md")),
]


def exists(name: str) -> bool:
    """Whether a dotted name is a module of the package, or something in one."""
    for end in range(len(parts := name.split(".")), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:end]))
        except ModuleNotFoundError:
            continue
        for part in parts[end:]:
            if not hasattr(found, part):
                return False
            found = getattr(found, part)
        return True
    return False


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_files_and_names_of_the_library_that_a_page_mentions_are_there(page: Path):
    text = page.read_text(encoding="utf-8")
    for name in re.findall(r"`(altlib(?:\.\w+)+)`", text):
        assert exists(name), f"{page.name} names {name}, which is not there"
    for path in re.findall(r"\b((?:altlib|bench|params)/[\w/.-]*[\w/])", text):
        assert (ROOT / path).exists(), f"{page.name} names {path}, which is not there"


def test_names_that_are_not_there_are_found():
    assert exists("altlib.data.posts.COLUMNS") and exists("altlib.miniworld")
    assert not exists("altlib.posts") and not exists("altlib.data.posts.NOTHING")


POOR = """<!DOCTYPE html><html lang="en"><style>body {{ margin: 0 }} a:focus {{ outline: none }}</style><body>
<a href="#elsewhere">First</a><main id="main-content"><div style="overflow-x: auto"><table>
<caption>Wide</caption><tr><td style="min-width: {width}px">1</td></tr></table></div>
<p style="width: {width}px">Text</p></main><div class="prev-next-area"><a href="b.html">next</a></div></body></html>"""
GOOD = """<!DOCTYPE html><html lang="en"><body><a href="#main-content">Skip to main content</a><main id="main-content">
<details><summary>Parameters</summary><p>Values</p></details><table><tr><td>1</td></tr></table></main>
<div class="prev-next-area"><a href="b.html">next 04 Prefixes</a></div></body></html>"""


def test_faults_of_layout_and_keyboard_are_found_and_a_page_without_them_has_none(tmp_path):
    poor, good = tmp_path / "poor.html", tmp_path / "good.html"
    poor.write_text(POOR.format(width=2000), encoding="utf-8")
    good.write_text(GOOD, encoding="utf-8")
    with browser_context(tmp_path / "profile") as context:
        page = context.new_page()
        found = layout_faults(page, poor) + keyboard_faults(page, poor)
        assert "poor.html: at 1100 px a table loses columns: 'Wide'" in found
        assert any("at 320 px the page is 2000 px wide" in fault for fault in found)
        assert any("first stop" in fault for fault in found) and any(
            "'First' cannot be seen" in fault for fault in found
        )
        assert any("does not say where it leads" in fault for fault in found)
        assert layout_faults(page, good) + keyboard_faults(page, good) == []
