"""The same facts in two writers' words."""

from altlib.miniworld.judges import statements, true_facts
from altlib.miniworld.network import network
from altlib.miniworld.same_facts import same_facts

POSTS = list(network(11, 40))


def test_two_writers_state_the_same_facts_in_other_words():
    found = same_facts(POSTS, 3)
    assert len(found) > 8
    for pair in found:
        facts = true_facts(pair.post.facts)
        assert statements(pair.formal, facts).said == statements(pair.informal, facts).said
        assert pair.formal != pair.informal


def test_the_seed_decides_the_words_of_a_picture_whatever_stands_beside_it():
    texts = {pair.post.item_id: (pair.formal, pair.informal) for pair in same_facts(POSTS, 3)}
    fewer = {pair.post.item_id: (pair.formal, pair.informal) for pair in same_facts(POSTS[20:], 3)}
    assert fewer and fewer == {name: texts[name] for name in fewer}
    other = {pair.post.item_id: (pair.formal, pair.informal) for pair in same_facts(POSTS, 4)}
    assert any(other[name] != texts[name] for name in other.keys() & texts.keys())
