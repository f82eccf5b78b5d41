import json

import numpy as np

from altlib.evaluation.judges.facts import NO_FACTS, FactsJudge
from altlib.evaluation.judges.interface import JudgedText
from altlib.miniworld.network import network


def judged(text: str, facts: str) -> JudgedText:
    return JudgedText(text, facts=facts)


def test_more_right_facts_rate_higher_and_wrong_ones_lower():
    facts = json.dumps([{"fact": "thing", "value": "apple"}, {"fact": "place", "value": "kitchen"}])
    said = ("an apple in a kitchen", "an apple", "an apple in a garden", "so proud of this")
    texts = [judged(t, facts) for t in said]
    scores = FactsJudge().rate(texts).scores
    assert scores["completeness"].tolist() == [5, 3, 3, 1]
    assert scores["accuracy"].tolist() == [5, 5, 3, 1]
    assert FactsJudge().compare(texts[:1], texts[2:3]).preferred.tolist() == ["first"]


def test_writers_alt_text_rates_above_another_pictures():
    posts = [p for p in network(5, 60) if len(p.alt_text.split()) > 8]
    own = FactsJudge().rate([judged(p.alt_text, p.facts) for p in posts])
    other = FactsJudge().rate([judged(q.alt_text, p.facts) for p, q in zip(posts, posts[1:] + posts[:1], strict=True)])
    assert (own.overall > other.overall).mean() > 0.8


def test_pictures_without_known_facts_are_not_judged():
    found = FactsJudge().rate([judged("a boat", "")])
    assert found.failures == [NO_FACTS] and np.isnan(found.overall[0])
    assert FactsJudge().compare([judged("a", "")], [judged("b", "")]).preferred.tolist() == [""]
