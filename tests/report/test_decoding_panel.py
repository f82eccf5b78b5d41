"""The panel of chapter 03, driven as its user drives it."""

import pandas as pd
import pytest
import torch

from altlib.generation.decoding import Decoding, decode
from altlib.models.shorter_prefix import with_first_vectors
from altlib.report.decoding_panel import DecodingPanel

SEARCH = Decoding(beams=3, max_tokens=8)


@pytest.fixture
def panel(captioner, features, posts, picture):
    images = [str(picture(f"{i}.png")) for i in range(3)]
    frame = pd.DataFrame(
        {"image": images, "text": ["", "Brew <b>day</b>!", "a"], "alt_text": ["one", "two & 2", "three"]}
    )
    return DecodingPanel(captioner, features[:3], frame, SEARCH)


def expected(panel, row, post, search=SEARCH, length=4):
    captioner = with_first_vectors(panel.captioner, length)
    return decode(captioner, panel.features[row : row + 1], [post], search)[0]


def test_it_begins_with_the_first_picture_and_its_candidates(panel):
    assert panel.candidates == expected(panel, 0, "")
    assert len(panel.candidates) == 3 and 'alt="one"' in panel.shown.value


def test_another_picture_brings_its_own_post(panel):
    panel.picture.value = 2
    assert panel.post.value == "Brew <b>day</b>!"
    assert panel.candidates == expected(panel, 1, "Brew <b>day</b>!")
    assert 'alt="two &amp; 2"' in panel.shown.value


def test_a_picture_with_the_same_post_is_decoded_too(panel):
    panel.post.value = "a"
    panel.picture.value = 3
    assert panel.candidates == expected(panel, 2, "a") != expected(panel, 0, "a")


@pytest.mark.parametrize(
    ("control", "value", "search", "length"),
    [
        ("beams", 1, Decoding(beams=1, max_tokens=8), 4),
        ("blocking", False, Decoding(beams=3, block_trigrams=False, max_tokens=8), 4),
        ("prefix", 0, SEARCH, 0),
        ("prefix", 2, SEARCH, 2),
    ],
)
def test_every_control_decodes_again(panel, control, value, search, length):
    getattr(panel, control).value = value
    assert panel.candidates == expected(panel, 0, "", search, length)


def test_its_still_has_no_widget_and_escapes_the_post(panel):
    panel.picture.value = 2
    bundle = panel._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    still = bundle["text/html"]
    assert "live in JupyterLab" in still and "Brew &lt;b&gt;day" in still and "<b>day" not in still
    assert "<table" in still and "4 of 4" in still


def test_there_must_be_a_picture(captioner):
    with pytest.raises(ValueError, match="no picture"):
        DecodingPanel(captioner, torch.empty(0, 8), pd.DataFrame({"image": [], "text": [], "alt_text": []}), SEARCH)
