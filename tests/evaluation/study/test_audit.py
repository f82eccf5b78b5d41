import csv

import pandas as pd
import pytest

from altlib.core.errors import StudyError
from altlib.data.posts import as_posts
from altlib.evaluation.study import audit
from altlib.evaluation.study.answers import NO_CHOICE, write_answers

HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)> & <b>'


def posts_with(texts):
    return as_posts(
        [
            {"item_id": str(i), "post_id": str(i), "alt_text": t, "text": t, "image": "none.png"}
            for i, t in enumerate(texts)
        ]
    )


def fill_in(sheet, answers):
    rows = list(csv.DictReader(sheet.open(encoding="utf-8")))
    for row, answer in zip(rows, answers, strict=True):
        row["fluent"] = answer
    with sheet.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)


def test_the_audit_sheet_is_safe_to_open_and_can_be_counted(tmp_path):
    posts = posts_with(["=HYPERLINK(1)", HOSTILE, "plain text here", "one more"])
    posts.loc[0, "item_id"] = "=1+1"
    sheet, page = audit.write_sheet(posts, tmp_path)
    rows = list(csv.DictReader(sheet.open(encoding="utf-8")))
    assert rows[0]["alt_text"] == "'=HYPERLINK(1)" and rows[0]["item_id"] == "'=1+1" and len(rows) == 4
    assert "<script>alert" not in page.read_text()
    fill_in(sheet, ("Yes ", "no", "", "maybe"))
    report, left_out = audit.report([sheet], posts)
    fluent = report.set_index("question").loc["Is it fluently written?"]
    assert fluent["pictures"] == 2 and fluent["yes (%)"] == 50 and fluent["paper (%)"] == 94.1
    assert left_out.values.tolist() == [[NO_CHOICE, 1]]


def test_a_picture_counts_once_by_the_majority_of_its_raters(tmp_path):
    posts = posts_with(["a boat on the water", "a red chair"])
    study = audit.audit_study(posts)
    for rater, answers in {"a": "yes yes", "b": "yes no", "c": "no no", "d": "yes yes"}.items():
        given = {str(i): {"fluent": answer} for i, answer in enumerate(answers.split())}
        write_answers(tmp_path / f"{rater}.json", study, rater, "", given, {})
    report, _ = audit.report(sorted(tmp_path.glob("*.json")), posts)
    fluent = report.iloc[0]
    assert fluent["answers"] == 8 and fluent["raters"] == 4 and fluent["yes (%)"] == 50


def test_a_sheet_that_lacks_a_question_is_named(tmp_path):
    (tmp_path / "b.csv").write_text("item_id,rater,fluent\n1,a,yes\n")
    with pytest.raises(ValueError, match="lacks the columns descriptive"):
        audit.report([tmp_path / "b.csv"], posts_with(["a boat"]))


def test_a_sheet_that_is_filled_in_keeps_its_answers_when_it_is_written_again(tmp_path):
    posts = posts_with(["=HYPERLINK(1)", "a red chair", "a boat"])
    sheet, _ = audit.write_sheet(posts, tmp_path)
    fill_in(sheet, ("yes", "", "no"))
    audit.write_sheet(posts.iloc[:2], tmp_path)
    rows = list(csv.DictReader(sheet.open(encoding="utf-8")))
    assert [(row["item_id"], row["fluent"]) for row in rows] == [("0", "yes"), ("1", ""), ("2", "no")]
    assert rows[0]["alt_text"] == "'=HYPERLINK(1)"


def test_a_file_that_is_no_sheet_is_not_overwritten(tmp_path):
    (tmp_path / "audit.csv").write_text("my,notes\n1,2\n")
    with pytest.raises(StudyError, match="lacks the columns descriptive, fluent, item_id, rater; move it"):
        audit.write_sheet(posts_with(["a boat"]), tmp_path)


def test_a_post_that_leaves_the_corpus_takes_no_other_out_of_the_sample():
    posts = posts_with([f"text {i}" for i in range(50)])
    before = set(audit.draw_sample(posts, 20, 1)["item_id"])
    left = posts[posts["item_id"] != min(before)]
    assert before - {min(before)} <= set(audit.draw_sample(left, 20, 1)["item_id"])


def test_the_sample_is_random_and_repeatable():
    posts = posts_with([f"text {i}" for i in range(50)])
    a, b = audit.draw_sample(posts, 20, 1), audit.draw_sample(posts, 20, 1)
    assert a.equals(b) and len(a) == 20 and not a["item_id"].equals(posts["item_id"].head(20))
    assert len(audit.draw_sample(posts, 200, 1)) == 50


def test_shares_of_the_audit_are_measured_where_somebody_answered():
    found = pd.DataFrame(
        [
            {"question": audit.QUESTIONS["fluent"], "pictures": 4, "yes (%)": 75.0},
            {"question": audit.QUESTIONS["descriptive"], "pictures": 0, "yes (%)": None},
        ]
    )
    ((name, measured),) = audit.audit_measures(found).items()
    assert name[0] == "audited alt texts that are fluent" and (measured.value, measured.examples) == (75.0, 4)
