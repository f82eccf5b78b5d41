import pandas as pd
import pytest

from altlib import cleaning
from altlib.posts import as_posts


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
    _, log = cleaning.clean(as_posts([post]), check_pictures=False)
    return next((s["step"] for s in log.steps if s["action"] == "left out" and s["pictures"]), "")


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
    assert cleaning.strip_leading_phrase(before) == after


def test_of_identical_alt_texts_the_oldest_stays():
    rows = [
        {"item_id": str(i), "post_id": str(i), "alt_text": text, "image": "x", "created_at": when}
        for i, (text, when) in enumerate(
            [
                ("The same four words", "2022-07-02T00:00:00+00:00"),
                ("the same  FOUR words", "2022-07-01T00:00:00Z"),
                ("the same four words", ""),
                ("Quite another four words", ""),
            ]
        )
    ]
    kept, log = cleaning.clean(as_posts(rows), check_pictures=False)
    assert set(kept["item_id"]) == {"1", "3"}
    assert log.excluded[-1]["item_id"].tolist() == ["0", "2"]


def test_every_picture_is_kept_or_listed_once(tmp_path):
    from altlib.sources import collect

    raw, _ = collect("miniworld", tmp_path, posts=150, seed=9)
    kept, log = cleaning.clean(pd.concat([raw, raw.head(3)]))
    result = log.result(kept)
    assert len(result.posts) + len(result.excluded) == len(raw) + 3
    assert (result.excluded["reason"] == "id seen before").sum() == 3
    # Every way in which the miniature world spoils alt text is found.
    found = set(result.excluded["reason"])
    assert found >= {
        "placeholder",
        "URL",
        "user handle",
        "hashtag",
        "too short",
        "not English",
        "repost",
        "not a still image",
        "identical alt text",
    }


def test_unreadable_pictures_are_counted_by_reason(tmp_path, picture):
    (tmp_path / "empty.png").write_bytes(b"")
    rows = [
        {"item_id": str(i), "post_id": str(i), "alt_text": f"A thing with number {i}", "image": str(p)}
        for i, p in enumerate([picture("a.png"), tmp_path / "empty.png", tmp_path / "none.png"])
    ]
    kept, log = cleaning.clean(as_posts(rows))
    assert kept["item_id"].tolist() == ["0"]
    assert {s["step"]: s["pictures"] for s in log.steps if s["meaning"] == "the picture cannot be used"} == {
        "image file is empty": 1,
        "image file is missing": 1,
    }


@pytest.mark.parametrize(
    "before,after",
    [
        ("Maria Garcia holding a cup", "person holding a cup"),
        ("A cup, with Mohammed Okafor.", "A cup, with person."),
        ("George W. Bush at a desk", "person at a desk"),
        ("Tom smiles", "person smiles"),
        ("Ravenscar summer fair, 6 June", "Ravenscar summer fair, 6 June"),
        ("Grace Church Hall", "Grace Church Hall"),
        ("Mark the date", "Mark the date"),
    ],
)
def test_the_gazetteer_replaces_names(before, after):
    assert cleaning.replace_names(before, cleaning.gazetteer)[0] == after


def test_a_transformers_recogniser_is_pluggable(tmp_path, tokenizer):
    import torch
    from transformers import BertConfig, BertForTokenClassification, PreTrainedTokenizerFast

    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        id2label={0: "O", 1: "B-PER"},
        label2id={"O": 0, "B-PER": 1},
    )
    model = BertForTokenClassification(config)
    with torch.no_grad():
        model.classifier.weight.zero_()
        model.classifier.bias.copy_(torch.tensor([0.0, 5.0]))  # everything is a person
    model.save_pretrained(tmp_path)
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer.backend_tokenizer, pad_token=tokenizer.pad_token
    ).save_pretrained(tmp_path)
    text, count = cleaning.replace_names("cup", cleaning.name_recogniser(str(tmp_path)))
    assert count >= 1 and "person" in text


def test_a_recogniser_that_is_not_there_says_what_to_download():
    from altlib.backbones import BackboneError

    with pytest.raises(BackboneError, match="nobody/nothing.*huggingface-cli download"):
        cleaning.name_recogniser("nobody/nothing")


@pytest.mark.parametrize(
    ("alt_text", "post", "reason"),
    [
        ("🚋🌧️ ✨ !!!", "Rain", "no words"),
        ("waiting for the tram in the rain", "Still waiting for the tram in the RAIN, again", "repeats the post"),
        ("Brew day at last for all of us!", "Brew day at last, for all of us", "repeats the post"),
        ("Ein roter Becher steht auf dem alten Tisch am Fenster", "New cup", "identified as another language"),
    ],
)
def test_the_further_checks_leave_out_what_describes_nothing(alt_text, post, reason):
    rows = [("1", post, alt_text), ("2", "Look what I found", "Two growlers on a red cloth beside a map")]
    posts = as_posts([{"item_id": i, "post_id": i, "text": t, "alt_text": a, "image": "x"} for i, t, a in rows])
    kept, log = cleaning.clean(posts, minimum_tokens=1, check_pictures=False, further=True)
    assert kept["item_id"].tolist() == ["2"]
    # The paper's own filters know the second alt text: it is the post.
    assert log.result(kept).excluded["reason"].tolist() == ["same as the post" if alt_text == post else reason]
    assert len(cleaning.clean(posts, minimum_tokens=1, check_pictures=False)[0]) == 2


def test_a_description_that_shares_words_with_its_post_is_kept():
    assert not cleaning.repeats_post("A tram in the rain, seen from the bridge, its lights on", "The tram in the rain")
    assert not cleaning.repeats_post("", "x") and not cleaning.repeats_post("x y", "")
