from altlib.evaluation.bigrams import BigramFluency

MODEL = BigramFluency(["A boat on the river.", "A boat lies on the quay.", "The river lies in the sun."])


def test_word_order_and_known_words_count():
    score = MODEL.score
    assert score("A boat on the quay.") > score("quay the on boat A.") > score("Zyx wvu tsr.")


def test_an_empty_text_is_less_fluent_than_a_sentence():
    assert MODEL.score("") < MODEL.score("A boat on the river.")
