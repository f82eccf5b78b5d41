import numpy as np
import pytest

from altlib.miniworld.fact_errors import CAPTION, ERRORS, errors_in, right_and_wrong, scene_of
from altlib.miniworld.network import network

POSTS = [post for post in network(5, 60) if post.scene.form == "photo"]


def test_the_scene_of_a_picture_is_found_again_by_its_id():
    for post in network(5, 20):
        assert scene_of(post.item_id) == (post.story, post.scene)
    assert scene_of("mcm-dpo-twitter_train-5") is None and scene_of("5-000001-99") is None


@pytest.mark.parametrize("error", ERRORS)
def test_the_wrong_text_makes_its_error_and_the_right_text_seldom_does(error):
    wrong, right, pairs = [], [], 0
    for post in POSTS:
        pair = right_and_wrong(post.item_id, error, 0)
        if pair is None:
            continue
        pairs += 1
        assert pair[0] != pair[1]
        found = [errors_in(text, post.facts)[error] for text in pair]
        right.append(found[0])
        wrong.append(found[1])
    assert pairs >= 20
    # about one caption in ten mentions nothing that is seen
    assert np.mean(right) < 0.05 and np.mean(wrong) > (0.05 if error == CAPTION else 0.99)


def test_a_pair_differs_in_few_words_but_for_captions():
    for error in ERRORS[:2]:
        pairs = [pair for post in POSTS if (pair := right_and_wrong(post.item_id, error, 0))]
        shared = [len(set(a.split()) & set(b.split())) / len(set(a.split())) for a, b in pairs]
        assert np.mean(shared) > 0.7


def test_pairs_follow_from_picture_error_and_seed():
    item = POSTS[0].item_id
    assert right_and_wrong(item, CAPTION, 0) == right_and_wrong(item, CAPTION, 0)
    with pytest.raises(ValueError, match="unknown kind of error 'typo'; known: wrong count"):
        right_and_wrong(item, "typo", 0)


def test_nothing_is_known_of_other_pictures():
    assert errors_in("Two dogs.", "") == {} and right_and_wrong("abc", CAPTION, 0) is None
