"""The page that compares runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from altlib.core.templates import html_templates


def comparison_page(content: Mapping[str, Any]) -> str:
    """The page as HTML; whatever comes from posts, models and parameters is escaped.

    Args:
        content: What :func:`altlib.runs.comparison.compare_runs` found, by the names of the template.
    """
    return html_templates("altlib", "report").get_template("comparison.html.jinja").render(**content)
