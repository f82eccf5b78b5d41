"""The miniature GPT-2: how it starts and what is measured of it."""

import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel

from altlib.pretraining.language import GPT2_CONFIG, perplexity, start_looking_back
from tests.conftest import small_gpt2


def test_a_model_that_starts_looking_back_finds_what_followed_the_same_token():
    torch.manual_seed(0)
    model = GPT2LMHeadModel(GPT2Config(**GPT2_CONFIG, bos_token_id=0, eos_token_id=0)).eval()
    start_looking_back(model)
    model.set_attn_implementation("eager")
    passage = torch.randint(1, 2048, (2, 30))
    with torch.inference_mode():
        attention = model(torch.cat([passage, passage], 1), output_attentions=True).attentions
    at = torch.arange(1, 60)
    assert attention[0][:, 0, at, at - 1].mean() > 0.8
    again = torch.arange(30, 59)
    assert attention[1][:, 0, again, again - 29].mean() > 0.8


def test_perplexity_counts_every_token_alike_in_batches_of_any_size(tokenizer):
    model = small_gpt2(tokenizer)
    rows = torch.randint(1, len(tokenizer), (7, 12), generator=torch.Generator().manual_seed(0))
    rows[-1] = 5  # the last batch is smaller and of another kind
    with torch.inference_mode():
        likelihoods = model(rows).logits[:, :-1].log_softmax(-1).gather(2, rows[:, 1:, None])
    expected = likelihoods.mean().neg().exp().item()
    for batch_size in (1, 2, 3, 7, 32):
        assert perplexity(model, rows, batch_size) == pytest.approx(expected, rel=1e-5)
