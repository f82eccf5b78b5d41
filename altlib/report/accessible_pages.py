"""A Sphinx extension that mends what keeps the theme's pages from being accessible.

Checked with axe-core: everything lies in a landmark, lists hold list items, and there is one search box.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any


def mend(page: str) -> str:
    """A page of the book without the theme's faults.

    - The sidebar, which holds the book's title, becomes a landmark.
    - The button that unfolds pages in the sidebar gets a name.
    - The entries of the bibliography get the role of list items, as their deprecated one is no
      child of a list.
    - The header's search box goes, as the sidebar has another; on narrow screens, where the sidebar
      is closed, the header keeps its own.
    - The page that leads to the first one says so, for browsers that do not follow by themselves.

    Only the header is parsed: the pages hold megabytes of pictures and code.

    Args:
        page: HTML.

    Returns:
        HTML.
    """
    leads = re.search(r'<meta http-equiv="Refresh" content="[^"]*url=([^"]+)"\s*/?>', page)
    if leads:
        return (
            '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>The book</title>'
            f"{leads[0]}</head><body><main><h1>"
            f'<a href="{leads[1]}">The first page of the book</a></h1></main></body></html>'
        )
    page = page.replace(' id="pst-primary-sidebar"', ' id="pst-primary-sidebar" role="region" aria-label="The book"')
    page = page.replace(
        '<summary><span class="toctree-toggle"',
        '<summary aria-label="Pages below this one"><span class="toctree-toggle"',
    )
    page = page.replace('role="doc-biblioentry"', 'role="listitem"')
    return re.sub(r"<header\b.*?</header>", lambda header: without_search_box(header[0]), page, flags=re.DOTALL)


def without_search_box(header: str) -> str:
    """The theme's header without the search box of wide screens."""
    from bs4 import BeautifulSoup

    soup = BeautifulSoup(header, "html.parser")
    for box in soup.select(".navbar-persistent--container"):
        box.decompose()
    return str(soup)


def mend_all(app: Any, error: Exception | None) -> None:
    """Mend all pages when the book is built."""
    if error is None:
        for path in Path(app.outdir).glob("*.html"):
            path.write_text(mend(path.read_text(encoding="utf-8")), encoding="utf-8")


def setup(app: Any) -> dict[str, bool]:
    """Let Sphinx mend the pages."""
    app.connect("build-finished", mend_all)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
