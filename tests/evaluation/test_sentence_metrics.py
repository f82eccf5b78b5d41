import pytest

from altlib.evaluation.sentence_metrics import SENTENCE_METRICS, four_gram_score, sentence_scores


def test_the_four_gram_score_is_their_precision_times_the_brevity_penalty():
    assert four_gram_score("a b c d e", "a b c d e") == 1
    assert four_gram_score("a b c d x", "a b c d e") == pytest.approx(1 / 2)
    assert four_gram_score("a b c d", "a b c d e f g h") == pytest.approx(2.718281828 ** (1 - 8 / 4))
    assert four_gram_score("a b c", "a b c") == four_gram_score("", "a") == 0


def test_an_equal_text_has_the_highest_scores_and_case_and_marks_count_in_cider():
    gold = ["A red mug on a table.", "Two dogs run on the grass.", "A tall ship at sea near town."]
    found = sentence_scores({"same": gold, "plain": [t.lower().rstrip(".") for t in gold]}, gold)
    bleu, rouge, cider = SENTENCE_METRICS
    assert found["same"][bleu].value == found["same"][rouge].value == 100
    assert found["same"][cider].value == pytest.approx(1000)
    assert found["plain"][rouge].value == 100 and found["plain"][cider].value < 800
    with pytest.raises(ValueError, match="nothing to score"):
        sentence_scores({}, [])
