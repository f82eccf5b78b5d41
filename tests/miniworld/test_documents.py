"""Posters, charts, maps, screenshots, cards and receipts."""

from dataclasses import replace
from random import Random

import numpy as np
import pytest
from PIL import Image, ImageDraw

from altlib.miniworld.documents import ink_on, trend_heights, write_lines
from altlib.miniworld.glyphs import colour_code
from altlib.miniworld.lexicon import lexicon
from altlib.miniworld.render import render
from altlib.miniworld.scene import sample_story

FORMS = ("poster", "chart", "map", "screenshot", "card", "receipt")


@pytest.fixture(scope="module")
def documents():
    found = {}
    for i in range(1500):
        scene = sample_story(str(i), Random(f"document/{i}")).scenes[0]
        found.setdefault(scene.form, []).append(scene)
    return {form: found[form] for form in FORMS}


def test_every_document_has_its_colour(documents):
    for form, scenes in documents.items():
        for scene in scenes[:10]:
            pixels = np.asarray(render(scene)).reshape(-1, 3)
            if scene.detail != "pie":
                assert (pixels == colour_code(scene.colour)).all(1).sum() > 40, (form, scene)


def test_words_and_details_are_drawn(documents):
    for form in ("poster", "map", "card", "receipt", "screenshot"):
        scene = documents[form][0]
        assert render(scene).tobytes() != render(replace(scene, words="£1.11, 3 May")).tobytes()
    for form in ("chart", "screenshot"):
        scene = documents[form][0]
        assert len({render(replace(scene, detail=d)).tobytes() for d in lexicon()["details"][form]}) > 2


def test_the_shape_of_a_chart_is_its_trend():
    heights = {trend: trend_heights(trend, Random(0)) for trend in lexicon()["trends"]}
    assert heights["up"][0] < 0.1 and heights["up"][-1] > 0.9
    assert heights["down"][0] > 0.9 and heights["down"][-1] < 0.1
    assert heights["peak"][3] > 0.9 > 0.2 > heights["peak"][0]
    assert heights["dip"][3] < 0.1 < 0.8 < heights["dip"][0]
    assert max(heights["flat"]) - min(heights["flat"]) < 0.1


def test_ink_can_be_read_on_every_colour():
    for colour in lexicon()["colours"]:
        ground = np.array(colour_code(colour)) @ (0.3, 0.59, 0.11)
        assert abs(ground - (29 if ink_on(colour) == "#1d1d1f" else 255)) > 90, colour


def test_long_words_are_written_smaller_and_stay_inside():
    for words in ("Not today", "Quarryfield Magna Charity Auction"):
        image = Image.new("RGB", (96, 96), "white")
        write_lines(ImageDraw.Draw(image), words, 48, 20, (80, 30), "black")
        rows, columns = np.nonzero((np.asarray(image) < 128).any(-1))
        assert columns.min() >= 8 and columns.max() <= 88 and rows.max() <= 51
