import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

from altlib.models.response_trees import Branch, Tree, lay_out, tree_log_probabilities


def gpt2():
    return GPT2LMHeadModel(
        GPT2Config(vocab_size=40, n_positions=64, n_embd=16, n_layer=2, n_head=2, initializer_range=0.4)
    )


def llama():
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=40,
            hidden_size=16,
            intermediate_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            max_position_embeddings=64,
            initializer_range=0.4,
        )
    )


def alone(model, trunk, context, response):
    """log p of a response with nothing beside it."""
    ids = torch.tensor([context + response])
    embedded = torch.cat([trunk[None], model.get_input_embeddings()(ids)], 1)
    start = len(trunk) + len(context) - 1
    scores = model(inputs_embeds=embedded).logits.log_softmax(-1)[0, start : start + len(response)]
    return scores[range(len(response)), response].sum()


@pytest.mark.parametrize("make", [gpt2, llama])
@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_every_response_has_the_log_probability_and_gradient_that_it_has_alone(make, attention):
    torch.manual_seed(0)
    model = make().eval()
    model.set_attn_implementation(attention)
    trees = [
        Tree(torch.randn(3, 16), [Branch([1, 2], [[3, 4, 0], [5, 0]]), Branch([6], [[3, 4, 0]])]),
        Tree(torch.randn(0, 16), [Branch([7, 8, 9], [[0]])]),
    ]
    found = tree_log_probabilities(model.base_model, model.get_output_embeddings(), trees, 39)
    expected = torch.stack(
        [
            alone(model, tree.trunk, branch.context, response)
            for tree in trees
            for branch in tree.branches
            for response in branch.responses
        ]
    )
    assert torch.allclose(found, expected, atol=1e-4) and found.unique().numel() == 4
    weight = model.base_model.get_input_embeddings().weight
    shared, apart = (torch.autograd.grad(values.sum(), weight)[0] for values in (found, expected))
    assert torch.allclose(shared, apart, atol=1e-4) and float(apart.abs().max()) > 0.01


def test_positions_count_from_the_root():
    row = lay_out(2, [Branch([1, 2], [[3, 0], [4, 0]]), Branch([5], [[3, 0]])])
    assert row.depth == [2, 3, 4, 5, 4, 5, 2, 3, 4]
    assert row.reads == [3, 4, 3, 6, 8, 9] and row.owners == [0, 0, 1, 1, 2, 2]


def test_an_attention_that_reads_no_mask_is_refused():
    model = gpt2()
    model.config._attn_implementation = "flash_attention_2"
    with pytest.raises(ValueError, match="sdpa or eager"):
        tree_log_probabilities(model.base_model, model.lm_head, [Tree(torch.randn(1, 16), [Branch([1], [[0]])])], 0)
