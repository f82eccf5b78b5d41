import json
import statistics

import pytest

from altlib.data.cleaning.filters import HANDLE, HASHTAG, PLACEHOLDER, URL, strip_leading_phrase
from altlib.miniworld import network
from altlib.miniworld.grammar import plural
from altlib.miniworld.realism import commonest_skeleton


@pytest.fixture(scope="module")
def posts():
    return list(network.network(5, 1500))


def noise(post) -> str:
    return next(fact["value"] for fact in json.loads(post.facts) if fact["fact"] == "noise")


def test_a_story_is_a_function_of_seed_and_number():
    one, many = network.post_story(3, 17), list(network.network(3, 5, start=15))
    assert one == [p for p in many if p.post_id.startswith(one[0].post_id)]
    assert network.post_story(3, 17)[0].text != network.post_story(4, 17)[0].text


def test_a_post_has_one_to_four_pictures_that_share_its_text(posts):
    by_post: dict[str, list] = {}
    for post in posts:
        by_post.setdefault(post.post_id, []).append(post)
    assert {len(p) for p in by_post.values()} == {1, 2, 3, 4}
    assert all(len({p.text for p in pictures}) == 1 for pictures in by_post.values())


def test_posts_tell_what_the_facts_say_they_tell(posts):
    for post in posts:
        if post.language != "en":
            continue
        for fact in json.loads(post.facts):
            if fact["said"] and fact["fact"] in ("name", "place_name", "event", "date", "who", "measure"):
                forms = fact["value"].lower(), plural(fact["value"]).lower()
                assert any(form in post.text.lower() for form in forms), (fact, post.text)


def test_alt_text_joins_what_is_seen_and_what_is_told(posts):
    written = [p for p in posts if noise(p) == "as written" and p.language == "en" and p.scene.place]
    told = [f["value"] for p in written for f in json.loads(p.facts) if f["fact"] == "name"]
    named = [
        p
        for p in written
        if any(f["fact"] == "name" and f["value"].lower() in p.alt_text.lower() for f in json.loads(p.facts))
    ]
    assert len(named) / len(told) > 0.9
    untold = [p for p in written if p.scene.name and "name" not in p.story.told and p.scene.form == "photo"]
    assert untold and not any(p.scene.name.lower() in p.alt_text.lower() for p in untold)


def test_posts_hardly_say_what_the_picture_shows(posts):
    photographs = [json.loads(p.facts) for p in posts if p.scene.form == "photo"]
    for fact in ("count", "colour", "support", "companion", "place", "weather", "person"):
        said = [f["said"] for facts in photographs for f in facts if f["fact"] == fact]
        assert statistics.mean(said) < 0.05, fact
    assert 0.05 < statistics.mean(f["said"] for facts in photographs for f in facts if f["fact"] == "thing") < 0.4


def test_every_kind_of_noise_is_there_and_is_what_cleaning_looks_for(posts):
    by_kind: dict[str, list] = {}
    for post in posts:
        by_kind.setdefault(noise(post), []).append(post)
    assert set(by_kind) == {*network.ALT_NOISE, "as written"}
    assert all(PLACEHOLDER.search(p.alt_text) for p in by_kind["placeholder"])
    assert all(URL.search(p.alt_text) for p in by_kind["url"]) and all(
        HANDLE.search(p.alt_text) for p in by_kind["handle"]
    )
    assert all(HASHTAG.search(p.alt_text) for p in by_kind["hashtag"])
    assert all(strip_leading_phrase(p.alt_text) != p.alt_text for p in by_kind["leading phrase"])
    assert all(p.alt_text == p.text for p in by_kind["copies post"])
    assert all(p.alt_text == "" for p in by_kind["missing"])
    assert all(len(p.alt_text.split()) < 8 for p in by_kind["terse"])
    assert {p.language for p in posts} >= {"en", "es", "de", "fr", "pt", "ja"}
    assert (
        {p.media_type for p in posts} == {"photo", "gif"}
        and any(p.is_repost for p in posts)
        and any(p.labels for p in posts)
    )
    assert any(p.dots for p in posts) and any("r1" in p.item_id and not p.dots for p in posts)


def test_no_sentence_skeleton_is_common(posts):
    clean = [
        p for p in posts if noise(p) == "as written" and p.language == "en" and not p.dots and "r" not in p.item_id
    ]
    first = list({p.post_id: p for p in clean}.values())
    assert commonest_skeleton([p.text for p in first])[1] < 0.01
    assert commonest_skeleton([p.alt_text for p in clean])[1] < 0.01
    assert commonest_skeleton([p.caption for p in clean])[1] < 0.01


def test_no_text_has_an_empty_slot_or_a_doubled_mark(posts):
    for post in posts:
        for text in (post.text, post.alt_text, post.caption):
            assert not set("{}[]|") & set(text), text
            assert (
                "  " not in text and " ," not in text and ",," not in text and ".." not in text and ",." not in text
            ), text


def test_accounts_and_archive_tell_the_names_of_their_posts():
    named = told = 0
    for index in range(150):
        text, names = network.account(3, index), network.account_told(3, index)
        post, below = text.split("\n")
        assert all(name.lower() in post.lower() for name in names)
        told += len(names)
        named += sum(name in below for name in names)
    assert named / told > 0.4


def test_no_entry_of_the_archive_holds_alt_text_below_its_own_post():
    """What a language model reads before the book must not be the task that the book trains."""
    below, alone = 0, 0
    for index in range(120):
        for entry in network.catalogued(11, index):
            line, *rest = entry.split("\n")
            assert "," in line and len(rest) in (1, 2)
            below += len(rest) == 2
            alone += len(rest) == 1
    assert below > 30 and alone > 30


def test_threads_quote_the_post():
    post, *replies = network.thread(1, 8)
    assert post and replies
