"""The last block computed where it is read."""

import pytest
import torch
from transformers import GPT2Config, GPT2Model

from altlib.models.last_block import hidden_states_at, is_plain_gpt2


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_the_last_block_where_it_is_read_agrees_with_the_whole_model(share):
    """States and gradients, where rows want none, some or all of their positions."""
    torch.manual_seed(1)
    config = GPT2Config(
        vocab_size=20, n_positions=32, n_embd=24, n_layer=3, n_head=3, resid_pdrop=0, attn_pdrop=0, embd_pdrop=0,
        scale_attn_by_inverse_layer_idx=True, bos_token_id=0, eos_token_id=0,
    )  # fmt: skip
    model = GPT2Model(config).train()
    assert is_plain_gpt2(model)
    embedded = torch.randn(4, 13, 24, requires_grad=True)
    wanted = torch.rand(4, 13) < share
    wanted[0], wanted[1] = False, True
    learning = [embedded, *(p for n, p in model.named_parameters() if n != "wte.weight")]
    whole = model(inputs_embeds=embedded, use_cache=False)[0][wanted]
    weights = torch.randn_like(whole)
    expected = torch.autograd.grad((whole * weights).sum(), learning)
    states = hidden_states_at(model, embedded, wanted)
    torch.testing.assert_close(states, whole)
    for ours, theirs in zip(torch.autograd.grad((states * weights).sum(), learning), expected, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-4)
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(hidden_states_at(model, embedded, wanted).float(), whole, atol=0.1, rtol=0.1)


def test_another_kind_of_model_computes_every_position():
    model = GPT2Model(GPT2Config(vocab_size=20, n_positions=32, n_embd=24, n_layer=2, n_head=3, bos_token_id=0))
    model.set_attn_implementation("eager")
    model.eval()
    assert not is_plain_gpt2(model)
    embedded, wanted = torch.randn(2, 5, 24), torch.eye(2, 5).bool()
    torch.testing.assert_close(
        hidden_states_at(model, embedded, wanted), model(inputs_embeds=embedded).last_hidden_state[wanted]
    )
