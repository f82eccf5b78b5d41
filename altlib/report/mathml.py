"""A Sphinx extension that writes formulas as MathML, which browsers show without scripts and screen readers read aloud."""

from __future__ import annotations

from typing import Any

from docutils import nodes


def mathml(formula: str, block: bool) -> str:
    """A TeX formula as a MathML element.

    Args:
        formula: The formula in TeX, without dollar signs.
        block: Whether it stands on a line of its own.
    """
    from latex2mathml.converter import convert

    return convert(formula, display="block" if block else "inline")


def visit_math(translator: Any, node: Any) -> None:
    """Write a formula within a line.

    Raises:
        docutils.nodes.SkipNode: Always; it tells docutils that the node is written.
    """
    translator.body.append(f'<span class="inline-formula">{mathml(node.astext(), block=False)}</span>')
    raise nodes.SkipNode


def visit_displaymath(translator: Any, node: Any) -> None:
    """Write a formula on a line of its own, with an anchor if it is numbered.

    Raises:
        docutils.nodes.SkipNode: Always; it tells docutils that the node is written.
    """
    if node.get("ids"):
        translator.body.append(f'<span id="{node["ids"][0]}"></span>')
    translator.body.append(f'<div class="formula">{mathml(node.astext(), block=True)}</div>')
    raise nodes.SkipNode


def setup(app: Any) -> dict[str, Any]:
    """Register the renderer ``mathml`` with Sphinx; returns what Sphinx wants to know of an extension."""
    app.add_html_math_renderer("mathml", (visit_math, None), (visit_displaymath, None))
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
