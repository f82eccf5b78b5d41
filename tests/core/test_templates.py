"""Templates of pages."""

import pytest
from jinja2 import UndefinedError

from altlib.core.templates import html_templates


def test_what_people_wrote_is_escaped_and_an_unknown_name_is_an_error():
    templates = html_templates("altlib.evaluation", "study")
    assert templates.from_string("{{ text }}").render(text="<script>") == "&lt;script&gt;"
    with pytest.raises(UndefinedError, match="nobody"):
        templates.from_string("{{ nobody }}").render()
