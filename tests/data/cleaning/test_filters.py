from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pytest

from altlib.data.cleaning import filters, pipeline
from altlib.data.posts import as_posts


def reason(alt_text, **fields) -> str:
    """Why one picture with this alt text is left out, or an empty string."""
    post = {
        "item_id": "a",
        "post_id": "p",
        "alt_text": alt_text,
        "text": "A post about a growler.",
        "image": "x.png",
        "language": "en",
    } | fields
    with TemporaryDirectory() as folder:
        _, log = pipeline.clean([as_posts([post])], Path(folder), check_pictures=False)
    return next((s["step"] for s in log.steps.values() if s["action"] == "left out" and s["pictures"]), "")


@pytest.mark.parametrize(
    "alt_text,expected",
    [
        ("Two growlers on a red cloth.", ""),
        ("Image", "placeholder"),
        ("alt text", "placeholder"),
        ("IMG_2041.jpg", "placeholder"),
        ("Image may contain text", "placeholder"),
        ("  ", "no alt text"),
        ("", "no alt text"),
        ("A growler, see https://x.example/1", "URL"),
        ("A growler from www.brew.com here", "URL"),
        ("A growler by @brewer on a table", "user handle"),
        ("A growler on a table #HomeBrew", "hashtag"),
        ("Mail me at a.b@c for more words", ""),
        ("A C# compiler error on screen", ""),
        ("Just three words", "too short"),
        ("a POST about  a growler.", "same as the post"),
        ("Image of growlers", "too short"),
        ("x " * 6000, "text too long"),
    ],
)
def test_each_filter_takes_out_what_it_should(alt_text, expected):
    assert reason(alt_text) == expected


@pytest.mark.parametrize(
    "fields,expected",
    [
        ({"is_repost": True}, "repost"),
        ({"media_type": "gif"}, "not a still image"),
        ({"language": "de"}, "not English"),
        ({"language": "en-GB"}, ""),
        ({"language": ""}, ""),
        ({"labels": "nudity"}, "sensitive label"),
    ],
)
def test_posts_that_are_not_collected(fields, expected):
    assert reason("Two growlers on a red cloth.", **fields) == expected


@pytest.mark.parametrize(
    "before,after",
    [
        ("Image of a cat on a mat", "A cat on a mat"),
        ("a photo of a cat", "a cat"),
        ("An image showing: two dogs", "Two dogs"),
        ("Screenshot of a map", "Screenshot of a map"),
        ("Images often mislead", "Images often mislead"),
        ("Photography class", "Photography class"),
    ],
)
def test_leading_phrases_are_stripped(before, after):
    assert filters.strip_leading_phrase(before) == after


@pytest.mark.parametrize(
    ("alt_text", "post", "reason"),
    [
        ("🚋🌧️ ✨ !!!", "Rain", "no words"),
        ("waiting for the tram in the rain", "Still waiting for the tram in the RAIN, again", "repeats the post"),
        ("Brew day at last for all of us!", "Brew day at last, for all of us", "repeats the post"),
        ("Ein roter Becher steht auf dem alten Tisch am Fenster", "New cup", "identified as another language"),
    ],
)
def test_the_further_checks_leave_out_what_describes_nothing(tmp_path, alt_text, post, reason):
    rows = [("1", post, alt_text), ("2", "Look what I found", "Two growlers on a red cloth beside a map")]
    posts = as_posts([{"item_id": i, "post_id": i, "text": t, "alt_text": a, "image": "x"} for i, t, a in rows])
    kept, log = pipeline.clean([posts], tmp_path, minimum_tokens=1, check_pictures=False, further=True)
    assert kept.index["item_id"].tolist() == ["2"]
    # The paper's own filters know the second alt text: it is the post.
    assert pd.concat(log.excluded())["reason"].tolist() == ["same as the post" if alt_text == post else reason]
    assert len(pipeline.clean([posts], tmp_path, minimum_tokens=1, check_pictures=False)[0].index) == 2


def test_a_description_that_shares_words_with_its_post_is_kept():
    assert not filters.repeats_post("A tram in the rain, seen from the bridge, its lights on", "The tram in the rain")
    assert not filters.repeats_post("", "x") and not filters.repeats_post("x y", "")
