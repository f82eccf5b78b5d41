import pandas as pd
import pytest

from altlib.report import figures

HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)> & <b>'


def test_hostile_text_appears_as_text(picture):
    shown = [
        figures.table(pd.DataFrame({HOSTILE: [HOSTILE], "n": [1]}), HOSTILE).data,
        figures.gallery([{"image": str(picture("a.png")), "alt": HOSTILE, HOSTILE: HOSTILE}], HOSTILE).data,
        figures.note(HOSTILE).data,
    ]
    for page in shown:
        assert "<script" not in page and "<img src=x" not in page and "&lt;script&gt;" in page


def test_a_megabyte_of_text_is_cut(picture):
    page = figures.gallery([{"image": str(picture("a.png")), "alt": "x" * 10**6, "Post": "y" * 10**6}], "p").data
    assert "y" * 601 not in page and "999,400 more characters" in page


def test_a_picture_that_cannot_be_shown_says_why(tmp_path):
    assert "Picture not shown: image file is missing." in figures.picture_tag(str(tmp_path / "no.png"), "x", 10)


def test_a_figure_needs_alt_text():
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots()
    axis.plot([1, 2])
    with pytest.raises(ValueError, match="needs alt text"):
        figures.show(figure, " ", "caption")
    assert 'alt="Two &quot;points&quot;"' in figures.show(figure, 'Two "points"', "caption").data


def test_a_table_has_a_caption_and_header_cells():
    page = figures.table(
        pd.DataFrame({"name": ["a"], "share": [0.1234], "n": [1200], "none": [None]}), "What it is"
    ).data
    assert "<caption" in page and page.count('scope="col"') == 4 and page.count('scope="row"') == 1
    assert ">0.12<" in page and ">1,200<" in page and ">–<" in page


def test_line_breaks_of_a_cell_are_kept_and_its_markup_is_not():
    page = figures.table(pd.DataFrame({"a": ["x"], "b": ["1.0\npaper: <b>"]}), "Scores").data
    assert "1.0<br>paper: &lt;b&gt;" in page


def test_a_table_without_rows_says_so():
    shown = figures.table(pd.DataFrame(columns=["a"]), "Scores <of> this run").data
    assert "<table" not in shown and "Scores &lt;of&gt; this run" in shown and "nothing to show" in shown


def test_lines_differ_in_colour_marker_and_dash():
    looks = [figures.series(number) for number in range(len(figures.COLOURS))]
    for part in ("color", "marker", "linestyle"):
        assert len({look[part] for look in looks}) == len(looks)
    assert figures.series(len(looks)) == looks[0]


def test_a_page_says_what_its_numbers_are_numbers_of():
    assert "miniature world" in figures.honest_note("miniworld").data
    assert "the source &#x27;&lt;b&gt;&#x27;" in figures.honest_note("<b>").data
