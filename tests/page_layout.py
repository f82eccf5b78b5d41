"""What rendered pages do on narrow screens, when zoomed, and by keyboard alone; measured in a headless Chromium."""

from __future__ import annotations

from pathlib import Path

WIDE, ZOOMED, NARROW = 1100, 640, 320  # CSS pixels: a laptop, 1,280 pixels at 200%, and the narrowest of WCAG 1.4.10
MOST_TABS = 400  # presses of Tab until the end of a page

HIDDEN_COLUMNS = """() => [...document.querySelectorAll('main table')].filter(table => {
    for (let box = table.parentElement; box; box = box.parentElement)
        if (['auto', 'scroll'].includes(getComputedStyle(box).overflowX) && box.clientWidth > 0)
            return box.scrollWidth > box.clientWidth + 1;
    return false;
}).map(table => (table.caption || table).innerText.slice(0, 80))"""

PAGE_SCROLLS = """() => document.documentElement.scrollWidth > document.documentElement.clientWidth + 1 &&
    document.documentElement.scrollWidth"""

FOCUSED = """() => {
    const it = document.activeElement;
    const ringed = part => {
        const style = getComputedStyle(part), box = part.getBoundingClientRect();
        const ring = (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== 'none';
        return ring && box.width > 0 && box.height > 0;
    };
    return {tag: it.tagName, text: it.innerText.trim().slice(0, 60), href: it.getAttribute('href'),
            label: it.getAttribute('aria-label') || '', seen: [it, ...it.querySelectorAll('*')].some(ringed)};
}"""


def layout_faults(page, path: Path) -> list[str]:
    """Tables that lose columns on a wide screen, and pages that scroll sideways when narrow or zoomed.

    Args:
        page: Of playwright.
        path: The HTML file.
    """
    page.goto(path.resolve().as_uri(), wait_until="load")
    found = []
    for width in (WIDE, ZOOMED, NARROW):
        page.set_viewport_size({"width": width, "height": 900})
        if scrolled := page.evaluate(PAGE_SCROLLS):
            found.append(f"{path.name}: at {width} px the page is {scrolled} px wide")
        if width == WIDE:
            tables = page.evaluate(HIDDEN_COLUMNS)
            found += [f"{path.name}: at {width} px a table loses columns: {table!r}" for table in tables]
    return found


def keyboard_faults(page, path: Path) -> list[str]:
    """What cannot be reached, seen or opened by keyboard alone.

    Args:
        page: Of playwright.
        path: The HTML file of a chapter.
    """
    page.set_viewport_size({"width": WIDE, "height": 900})
    page.goto(path.resolve().as_uri(), wait_until="load")
    found, folded = [], page.locator("main details:not([open]) > summary:visible").count()
    opened = 0
    page.keyboard.press("Tab")
    if page.evaluate(FOCUSED)["href"] != "#main-content":
        found.append(f"{path.name}: the first stop is not the link that skips to the content")
    for _ in range(MOST_TABS):
        here = page.evaluate(FOCUSED)
        if here["tag"] == "BODY":
            break
        if not here["seen"]:
            found.append(f"{path.name}: the focus on {here['tag']} {here['text'] or here['label']!r} cannot be seen")
        if here["tag"] == "SUMMARY" and page.evaluate("() => !!document.activeElement.closest('main')"):
            page.keyboard.press("Enter")
            opened += page.evaluate("() => document.activeElement.parentElement.open")
            page.keyboard.press("Enter")
        page.keyboard.press("Tab")
    if opened < folded:
        found.append(f"{path.name}: {folded - opened} of {folded} folded details do not open by Tab and Enter")
    for link in page.locator(".prev-next-area a").all():
        if len(link.inner_text().split()) < 2:
            found.append(f"{path.name}: a link to the previous or next page does not say where it leads")
    return found
