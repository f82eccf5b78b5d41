"""What the tests of plots share."""

import html
import re

import matplotlib.pyplot as plt
import pytest


@pytest.fixture(autouse=True)
def closed():
    """Every plot closes its figure."""
    plt.close("all")
    yield
    assert plt.get_fignums() == []


@pytest.fixture
def alt_of():
    """The alt text of a figure that was shown."""
    return lambda shown: html.unescape(re.search(r'<img [^>]*alt="([^"]*)"', shown.data)[1])


@pytest.fixture
def drawn(monkeypatch):
    """The matplotlib figures that were shown, before they were closed."""
    from altlib.report import figures

    found, show = [], figures.show
    monkeypatch.setattr(
        figures, "show", lambda figure, alt, caption: found.append(figure) or show(figure, alt, caption)
    )
    return found
