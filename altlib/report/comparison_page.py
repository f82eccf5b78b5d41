"""The page that compares runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from altlib.core.estimates import Estimate


def signed_interval(estimate: Estimate) -> str:
    """A difference with its sign and interval."""
    low, high = estimate.interval
    return f"{estimate.value:+.2f} [{low:+.2f}, {high:+.2f}]"


def comparison_page(content: Mapping[str, Any]) -> str:
    """The page as HTML; whatever comes from posts, models and parameters is escaped.

    Args:
        content: What :func:`altlib.runs.comparison.compare_runs` found, by the names of the template.
    """
    templates = Environment(
        loader=PackageLoader("altlib", "report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters["signed_interval"] = signed_interval
    return templates.get_template("comparison.html.jinja").render(**content)
