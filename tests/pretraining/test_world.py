"""What the miniature models are pretrained on."""

from random import Random

import torch

from altlib.miniworld.lexicon import places, things
from altlib.pretraining.world import (
    TEXT_SEED,
    clean_alt_text,
    clipcap_text,
    first_pictures,
    picture_tensor,
    text_documents,
    title,
)


def test_no_document_holds_alt_text_below_its_own_post():
    """What GPT-2 reads before the book must not be the task that the book trains."""
    documents = list(text_documents(60))
    posts = {post.text: post for post in first_pictures(TEXT_SEED + 200, 60)}
    assert len(documents) > 100 and documents == list(text_documents(60))
    for text, post in posts.items():
        assert not any(text in document and clean_alt_text(post) in document for document in documents)


def test_the_first_pictures_of_stories_can_be_asked_for_in_parts():
    whole = first_pictures(5, 6)
    assert [p.item_id for p in whole] == [p.item_id for p in first_pictures(5, 2) + first_pictures(5, 4, start=2)]
    assert picture_tensor(whole).shape == (6, 3, 96, 96) and picture_tensor(whole).dtype == torch.float32


def test_a_title_names_a_thing_or_place_that_is_shown():
    nouns = {noun for thing in things().values() for noun in thing.nouns} | {
        n for p in places().values() for n in p.nouns
    }
    for post in first_pictures(6, 80):
        words = title(post, Random(0))
        assert post.scene.form not in ("photo", "artwork") or any(noun in words for noun in nouns), words


def test_clipcap_reads_descriptions_captions_and_in_its_first_passes_an_archive():
    posts = first_pictures(7, 60)
    written = [clipcap_text(post) for post in posts]
    described = sum(text == clean_alt_text(post) for text, post in zip(written, posts, strict=True))
    assert all(text in (post.caption, clean_alt_text(post)) for text, post in zip(written, posts, strict=True))
    assert 30 < described < 55
    assert all(clipcap_text(post, catalogue=1.0) not in (post.caption, clean_alt_text(post)) for post in posts)
