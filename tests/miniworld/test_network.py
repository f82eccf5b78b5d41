"""Stories, posts and accounts of the miniature network."""

import numpy as np

from altlib.miniworld.lexicon import topics
from altlib.miniworld.network import account, account_places, network, post_story, thread


def test_a_story_is_a_function_of_seed_and_number():
    a, b = post_story(3, 17), list(network(3, 5, start=15))
    assert [p.item_id for p in a] == [p.item_id for p in b if p.item_id.startswith(a[0].post_id)]
    assert np.array_equal(np.asarray(a[0].draw()), np.asarray(post_story(3, 17)[0].draw()))
    assert post_story(3, 17)[0].text != post_story(4, 17)[0].text


def test_a_post_has_one_to_four_pictures_that_share_its_text():
    posts: dict[str, list] = {}
    for p in network(2, 200):
        posts.setdefault(p.post_id, []).append(p)
    sizes = {len(ps) for ps in posts.values()}
    assert sizes == {1, 2, 3, 4}
    assert all(len({p.text for p in ps}) == 1 for ps in posts.values())


def test_threads_quote_the_post():
    post, *replies = thread(1, 8)
    assert replies and post


def test_an_account_names_what_the_post_tells():
    for index in range(40):
        post, below = account(3, index).split("\n")
        for place in account_places(3, index):
            assert place in below
            assert place.lower() in post.lower()


def test_no_entry_of_the_archive_holds_alt_text_below_its_own_post():
    """What GPT-2 reads before the book must not be the task that the book trains."""
    from altlib.miniworld.network import catalogued

    told, alone = 0, 0
    for index in range(80):
        for entry in catalogued(11, index):
            line, *rest = entry.split("\n")
            assert line.count(",") >= 1 and len(rest) in (1, 2)
            told += len(rest) == 2
            alone += len(rest) == 1
            assert len(rest) == 1 or not any(side in rest[1].lower() for side in ("on the left", "on the right"))
    assert told > 40 and alone > 20


def test_a_word_list_says_what_its_topic_calls_things():
    from altlib.miniworld.network import word_list
    from altlib.miniworld.writers import plain_name

    called = {name: {plain_name(g): kind for g, kind in topic.kinds.items()} for name, topic in topics().items()}
    seen = set()
    for index in range(60):
        head, *lines = word_list(3, index).split("\n")
        pairs = dict(line.split(": ") for line in lines)
        fitting = {name for name, words in called.items() if pairs.items() <= words.items()}
        assert head and len(pairs) == 8 and fitting
        seen |= fitting
    assert len(seen) > 15 and word_list(3, 0) == word_list(3, 0)
