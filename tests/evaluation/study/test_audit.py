import csv
import html
import re

import pytest

from altlib.data.posts import as_posts
from altlib.evaluation.study import audit

HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)> & <b>'


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


def test_the_page_shows_pictures_and_says_why_one_cannot_be_shown(picture, tmp_path):
    posts = posts_with(["a boat on the water", "a red chair"])
    posts.loc[0, "image"] = str(picture("boat.png"))
    page = audit.write_sheet(posts, tmp_path)[1].read_text()
    assert page.count('src="data:image/png;base64,') == 1 and page.count("image file is missing.") == 1
    assert "Picture 2 of 2" in page and page.count('type="radio"') == 2 * 2 * len(audit.QUESTIONS)


def test_the_page_saves_ids_as_the_sheet_writes_them(tmp_path):
    posts = posts_with(["a boat on the water"] * 5)
    posts["item_id"] = ["=1+1", "+2", "-3", "@x", "at://did:plc:a/1"]
    sheet, page = audit.write_sheet(posts, tmp_path)
    written = [html.unescape(cell) for cell in re.findall(r'data-item="([^"]*)"', page.read_text())]
    with sheet.open(encoding="utf-8", newline="") as rows:
        assert written == [row["item_id"] for row in csv.DictReader(rows)]
    assert written == ["'=1+1", "'+2", "'-3", "'@x", "at://did:plc:a/1"]
