"""The page as raters use it: by keyboard alone, offline."""

import csv
import json

from altlib.evaluation.study import audit
from altlib.evaluation.study.answers import Expected, merge_answers
from altlib.evaluation.study.comparisons import compare_systems
from altlib.evaluation.study.page import study_page, write_page
from tests.browser import accessibility_violations, browser_context

HOSTILE = '"><script>document.title="owned"</script><img src=x onerror=alert(2)>'


def press(page, *keys):
    for key in keys:
        page.keyboard.press(key)


def focused(page) -> str:
    return page.evaluate("document.activeElement.textContent.trim() || document.activeElement.id")


def answer_shown(page, *downs: int):
    """Answer the questions of the shown picture by Tab and the arrow keys, then go on."""
    for down in downs:
        press(page, "Tab", "Space", *["ArrowDown"] * down)
    press(page, "Tab", "Tab")
    assert focused(page) == "Next"
    press(page, "Enter")


def save(page, button: str):
    """Press a button of the last page and return the file that it saves."""
    while focused(page) != button:
        press(page, "Tab")
    with page.expect_download() as download:
        press(page, "Enter")
    return download.value


def test_a_rater_fills_the_study_by_keyboard_from_start_to_end(posts, texts, tmp_path):
    study = compare_systems(posts.assign(text=HOSTILE), texts, [("ours", "clipcap")], 3, 1).study
    write_page(study, tmp_path / "study.html")
    address = (tmp_path / "study.html").as_uri()
    with browser_context(tmp_path / "profile") as context:
        page = context.new_page()
        page.goto(address)
        assert accessibility_violations(page) == []
        page.keyboard.press("Tab")
        page.keyboard.type("=ann")
        press(page, "Enter")
        assert focused(page) == "Picture 1 of 3"
        assert accessibility_violations(page) == []
        answer_shown(page, 0, 1)
        assert focused(page) == "Picture 2 of 3"
        press(page, "Tab", "Space")
        page.close()  # a closed tab, in the middle of a picture

        page = context.new_page()
        page.goto(address)
        press(page, "Tab", "Enter")
        assert focused(page) == "Picture 2 of 3"
        press(page, "Tab", "Tab", "Tab", "Tab", "Enter")  # past both questions and Back
        assert page.locator("form.item:not([hidden]) [role=alert]").text_content() == "Please answer every question."
        assert page.evaluate("document.activeElement.name") == "descriptiveness"
        press(page, "Space", "Tab", "Tab", "Enter")
        answer_shown(page, 2, 2)
        assert focused(page) == "The end"
        assert accessibility_violations(page) == []
        assert "3 of 3" in page.locator("#count").text_content()
        assert page.title() == study.title
        save(page, "Save the answers (JSON)").save_as(tmp_path / "answers.json")
        save(page, "Save the answers (CSV)").save_as(tmp_path / "answers.csv")
        assert page.locator("#saved").text_content().endswith(".csv.")

    content = json.loads((tmp_path / "answers.json").read_text())
    assert content["study"] == study.study_id and content["rater"] == "=ann"
    given = [tuple(item["answers"].values()) for item in content["items"]]
    assert given == [("first", "second"), ("first", "first"), ("equal", "equal")]
    with (tmp_path / "answers.csv").open(newline="") as file:
        assert next(csv.DictReader(file))["rater"] == "'=ann"
    by_file = [merge_answers([tmp_path / name], Expected.of([study])) for name in ("answers.json", "answers.csv")]
    columns = ["rater", "item_id", "question", "answer"]
    assert by_file[0].frame[columns].equals(by_file[1].frame[columns]) and not by_file[0].left_out
    assert (by_file[0].frame["seconds"] >= 0).all()


def test_a_platform_may_name_the_rater_in_the_address(posts, tmp_path):
    write_page(audit.audit_study(posts), tmp_path / "study.html", completion_code="C0DE")
    with browser_context(tmp_path / "profile") as context:
        page = context.new_page()
        page.goto((tmp_path / "study.html").as_uri() + "?PROLIFIC_PID=abc123")
        assert page.locator("#rater").input_value() == "abc123"
        assert "C0DE" in page.locator("#end").inner_html()


def test_texts_of_posts_are_escaped_and_pictures_that_cannot_be_shown_say_why(posts):
    page = study_page(audit.audit_study(posts.assign(text=HOSTILE, alt_text=HOSTILE)))
    assert "<script>document.title" not in page and "<img src=x" not in page
    assert page.count('src="data:image/png;base64,') == len(posts) - 1
    assert page.count("image file is missing.") == 1
