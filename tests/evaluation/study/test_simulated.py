import pandas as pd
import pytest

from altlib.data.posts import as_posts
from altlib.evaluation.bigrams import BigramFluency
from altlib.evaluation.study import analysis
from altlib.evaluation.study.comparisons import compare_systems, qualification
from altlib.evaluation.study.simulated import simulated_answers
from altlib.miniworld.network import network


@pytest.fixture(scope="module")
def world():
    rows = [
        {
            "item_id": p.item_id,
            "post_id": p.post_id,
            "alt_text": p.alt_text,
            "text": p.text,
            "image": "",
            "facts": p.facts,
        }
        for p in network(3, 60)
        if len(p.alt_text.split()) > 8
    ]
    return as_posts(rows)


def test_simulated_raters_prefer_right_texts_and_the_careless_one_is_left_out(world):
    own = world["alt_text"].tolist()[:40]
    texts = {"right": own, "wrong": own[5:] + own[:5]}
    rounds = [qualification(world.tail(8), 1), compare_systems(world.head(40), texts, [("right", "wrong")], 40, 1)]
    keys = [r.key for r in rounds]
    facts = dict(zip(world["item_id"], world["facts"], strict=True))
    answers = simulated_answers(keys, facts, BigramFluency(own), 4, 0)
    assert set(answers.frame["rater"]) == {f"simulated {i}" for i in range(1, 5)}
    kept = analysis.exclude_raters(answers, pd.concat(keys))
    assert "simulated 4" not in set(kept.frame["rater"]) and kept.frame["rater"].nunique() >= 2
    table = analysis.preference_table(analysis.named_answers(kept, keys[1]), [("right", "wrong")])
    described = table[table["question"] == "descriptiveness"].set_index("preferred")["share (%) [95%]"]
    assert float(described["right"].split()[0]) > 80
