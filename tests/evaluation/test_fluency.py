import numpy as np
import pytest
import torch

from altlib.evaluation.fluency import perplexity, repeated_share, token_log_likelihoods
from altlib.models.language import load_language_model

TEXTS = ["Two growlers on a red cloth.", "a mug", ""]


def test_perplexity_is_that_of_the_language_model_with_the_end(tokenizer):
    from tests.conftest import small_gpt2

    model = small_gpt2(tokenizer)
    found = token_log_likelihoods(TEXTS, tokenizer, model, batch_size=2)
    for text, (nats, tokens) in zip(TEXTS, found, strict=True):
        ids = torch.tensor([[tokenizer.eos_token_id, *tokenizer(text).input_ids, tokenizer.eos_token_id]])
        with torch.no_grad():
            mean = float(model(input_ids=ids, labels=ids).loss)
        assert tokens == ids.shape[1] - 1 and nats == pytest.approx(-mean * tokens, rel=1e-4)
    assert perplexity(TEXTS, tokenizer, model) == pytest.approx(np.exp(-found[:, 0].sum() / found[:, 1].sum()))
    with pytest.raises(ValueError, match="no text"):
        perplexity([], tokenizer, model)


def test_words_out_of_order_are_less_fluent():
    tokenizer, model = load_language_model()
    assert perplexity(["a red mug on a table"], tokenizer, model) < perplexity(
        ["table red on mug a a"], tokenizer, model
    )


@pytest.mark.parametrize(
    "text, share", [("", 0), ("mug", 0), ("a mug a mug a mug", 3 / 5), ("a red mug", 0), ("A a a", 0.5)]
)
def test_repetition_is_the_share_of_word_pairs_that_come_again(text, share):
    assert repeated_share(text) == pytest.approx(share)
