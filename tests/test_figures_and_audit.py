import csv

import pandas as pd
import pytest

from altlib.data.posts import as_posts
from altlib.evaluation.study import audit
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


def posts_with(texts):
    return as_posts(
        [
            {"item_id": str(i), "post_id": str(i), "alt_text": t, "text": t, "image": "none.png"}
            for i, t in enumerate(texts)
        ]
    )


def test_the_audit_sheet_is_safe_to_open_and_can_be_counted(tmp_path):
    sheet, page = audit.write_sheet(posts_with(["=HYPERLINK(1)", HOSTILE, "plain text here"]), tmp_path)
    rows = list(csv.DictReader(sheet.open(encoding="utf-8")))
    assert rows[0]["alt_text"] == "'=HYPERLINK(1)" and len(rows) == 3
    assert "<script>alert" not in page.read_text()
    for row, answer in zip(rows, ("yes", "no", ""), strict=True):
        row["fluent"] = answer
    with sheet.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    summary = audit.summarise(sheet).set_index("question").loc["Is it fluently written?"]
    assert summary["answered"] == 2 and summary["yes (%)"] == 50 and summary["unanswered"] == 1


def test_odd_answers_are_named(tmp_path):
    (tmp_path / "a.csv").write_text("item_id,fluent,descriptive\n1,maybe,yes\n")
    with pytest.raises(ValueError, match="must hold yes or no, not 'maybe'"):
        audit.summarise(tmp_path / "a.csv")
    (tmp_path / "b.csv").write_text("item_id,fluent\n1,yes\n")
    with pytest.raises(ValueError, match="lacks the column 'descriptive'"):
        audit.summarise(tmp_path / "b.csv")


def test_the_sample_is_random_and_repeatable():
    posts = posts_with([f"text {i}" for i in range(50)])
    a, b = audit.draw_sample(posts, 20, 1), audit.draw_sample(posts, 20, 1)
    assert a.equals(b) and len(a) == 20 and not a["item_id"].equals(posts["item_id"].head(20))
    assert len(audit.draw_sample(posts, 200, 1)) == 50


def test_a_table_without_rows_says_so():
    shown = figures.table(pd.DataFrame(columns=["a"]), "Scores <of> this run").data
    assert "<table" not in shown and "Scores &lt;of&gt; this run" in shown and "nothing to show" in shown
