"""Figures, tables and picture galleries that read well on a screen and in a screen reader.

Everything that strangers wrote passes through :func:`html.escape` here. The colours are those of
Okabe and Ito, which colour-blind readers can tell apart; lines also differ in marker and dash.
"""

from __future__ import annotations

import html
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from IPython.display import HTML
from matplotlib.figure import Figure

from altlib.core.errors import PictureError
from altlib.core.images import data_uri, open_picture

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#7F7F7F")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
DASHES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)), (0, (8, 2)))
LONGEST_TEXT = 600  # characters of a text that a cell or a gallery shows


def style() -> None:
    """Set readable sizes and the colours for all figures of a notebook."""
    import matplotlib as mpl
    from cycler import cycler

    mpl.rcParams.update(
        {
            "figure.figsize": (8, 4.5),
            "figure.dpi": 100,
            "savefig.dpi": 160,
            "font.size": 12,
            "axes.titlesize": 13,
            "axes.grid": True,
            "grid.alpha": 0.3,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.prop_cycle": cycler(color=list(COLOURS)),
            "figure.constrained_layout.use": True,
        }
    )


def series(number: int) -> dict[str, Any]:
    """Colour, marker and dash of a plot's ``number``-th line, as ``Axes.plot`` takes them; they repeat after eight."""
    place = number % len(COLOURS)
    return {"color": COLOURS[place], "marker": MARKERS[place], "linestyle": DASHES[place]}


def as_html(content: str) -> HTML:
    """HTML for a notebook to show."""
    return HTML(content)


def show(figure: Figure, alt: str, caption: str) -> HTML:
    """A matplotlib figure as a picture with alt text and a caption; the figure is closed.

    Args:
        figure: The figure.
        alt: What the figure shows, with its numbers, in a few sentences.
        caption: What stands below the figure.

    Raises:
        ValueError: There is no alt text.
    """
    import matplotlib.pyplot as plt

    if not alt.strip():
        raise ValueError("a figure needs alt text: say what it shows, with its numbers")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", facecolor="white")
    plt.close(figure)
    return as_html(
        f'<figure style="margin:1em 0"><img src="{data_uri(buffer.getvalue())}" alt="{html.escape(alt)}" '
        f'style="max-width:100%;height:auto;background:white">'
        f"<figcaption>{html.escape(caption)}</figcaption></figure>"
    )


def cell(value: Any, digits: int) -> str:
    """The HTML of a table cell: numbers rounded, missing values as a dash, the rest escaped, with its line breaks.

    Args:
        value: What the cell holds.
        digits: Decimals of floating-point numbers.
    """
    if value is None or (isinstance(value, float) and value != value):
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{round(value, digits) + 0.0:,.{digits}f}"  # no minus before a zero
    if isinstance(value, int) or hasattr(value, "bit_length"):
        return f"{int(value):,}"
    if hasattr(value, "item"):
        return cell(value.item(), digits)
    return html.escape(cut(str(value))).replace("\n", "<br>")


