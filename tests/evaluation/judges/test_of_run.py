import pandas as pd

from altlib.evaluation.judges import of_run
from altlib.evaluation.judges.facts import FactsJudge
from altlib.evaluation.judges.interface import JudgedText
from altlib.miniworld.network import network

KEY = pd.DataFrame(
    {
        "item_id": ["a", "b", "c"],
        "source_item": ["1", "2", "1"],
        "first_text": ["x", "yy", "z"],
        "second_text": ["u", "v", "w"],
    }
)


def test_the_majority_of_the_raters_counts_and_a_tie_is_equal():
    answers = [("a", "first"), ("a", "first"), ("a", "second"), ("b", "first"), ("b", "second")]
    named = pd.DataFrame(answers, columns=["item_id", "answer"]).assign(question="descriptiveness")
    assert of_run.people_verdicts(named, KEY, "descriptiveness").tolist() == ["first", "equal", ""]
    assert of_run.people_verdicts(named, KEY, "fluency").tolist() == ["", "", ""]


def test_texts_come_with_what_is_known_of_their_pictures():
    posts = pd.DataFrame(
        {"item_id": [1, 2], "image": ["1.png", "2.png"], "text": "p", "alt_text": ["g1", "g2"], "facts": ""}
    )
    first, second = of_run.texts_of_key(KEY, posts)
    assert [(t.text, t.image, t.reference) for t in first] == [
        ("x", "1.png", "g1"),
        ("yy", "2.png", "g2"),
        ("z", "1.png", "g1"),
    ]
    assert [t.text for t in second] == ["u", "v", "w"]
    assert of_run.longer_text(first).tolist() == [1, 2, 1]


def test_two_writers_with_the_same_facts_are_equal_to_the_judge_of_facts():
    posts = pd.DataFrame([{"item_id": p.item_id, "image": f"{p.item_id}.png"} for p in network(11, 40)])
    formal, informal = of_run.same_facts_texts(posts, 11, 40)
    assert len(formal) == len(informal) > 8
    assert [t.image for t in formal] == [t.image for t in informal] and all(
        a.text != b.text for a, b in zip(formal, informal, strict=True)
    )
    assert set(FactsJudge().compare(formal, informal).preferred) == {"equal"}


def test_the_facts_prefer_the_text_that_states_them():
    posts = [post for post in network(11, 40) if post.scene.form == "photo"][:6]
    right = [JudgedText(post.alt_text, facts=post.facts) for post in posts]
    silent = [JudgedText("Hello there.", facts=post.facts) for post in posts]
    assert of_run.facts_verdicts(right, silent).tolist() == ["first"] * 6
    unknown = JudgedText("A cup.")
    assert of_run.facts_verdicts([right[0], unknown], [silent[0], unknown]).tolist() == ["first", ""]
    assert not len(of_run.facts_verdicts([unknown], [unknown]))


def test_without_an_address_no_language_model_judges(tmp_path):
    assert of_run.language_model_judge("", "x", "KEY", (0.0, 0.0), "", tmp_path / "r") is None
    judge = of_run.language_model_judge("http://localhost:1/v1", "tiny", "KEY", (1.0, 2.0), "", tmp_path / "r")
    assert judge.name == "tiny" and (judge.endpoint.dollars_in, judge.endpoint.dollars_out) == (1.0, 2.0)
    assert of_run.plain_judge(True, tmp_path).name == "facts"
