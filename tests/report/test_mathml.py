"""Formulas as MathML."""

from docutils import nodes

from altlib.report import mathml


class Writer:
    """What the renderer needs of Sphinx's HTML writer."""

    def __init__(self):
        self.body = []


def written(visit, node) -> str:
    writer = Writer()
    try:
        visit(writer, node)
    except nodes.SkipNode:
        return "".join(writer.body)
    raise AssertionError("docutils must be told that the node is written")


def test_a_formula_is_mathml_in_a_line_or_on_its_own():
    assert 'display="inline"' in mathml.mathml("x_i", block=False)
    assert 'display="block"' in mathml.mathml("x_i", block=True) and "<msub>" in mathml.mathml("x_i", block=True)


def test_formulas_are_written_into_the_page():
    assert written(mathml.visit_math, nodes.math("", "a < b")).count("<math") == 1
    block = written(mathml.visit_displaymath, nodes.math_block("", "a", ids=["equation-1"]))
    assert block.startswith('<span id="equation-1"></span><div class="formula"><math')