def table(frame: pd.DataFrame, caption: str, digits: int = 2) -> HTML:
    """A data frame as an accessible table: a caption, header cells with their scope, escaped text.

    A wide table scrolls, also by keyboard. A data frame without rows becomes a sentence that says so.

    Args:
        frame: The rows; the first column holds the row headers.
        caption: What stands above the table.
        digits: Decimals of floating-point numbers.
    """
    if frame.empty:
        return as_html(f"<p><strong>{html.escape(caption)}</strong>: there is nothing to show.</p>")
    columns = list(frame.columns)
    is_bool, is_numeric = pd.api.types.is_bool_dtype, pd.api.types.is_numeric_dtype
    numeric = {c for c in columns[1:] if is_numeric(frame[c]) and not is_bool(frame[c])}

    def align(column: str) -> str:
        return ' style="text-align:right"' if column in numeric else ' style="text-align:left"'

    head = "".join(f'<th scope="col"{align(c)}>{html.escape(str(c))}</th>' for c in columns)
    rows = []
    for values in frame.itertuples(index=False):
        first, *rest = (cell(v, digits) for v in values)
        cells = "".join(f"<td{align(c)}>{v}</td>" for c, v in zip(columns[1:], rest, strict=True))
        rows.append(f'<tr><th scope="row" style="text-align:left;font-weight:normal">{first}</th>{cells}</tr>')
    return as_html(
        f'<div style="overflow-x:auto" tabindex="0" role="region" aria-label="{html.escape(caption)}">'
        f'<table class="table"><caption style="caption-side:top;text-align:left">'
        f"{html.escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def cut(text: str, length: int = LONGEST_TEXT) -> str:
    """The text, cut at ``length`` characters with a note of how many more there are."""
    return text if len(text) <= length else f"{text[:length]}… ({len(text) - length:,} more characters)"


def gallery(items: Sequence[Mapping[str, str]], label: str, width: int = 192) -> HTML:
    """Pictures, each with a list of labelled texts beside it; long texts are cut.

    Args:
        items: One mapping per picture: ``image`` is its file, ``alt`` its alt text; every other key
            is shown as a label with its text.
        label: Name of an item for screen readers, which also hear its number.
        width: Width of the pictures (CSS pixels).
    """
    articles = []
    for number, item in enumerate(items, start=1):
        texts = "".join(
            f"<dt style='font-weight:bold'>{html.escape(k)}</dt>"
            f"<dd style='margin:0 0 .4em 1em;overflow-wrap:anywhere'>{html.escape(cut(v))}</dd>"
            for k, v in item.items()
            if k not in ("image", "alt")
        )
        articles.append(
            f'<div role="group" aria-label="{html.escape(label)} {number}" style="display:flex;gap:1em;flex-wrap:wrap;'
            f'align-items:flex-start;border-top:1px solid #999;padding:.8em 0">{picture_tag(item["image"], item["alt"], width)}'
            f'<dl style="flex:1;min-width:16em;margin:0">{texts}</dl></div>'
        )
    return as_html("".join(articles))


def picture_tag(path: str, alt: str, width: int) -> str:
    """An ``img`` element of a picture file ``width`` CSS pixels wide, or a paragraph that says why it cannot be shown."""
    try:
        image = open_picture(Path(path), longest=2 * width)
    except PictureError as error:
        return f"<p style='width:{width}px'>Picture not shown: {html.escape(error.reason)}.</p>"
    return (
        f'<img src="{data_uri(image)}" alt="{html.escape(cut(alt))}" width="{width}" '
        f'style="height:auto;image-rendering:{"pixelated" if image.width < width else "auto"}">'
    )


def sentences(*texts: str) -> HTML:
    """What a run has found, in sentences: one as a paragraph, several as a list, none as nothing."""
    escaped = [html.escape(text) for text in texts]
    if len(escaped) < 2:
        return as_html("".join(f"<p>{text}</p>" for text in escaped))
    return as_html(f"<ul>{''.join(f'<li>{text}</li>' for text in escaped)}</ul>")


def note(text: str, kind: str = "note") -> HTML:
    """A boxed note with ``kind`` (such as note or warning) as its title."""
    return as_html(
        f'<div class="admonition {html.escape(kind)}"><p class="admonition-title">{html.escape(kind.capitalize())}</p>'
        f"<p>{html.escape(text)}</p></div>"
    )


def honest_note(source: str) -> HTML:
    """A warning at the top of a page that says which corpus its numbers come from."""
    if source == "miniworld":
        return note(
            "These numbers come from the miniature world: a small social network that this project draws and writes "
            "itself, with miniature models. They teach how the method works; they are not results on real posts.",
            "warning",
        )
    return note(
        f"These numbers come from the source '{source}' as it was given to this run, not from the paper's corpus.",
        "warning",
    )
