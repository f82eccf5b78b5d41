from altlib.data.sources import registry
from altlib.evaluation.study.of_run import exemplary
from altlib.miniworld.judges import true_facts


def test_alt_texts_of_the_drawn_world_that_were_spoilt_do_not_stand_for_good_ones(tmp_path):
    posts, _ = registry.collect("miniworld", tmp_path, posts=40, seed=3)
    spoilt = {"placeholder", "copies post", "terse", "second caption"}
    how = [true_facts(facts)["noise"] for facts in posts["facts"]]
    assert spoilt & set(how)
    found = exemplary(posts, drawn=True)
    assert len(found) > 10 and not spoilt & {true_facts(facts)["noise"] for facts in found["facts"]}
    assert exemplary(posts, drawn=False).equals(posts)
