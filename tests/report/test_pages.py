"""The pages of the book that are not notebooks, and what all pages name."""

import importlib
import re
from pathlib import Path

import pytest

from tests.conftest import ROOT

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
