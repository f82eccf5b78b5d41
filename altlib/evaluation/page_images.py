"""Pictures on HTML and Markdown pages, with their alt text and what stands beside them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from altlib.evaluation.poor_alt_text import Finding, findings

HTML_SUFFIXES, MARKDOWN_SUFFIXES = (".html", ".htm", ".xhtml"), (".md", ".markdown")
ON_PAGES = ("too short", "missing")  # rules for posts that do not hold on pages
NO_ATTRIBUTE = Finding(
    "no alt attribute",
    "the picture has no alt attribute, so a screen reader may read its address",
    'Add alt="..." with what the picture shows, or alt="" if it is decoration.',
    "error",
)
ONLY_CONTENT = Finding(
    "empty in a link",
    "the picture is all that a link or button holds, and its alt text is empty",
    "Say where the link leads or what the button does.",
    "error",
)
ITS_FILE = Finding(
    "file name", "the alt text is the name of the picture's file", "Say what the picture shows.", "error"
)


@dataclass(frozen=True)
class PageImage:
    """A picture on a page.

    Attributes:
        page: The page's file.
        line: Where it stands there, from 1; 0 if that is not known.
        source: Its address.
        alt: Its alt text; None if it has none.
        beside: Its caption, or the text of the paragraph around it.
        alone_in_link: Whether it is all that a link or button holds.
    """

    page: Path
    line: int
    source: str
    alt: str | None
    beside: str = ""
    alone_in_link: bool = False

    def findings(self) -> list[Finding]:
        """What is wrong with its alt text; an empty one marks decoration, which is right unless a link holds nothing else."""
        if self.alt is None:
            return [NO_ATTRIBUTE]
        if not self.alt.strip():
            return [ONLY_CONTENT] if self.alone_in_link else []
        found = findings(self.alt, self.beside, ON_PAGES)
        stem = Path(unquote(urlsplit(self.source).path)).stem.casefold()
        if stem and not self.source.startswith("data:") and self.alt.strip().casefold() == stem:
            found = [f for f in found if f.rule not in ("file name", "placeholder")] + [ITS_FILE]
        return found


def pages_in(folder: Path) -> list[Path]:
    """The HTML and Markdown files of a folder and those below it, hidden ones left out; or the file itself."""
    if folder.is_file():
        return [folder]
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in HTML_SUFFIXES + MARKDOWN_SUFFIXES
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )


def images_of(page: Path) -> Iterator[PageImage]:
    """The pictures of a page in their order.

    Raises:
        ValueError: The page is not text in UTF-8.
    """
    try:
        text = page.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{page} is not text in UTF-8") from error
    if page.suffix.lower() in MARKDOWN_SUFFIXES:
        yield from markdown_images(text, page)
    else:
        yield from html_images(text, page)


def html_images(text: str, page: Path, first_line: int = 1) -> Iterator[PageImage]:
    """The pictures of HTML, those that are hidden from screen readers left out.

    Args:
        text: The HTML.
        page: Where it stands.
        first_line: Line of the page at which it begins.
    """
    from bs4 import BeautifulSoup

    for image in BeautifulSoup(text, "html.parser").find_all(["img", "input"]):
        if image.name == "input" and image.get("type") != "image":
            continue
        if image.get("aria-hidden") == "true" or image.get("role") in ("presentation", "none"):
            continue
        alt = image.get("alt") if image.get("aria-label") is None else image.get("aria-label")
        link = image.find_parent(["a", "button"])
        named = link is not None and (link.get("aria-label") or link.get("title") or link.get_text(strip=True))
        yield PageImage(
            page,
            first_line - 1 + (image.sourceline or 0),
            str(image.get("src") or ""),
            None if alt is None else str(alt),
            caption_of(image),
            link is not None and not named,
        )


def caption_of(image: Any) -> str:
    """The caption of a picture in HTML; without one, the text of its paragraph or list entry."""
    figure = image.find_parent("figure")
    caption = figure.find("figcaption") if figure is not None else None
    around = caption or image.find_parent(["p", "li", "td"])
    return " ".join(around.get_text(" ", strip=True).split()) if around is not None else ""


def markdown_images(text: str, page: Path) -> Iterator[PageImage]:
    """The pictures of Markdown: its own, those of HTML within it, and those of MyST's directives ``image`` and ``figure``."""
    from markdown_it import MarkdownIt

    for block in MarkdownIt("commonmark").parse(text):
        line = block.map[0] + 1 if block.map else 0
        if block.type == "html_block":
            yield from html_images(block.content, page, max(1, line))
        elif block.type == "fence" and block.info.strip().startswith(("{image}", "{figure}")):
            yield directive_image(block.info, block.content, page, line)
        for child in block.children or ():
            if child.type == "image":
                beside = "".join(other.content for other in block.children or () if other.type == "text").strip()
                yield PageImage(page, line, str(child.attrs.get("src", "")), child.content, beside)
            elif child.type == "html_inline" and child.content.startswith("<img"):
                yield from html_images(child.content, page, max(1, line))


def directive_image(info: str, content: str, page: Path, line: int) -> PageImage:
    """The picture of a directive ``image`` or ``figure``."""
    lines = [row.strip() for row in content.splitlines()]
    options = [row for row in lines if row.startswith(":")]
    alt = next((row.removeprefix(":alt:").strip() for row in options if row.startswith(":alt:")), None)
    caption = " ".join(row for row in lines if row and row not in options)
    return PageImage(page, line, info.partition("}")[2].strip(), alt, caption)
