"""Texts with their attributions."""

from altlib.analysis.attribution import WordAttribution
from altlib.report import attributed_text


def test_rendered_words_need_no_colour_and_are_escaped():
    words = [WordAttribution("<b>cup", 1.0), WordAttribution("hope", -0.3), WordAttribution("of", 0.01)]
    text = attributed_text.render_words(words, 1.0, "Caption:")
    assert "&lt;b&gt;cup" in text and "<b>" not in text
    assert 'aria-label="strongly raises the score">++' in text and 'aria-label="lowers the score">−<' in text
    assert "solid" in text and "dashed" in text and text.endswith("</span> of</p>")
    assert attributed_text.render_words([WordAttribution(w, 0.0) for w in ("a", ",", "b", "!")], 1.0, "").endswith(
        " a, b!</p>"
    )
    assert attributed_text.strongest(words) == "Raised most by: <b>cup, of. Lowered most by: hope."


def test_an_annotated_text_is_told_in_words_too():
    words = [WordAttribution("<b>cup", 1.0), WordAttribution("hope", -0.3), WordAttribution(",", -2.0)]
    text = attributed_text.annotated(words, "Caption:")
    assert text.endswith("<p>Raised most by: &lt;b&gt;cup. Lowered most by: hope.</p>") and "<b>" not in text
    assert "raises" not in attributed_text.annotated([], "Caption:")


def test_a_picture_stands_with_its_texts_in_one_group():
    words = [WordAttribution("cup", 1.0)]
    group = attributed_text.pair_example('Example "1"', "<img>", {"Caption, all paths": words, "Description": words})
    assert group.startswith('<div role="group" aria-label="Example &quot;1&quot;"><img><p') and group.endswith("</div>")
    assert group.index("Caption, all paths:") < group.index("Description:")
